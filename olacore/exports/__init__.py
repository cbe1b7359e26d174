"""Exporters by name: modules in forms that other programs run."""

from olacore.exports.base import EXPORTERS, Exporter
from olacore.exports.c_header import CHeader
from olacore.exports.numpy_file import NumpyFile

__all__ = ["EXPORTERS", "CHeader", "Exporter", "NumpyFile"]

"""Exporters by name: modules in forms that other programs run."""

from olacore.exports.base import EXPORTERS, Exporter
from olacore.exports.html_page import Page
from olacore.exports.numpy_file import NumpyFile

__all__ = ["EXPORTERS", "Exporter", "NumpyFile", "Page"]

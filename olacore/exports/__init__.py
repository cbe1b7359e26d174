"""Exporters by name: modules in forms that other programs run."""

from olacore.exports.base import EXPORTERS, Exporter
from olacore.exports.hub import HubFolder
from olacore.exports.numpy_file import NumpyFile
from olacore.exports.onnx_file import OnnxFile

__all__ = ["EXPORTERS", "Exporter", "HubFolder", "NumpyFile", "OnnxFile"]

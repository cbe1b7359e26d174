"""Exporters by name: modules in forms that other programs run."""

from olacore.exports.base import EXPORTERS, Exporter
from olacore.exports.c_header import CHeader
from olacore.exports.comfyui import ComfyUI
from olacore.exports.diffusers_folder import DiffusersFolder
from olacore.exports.html_page import Page
from olacore.exports.hub import HubFolder
from olacore.exports.module_file import ModuleFile
from olacore.exports.numpy_file import NumpyFile
from olacore.exports.onnx_file import OnnxFile

__all__ = [
    "EXPORTERS",
    "CHeader",
    "ComfyUI",
    "DiffusersFolder",
    "Exporter",
    "HubFolder",
    "ModuleFile",
    "NumpyFile",
    "OnnxFile",
    "Page",
]

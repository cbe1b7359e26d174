"""Exporters by name: modules in forms that other programs run."""

from olacore.exports.base import EXPORTERS, Exporter
from olacore.exports.comfyui import ComfyUI
from olacore.exports.diffusers_folder import DiffusersFolder
from olacore.exports.numpy_file import NumpyFile

__all__ = ["EXPORTERS", "ComfyUI", "DiffusersFolder", "Exporter", "NumpyFile"]

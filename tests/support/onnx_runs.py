"""ONNX models, checked and run by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from olacore.exports.base import Part
from olacore.exports.onnx_file import OnnxFile
from olacore.modules.module import Module

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")


def session_of(parts: Module | Sequence[Part], **options: Any) -> onnxruntime.InferenceSession:
    """A session of a module or of parts, on one thread; the model passes onnx's own checks."""
    parts = [Part.of("m", parts)] if isinstance(parts, Module) else parts
    model = OnnxFile(**options).model(parts)
    onnx.checker.check_model(model, full_check=True)
    onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    return session_of_bytes(model.SerializeToString())


def session_of_bytes(content: bytes) -> onnxruntime.InferenceSession:
    """A session of a model, on one thread."""
    asked = onnxruntime.SessionOptions()
    asked.intra_op_num_threads = asked.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(content, asked, providers=["CPUExecutionProvider"])


def answer(session: onnxruntime.InferenceSession, **given: np.ndarray) -> np.ndarray:
    """Its only output."""
    (found,) = session.run(None, given)
    return found


def levels_apart(ours: np.ndarray, theirs: np.ndarray) -> int:
    """The largest difference of two uint8 arrays of the same shape."""
    assert ours.dtype == theirs.dtype == np.uint8
    assert ours.shape == theirs.shape
    return int(np.abs(ours.astype(int) - theirs).max())


def to_levels(pixels: np.ndarray) -> np.ndarray:
    """Pixels (m, 3, H, W) in [-1, 1] as pictures (m, H, W, 3) uint8."""
    return np.clip(np.rint((pixels.transpose(0, 2, 3, 1) + 1) * np.float32(127.5)), 0, 255).astype(np.uint8)


def to_pixels(pictures: np.ndarray) -> np.ndarray:
    """The inverse of `to_levels`, float32."""
    return np.ascontiguousarray(pictures.transpose(0, 3, 1, 2), np.float32) / np.float32(127.5) - 1

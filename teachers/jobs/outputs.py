"""Where a teacher's answers go: data sets of latents, or of plain pairs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from olacore.data import LatentWriter, PairsWriter
from olacore.errors import ConfigError, ShapeError
from teachers.collect.plan import Plan
from teachers.protocol import Encoder, PairMaker, Teacher


class Output(Protocol):
    """One open file, and the teacher that fills it."""

    @property
    def done(self) -> int:
        """Rows of the plan that are in the file."""

    @property
    def row_bytes(self) -> int:
        """Bytes in the file for every row of the plan."""

    def answer(self, frames: np.ndarray, rows: np.ndarray) -> Callable[[], None]:
        """Ask the teacher about the pictures of some rows of the plan; the result stores what it said."""

    def close(self, complete: bool) -> None:
        """Finish the file."""


class LatentOutput:
    """Frames with latents, and with the teacher's decoding if `recon`."""

    def __init__(
        self,
        path: Path,
        plan: Plan,
        teacher: Encoder,
        size: int,
        recon: bool,
        settings: dict[str, Any],
        **mode: bool,
    ) -> None:
        self.teacher = teacher
        self.recon = _decoding_of(teacher) if recon else None
        self.writer = LatentWriter(
            path,
            space=teacher.space,
            size=(size, size),
            capacity=len(plan.rows),
            sources=plan.sources,
            recon=recon,
            settings=settings,
            files=plan.files,
            planned=plan.rows,
            **mode,
        )

    @property
    def done(self) -> int:
        """Rows of the plan that are in the file."""
        return self.writer.rows_valid

    @property
    def row_bytes(self) -> int:
        """Bytes in the file for every row of the plan."""
        return self.writer.header.row_bytes

    def answer(self, frames: np.ndarray, rows: np.ndarray) -> Callable[[], None]:
        """Encode frames, and decode what is stored of the latents: the decoding belongs to what a reader will find."""
        with np.errstate(over="ignore"):
            latents = self.teacher.encode(frames).astype(np.float16)
        decoded = self.recon(latents) if self.recon else None
        return lambda: self.writer.append(frames, latents, rows, decoded)

    def close(self, complete: bool) -> None:
        """Finish the file."""
        self.writer.close(complete)


class PairsOutput:
    """Plain pairs, the same number of rows for every picture."""

    def __init__(self, path: Path, plan: Plan, maker: PairMaker, size: int, settings: dict[str, Any], **mode: bool):
        self.maker = maker
        # The form of the answers is known once there is one.
        inputs, targets = maker.answer(np.zeros((1, size, size, 3), np.uint8))
        self.each = len(inputs)
        shape = inputs.shape[1], targets.shape[1]
        self.writer = PairsWriter(path, shape, np.repeat(plan.split, self.each), settings, **mode)

    @property
    def done(self) -> int:
        """Rows of the plan that are in the file."""
        return self.writer.rows_valid // self.each

    @property
    def row_bytes(self) -> int:
        """Bytes in the file for every row of the plan."""
        return self.writer.header.row_bytes * self.each

    def answer(self, frames: np.ndarray, rows: np.ndarray) -> Callable[[], None]:
        """Make pairs of frames.

        Raises
        ------
        ShapeError  if a picture gives another number of rows than the first one did
        """
        inputs, targets = self.maker.answer(frames)
        if len(inputs) != self.each * len(frames):
            raise ShapeError(f"a picture gave {self.each} rows before; {len(frames)} now give {len(inputs)}.")
        return lambda: self.writer.append(inputs, targets)

    def close(self, complete: bool) -> None:
        """Finish the file."""
        self.writer.close(complete)


def _decoding_of(teacher: Encoder) -> Callable[[np.ndarray], np.ndarray]:
    if not isinstance(teacher, Teacher):
        raise ConfigError(f"{teacher.space.maker} encodes only, so there is no decoding to store; leave recon out.")
    return teacher.decode

"""The retina: a whole picture through a fixed, seeded, sparse projection to a short vector.

Every cell looks at `SAMPLES` pixels scattered around a centre of its own, near for some cells and far for others,
through a colour filter of its own, and reports their mean. That is a sparse random projection (Li, Hastie and Church
2006, doi:10.1145/1150402.1150436) whose non-zero elements lie close together, so that a picture's colours and large
shapes survive it. Only positions and colours are kept: 512 cells of 256 samples take 0.5 MB where the dense matrix
for a 256 x 256 picture would take 403 MB.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from olacore.kernels.retina import project_frames

CELLS = 512
SAMPLES = 256
NARROWEST, WIDEST = 0.01, 0.5


@dataclass(frozen=True)
class Retina:
    """Positions, relative to height and width, and colours of the cells.

    Parameters
    ----------
    rows, columns : (cells, samples) float32 in [0, 1)
    colours : (cells, 3) float32, of unit length
    """

    rows: np.ndarray
    columns: np.ndarray
    colours: np.ndarray

    @classmethod
    def seeded(cls, seed: int, cells: int = CELLS, samples: int = SAMPLES) -> Retina:
        """Draw the cells; the same seed gives the same retina."""
        draw = np.random.Generator(np.random.Philox(key=seed))
        width = np.exp(draw.uniform(np.log(NARROWEST), np.log(WIDEST), (cells, 1)))
        centre = draw.uniform(0, 1, (2, cells, 1))
        place = centre + width * draw.standard_normal((2, cells, samples))
        place = np.abs((place + 1) % 2 - 1)  # reflected at the borders
        place = np.minimum(place, np.nextafter(np.float32(1), np.float32(0))).astype(np.float32)
        colours = draw.standard_normal((cells, 3))
        colours /= np.linalg.norm(colours, axis=1, keepdims=True)
        return cls(place[0], place[1], colours.astype(np.float32))

    def project(self, frames: np.ndarray) -> np.ndarray:
        """Return what the cells report of frames (m, H, W, 3) uint8, as (m, cells) float32, each within [-sqrt(3),
        sqrt(3)].
        """
        seen = np.empty((len(frames), len(self.colours)), np.float32)
        project_frames(frames, self.rows, self.columns, self.colours, seen)
        return seen

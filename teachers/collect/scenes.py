"""Where a video changes its scene, from small thumbnails of its frames.

A cut is a frame that differs from the one before it much more than neighbouring frames do. A shot that begins like an
earlier one ended goes on with that scene, so that a dialogue filmed from two sides is two scenes and not twenty.
"""

from array import array
from dataclasses import dataclass, field

import numpy as np

SIDE = 32
# Mean change of a thumbnail in grey levels from which a frame may be a cut; cuts in real films change 15 and more,
# frames of fast motion up to 8.
LEAST_CUT = 8.0
# A cut changes so many times more than the median of so many frames before and behind it.
RATIO, AROUND = 3.0, 5
# Frames; a shorter shot is a flash or a damaged frame and belongs to its neighbour.
SHORTEST = 6


def change(one: np.ndarray, other: np.ndarray) -> float:
    """Mean absolute difference of two thumbnails in grey levels."""
    return float(np.abs(one.astype(np.int16) - other).mean())


@dataclass
class SceneFinder:
    """Looks at every frame of a video once and then tells its scenes; holds four bytes a frame and few thumbnails."""

    changes: "array[float]" = field(default_factory=lambda: array("f"))
    edges: dict[int, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    first: np.ndarray | None = None
    last: np.ndarray | None = None

    def look(self, thumbnail: np.ndarray) -> None:
        """Take the next frame's thumbnail (3, SIDE, SIDE) uint8."""
        if self.last is None:
            self.first = thumbnail
            self.changes.append(0.0)
        else:
            amount = change(thumbnail, self.last)
            if amount >= LEAST_CUT:
                self.edges[len(self.changes)] = self.last, thumbnail
            self.changes.append(amount)
        self.last = thumbnail

    def scenes(self) -> np.ndarray:
        """The scene of every frame, numbered from 0 in the order of their first frames: (n,) int32."""
        if self.first is None or self.last is None:
            return np.empty(0, np.int32)
        cuts = find_cuts(np.array(self.changes, np.float32))
        starts = [0, *cuts, len(self.changes)]
        begins = [self.first, *(self.edges[cut][1] for cut in cuts)]
        ends = [*(self.edges[cut][0] for cut in cuts), self.last]
        labels = label_shots(np.diff(starts), begins, ends)
        return np.repeat(np.array(labels, np.int32), np.diff(starts))


def find_cuts(changes: np.ndarray) -> list[int]:
    """Frames that begin a shot.

    Parameters
    ----------
    changes : (n,)  of each frame from the one before it; the first is 0

    Returns
    -------
    their indices, rising, without the first frame
    """
    cuts = []
    for index in np.flatnonzero(changes >= LEAST_CUT):
        others = np.concatenate([changes[max(1, index - AROUND) : index], changes[index + 1 : index + AROUND + 1]])
        if others.size == 0 or changes[index] >= RATIO * np.median(others):
            cuts.append(int(index))
    return cuts


def label_shots(lengths: np.ndarray, begins: list[np.ndarray], ends: list[np.ndarray]) -> list[int]:
    """The scene of each shot, numbered in the order of their first shots.

    Parameters
    ----------
    lengths : frames of each shot
    begins, ends : the thumbnails of its first and its last frame
    """
    labels: list[int] = []
    count = 0
    for shot, length in enumerate(lengths):
        # The latest first: a shot most often goes back to the one before the last.
        like = next((labels[k] for k in reversed(range(shot)) if change(begins[shot], ends[k]) < LEAST_CUT), None)
        if like is None and length < SHORTEST and shot:
            like = labels[-1]
        if like is None and shot == 1 and lengths[0] < SHORTEST:
            like = labels[0]
        labels.append(count if like is None else like)
        count += like is None
    return labels

"""A text teacher without a network, and captioned photographs; none of this loads torch."""

from pathlib import Path
from typing import Any

import numpy as np

from teachers import CaptionRule, precompute
from tests.support.plain_samples import RULE, MeanTeacher, save_photographs

CAPTIONS = ("a red heart", "a fox", "A  Fox", "a bus", "a tree", "the moon", "rain", "a red heart", "snow", "a cat")


class LetterTeacher:
    """Counts letters."""

    name, reads, writes, space, batch = "letters", ("captions",), ("embeddings",), None, 3
    cut = 0

    def __init__(self, letters: str = "aeiourst") -> None:
        self.letters = letters
        self.settings: dict[str, Any] = {"text_teacher": "letters", "text_sha256": f"{letters:0>64}"}
        self.asked: list[str] = []

    def answer(self, arrays):
        self.asked += arrays["captions"].tolist()
        counts = [[text.count(letter) for letter in self.letters] for text in arrays["captions"].tolist()]
        return {"embeddings": np.array(counts, np.float32)}


def write_captioned(folder: Path, captions: tuple[str, ...] = CAPTIONS) -> tuple[list[Path], Path]:
    """Photographs and the table of their captions."""
    paths = save_photographs(folder / "photographs", len(captions))
    table = folder / "captions.tsv"
    table.write_text("".join(f"{path.name}\t{text}\n" for path, text in zip(paths, captions, strict=True)))
    return paths, table


def make_captioned(paths: list[Path], table: Path, h5: Path, **options: Any) -> Path:
    """A captioned data set of them."""
    rule = CaptionRule(table, **options.pop("telling", {}))
    teachers = [MeanTeacher(4), options.pop("text", None) or LetterTeacher()]
    precompute(paths, h5, teachers, RULE, None, rule, **options)
    return h5

"""Proof that a text teacher was loaded right: embeddings are finite, tell captions apart, and know what is alike."""

from __future__ import annotations

import numpy as np

from olacore.errors import FileFormatError
from teachers.text.encoder import TextTeacher

# The first two of each are alike in meaning, in no letters, and the third is not; weights that are no trained ones get
# every second right.
LIKE = (
    ("a kitten", "some cats", "a lorry"),
    ("a physician", "the doctor", "a banana"),
    ("an automobile", "my car", "a poem"),
    ("the ocean", "a blue sea", "a screwdriver"),
    ("a joyful child", "happy kids", "tax law"),
    ("fresh bread", "a bakery", "a volcano"),
    ("snow and ice", "cold winter", "an accountant"),
    ("a violin", "classical music", "a spider"),
)
LEAST = len(LIKE) - 1


def prove(teacher: TextTeacher, source: object, *, trained_for_likeness: bool) -> None:
    """Ask about captions of known meaning.

    Parameters
    ----------
    source : what errors call it
    trained_for_likeness : whether near captions must have near embeddings, as those of a sentence encoder do

    Raises
    ------
    FileFormatError  if an embedding is not finite, captions are not told apart, or likeness is missed
    """
    hint = "take the model's own files, or give --no-self-test"
    captions = [caption for triple in LIKE for caption in triple]
    vectors = teacher.answer({"captions": np.array(captions)})["embeddings"]
    if not np.isfinite(vectors).all():
        raise FileFormatError(f"{source} gives embeddings with NaN or inf; {hint}.")
    if len(np.unique(vectors, axis=0)) < len(captions):
        raise FileFormatError(f"{source} gives different captions one embedding; {hint}.")
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    near = [one @ other > one @ third for one, other, third in vectors.reshape(len(LIKE), 3, -1)]
    if trained_for_likeness and sum(near) < LEAST:
        raise FileFormatError(
            f"{source} finds {sum(near)} of {len(LIKE)} pairs of like captions alike, {LEAST} expected; {hint}."
        )
    teacher.cut = 0

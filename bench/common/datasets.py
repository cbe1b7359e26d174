"""Data sets made from photographs with a teacher."""

from __future__ import annotations

from pathlib import Path

from olacore.data import open_dataset

# Where photographs and teachers of the development machine lie, beside the checkout.
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
PHOTOS, MODELS = SHARED / "photos", SHARED / "models"


def is_complete(path: Path) -> bool:
    """Whether a data set is there and was written to its end."""
    if not path.exists():
        return False
    with open_dataset((path,)) as dataset:
        return bool(dataset.complete)


def make_dataset(path: Path, photos: Path, model: Path, crops: int, recon: bool = False) -> None:
    """Write a data set, or go on where an interrupted call stopped.

    Parameters
    ----------
    crops : squares of each photograph
    recon : whether the teacher's decodings are kept too
    """
    from teachers import PictureRule, default_workers, load_teacher, precompute

    path.parent.mkdir(parents=True, exist_ok=True)
    teacher, rule = load_teacher(str(model)), PictureRule(crops=crops)
    precompute([photos], path, teacher, rule, recon=recon, resume=True, workers=default_workers())

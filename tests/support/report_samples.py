"""Run folders of every sort, of a few generations each, for reports."""

from __future__ import annotations

from pathlib import Path

from olacore.search.train import train
from tests.support.caption_samples import write_captioned
from tests.support.makers import make_config, write_pictures, write_plain

# A name that would run in a page that took it for HTML.
NASTY = "<script>document.title='broken'</script>"


def make_runs(folder: Path) -> Path:
    """Write data and runs below `folder`, and return it: plain, folds, a stack, an encoder, two seeds of decoders, a
    refiner, a pair, a denoiser and a text module.
    """
    write_plain(folder / "pairs.h5")
    write_pictures(folder / "data.h5", recon=True)
    write_captioned(
        folder / "captions.h5", {"train": 30, "validation": 6, "held-out:concept-held-out": 5, "held-out": 4}
    )
    pairs, data, captions = (folder / f"{name}.h5" for name in ("pairs", "data", "captions"))
    runs = folder / "runs"
    shrunk = {"options": {"shrinkage": 0.03}}
    train(make_config(pairs, runs / "plain"))
    train(make_config(pairs, runs / "folds", folds=2))
    train(make_config(pairs, runs / "stack", stack=4, generations=24))
    train(make_config(data, runs / "encoder"))
    for seed in range(2):
        train(make_config(data, runs / f"decoder-{seed}", module="decoder", seed=seed))
    train(make_config(data, runs / "refiner", module="refiner", pictures_from=runs / "decoder-0"))
    train(make_config(data, runs / "pair", module="pair", border=0))
    train(
        make_config(captions, runs / "denoiser", module="denoiser", view="window", level=0.5, text_window=1, **shrunk)
    )
    train(make_config(captions, runs / "text", module="text", buckets=64, **shrunk))
    return folder

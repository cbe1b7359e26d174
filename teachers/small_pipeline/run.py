"""One whole run: check, train, save the pipeline, report."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from olacore.errors import ConfigError, OutputExistsError
from olacore.files import check_folder, is_there, make_folder, replace_file
from olacore.foreign.names import counted
from teachers.options import LoadOptions
from teachers.small_pipeline.settings import Captioned, Rows, Settings, check_data, parts_of, read_rows, spread_out

CHECKPOINT, REPORT, SHEET = "training/checkpoint.safetensors", "training/report.json", "training/sheet.png"
# Validation rows of a part that the curve is measured on; the report takes all.
ON_THE_WAY = 64


@dataclass(frozen=True)
class Places:
    """Where everything is.

    Parameters
    ----------
    out : folder of the pipeline; what belongs to the training alone is in its folder `training`
    vae, text : references of the teachers that the data were made with
    resume : go on with the checkpoint in `out`, or start it
    force : start anew; what is in `out` is replaced once there is something better
    """

    out: Path
    vae: str
    text: str
    resume: bool = False
    force: bool = False


def make(
    data: Captioned,
    settings: Settings,
    places: Places,
    steps: int | None = None,
    minutes: float | None = 60.0,
    *,
    options: LoadOptions | None = None,
    stop: Callable[[], bool] = lambda: False,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, Any] | None:
    """Train a small pipeline on captioned latents and save it.

    Training rows alone are trained on, validation rows give the curve, held-out rows are in the report at the end.

    Parameters
    ----------
    steps, minutes : when to end, counted over all runs; either may be None
    stop : asked before each step; where it says so, the training is saved and nothing else
    say : is told how it goes

    Returns
    -------
    the report, which is also in `training/report.json`; None if it was stopped

    Raises
    ------
    ConfigError  if there is no end, or torch, diffusers or transformers are not installed; if the checkpoint is of
        another training
    DataError  if the data have no captions or embeddings
    FingerprintError  if a teacher is another one than the data were made with
    OutputExistsError, OutputError  if the folder is there, or cannot be written
    SearchError  if a loss is not finite
    """
    if (steps is None and minutes is None) or (steps or 0) < 0 or (minutes or 0) < 0:
        raise ConfigError(f"a training ends after steps or minutes, 0 or more; got {steps} and {minutes}.")
    check_data(data)
    if is_there(places.out) and not (places.resume or places.force):
        raise OutputExistsError(f"{places.out} is already there; give --resume to go on, or --force to start anew.")
    check_folder(places.out, force=True)
    try:
        from teachers.comparison.torch_kernels import torch_threads

        with torch_threads(settings.threads):
            return _make(data, settings, places, steps, minutes, options or LoadOptions(), stop, say)
    except ImportError as error:
        raise ConfigError(f"a small teacher needs {error.name or 'torch'}; pip install 'olacore[teachers]'.") from error


def _make(
    data: Captioned,
    settings: Settings,
    places: Places,
    steps: int | None,
    minutes: float | None,
    options: LoadOptions,
    stop: Callable[[], bool],
    say: Callable[[str], None],
) -> dict[str, Any] | None:
    from olacore.media.pictures import write_picture
    from teachers.small_pipeline import pipeline as parts
    from teachers.small_pipeline.report import Ruler, compare, draw_samples, network_left
    from teachers.small_pipeline.training import Progress, Training

    channels, side = check_data(data)
    train = read_rows(data, data.indices("train"))
    assert data.space is not None
    vae = parts.load_vae(places.vae, data.space, options)
    text = parts.load_text(places.text, train, options)
    network = parts.build_network(settings, channels, side, int(parts.network_config(text).hidden_size))
    whole = parts.build_pipeline(network, vae, text, train.captions)
    checkpoint = places.out / CHECKPOINT
    make_folder(checkpoint.parent)
    say(f"{counted(len(train), 'training row')}; {parts.described(settings, whole)}")
    training = Training(whole, train, settings, _digest(train, data.space.fingerprint, text.fingerprint))
    if places.resume and checkpoint.exists():
        training.load(checkpoint)
        say(f"goes on after {counted(training.progress.step, 'step')}")
    watched = {
        name: read_rows(data, spread_out(rows, ON_THE_WAY)) for name, rows in parts_of(data, "validation").items()
    }
    ruler = Ruler(train)

    def measure() -> dict[str, Any]:
        with training.averaged():
            return {name: network_left(whole, rows, ruler) for name, rows in watched.items()}

    def tell(progress: Progress) -> None:
        last = progress.curve[-1]
        figures = "; ".join(f"{name} {' '.join(f'{left:.3f}' for left in last[name].values())}" for name in watched)
        say(f"step {progress.step}, {progress.seconds:.0f} s: loss {last['loss']:.4f}; {figures}")

    if not training.run(checkpoint, steps, minutes, stop, measure, tell):
        return None
    with training.averaged():
        parts.save_pipeline(whole, places.vae, places.out, options)
        held_out = {
            name: read_rows(data, rows)
            for split in ("validation", "held-out")
            for name, rows in parts_of(data, split).items()
        }
        progress = training.progress
        report = {
            "settings": settings.to_dict(),
            "space": data.space.fingerprint,
            "text_sha256": text.fingerprint,
            "network": parts.described(settings, whole),
            "steps": progress.step,
            "seconds": round(progress.seconds, 1),
            "rows": {"train": len(train), **{name: len(rows) for name, rows in held_out.items()}},
            "curve": progress.curve,
            "left": compare(whole, train, held_out) if held_out else {},
        }
        if held_out:
            with parts.quiet():
                write_picture(places.out / SHEET, draw_samples(whole, vae, held_out))
    replace_file(places.out / REPORT, (json.dumps(report, indent=1) + "\n").encode())
    return report


def _digest(train: Rows, *names: str) -> str:
    """Of what is trained on."""
    digest = hashlib.sha256()
    for part in (train.latents.tobytes(), train.embeddings.tobytes(), "\0".join((*train.captions, *names)).encode()):
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()

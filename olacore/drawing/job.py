"""What `ola generate` does with a prompt, a file of prompts or an earlier picture."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from olacore import pretrained
from olacore.drawing.generator import Drawing, Generator
from olacore.drawing.notes import ALIKE, NO_SEED, UNMEASURED
from olacore.drawing.pictures import Thumbnails, grid_of, read_drawing, write_drawing
from olacore.drawing.settings import Settings
from olacore.errors import ConfigError, DataError, FileFormatError
from olacore.files import check_output
from olacore.foreign import hub
from olacore.foreign.names import file_name
from olacore.foreign.reading import read_file
from olacore.media.pictures import check_picture

# Characters of a prompt that a file is named after, and bytes of a file of prompts.
NAMED, MOST_BYTES = 60, 1 << 24
MOST_PROMPTS = 10_000


def new_seed() -> int:
    """A seed that nobody chose."""
    return secrets.randbelow(1 << 31)


def free_name(prompt: str) -> Path:
    """The first file `PROMPT.png`, `PROMPT-2.png` and so on that is not there yet."""
    stem = file_name("-".join(prompt.split())[:NAMED] or "empty").lower()
    paths = (Path(f"{stem}-{number}.png" if number > 1 else f"{stem}.png") for number in range(1, 1 << 20))
    return next(path for path in paths if not path.exists())


def read_prompts(path: Path) -> list[str]:
    """The prompts of a file, one a line, also where it begins with #, as a prompt may; empty lines are none.

    Raises
    ------
    FileFormatError  if it cannot be read, or is no UTF-8
    DataError  if there are none, or too many
    """
    try:
        content = read_file(path, "the prompts", MOST_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileFormatError(f"{path} is no UTF-8 text ({error.reason}); one prompt a line is expected.") from error
    prompts = [line.strip() for line in content.splitlines() if line.strip()]
    if not 0 < len(prompts) <= MOST_PROMPTS:
        raise DataError(f"{path} must have 1 to {MOST_PROMPTS:,} prompts, one a line; it has {len(prompts):,}.")
    return prompts


def recalled(path: Path) -> tuple[str, Settings, int, dict[str, Any]]:
    """Prompt, settings, how many pictures, and all else that an earlier picture says of itself.

    Raises
    ------
    FileFormatError  if it says nothing
    """
    about = read_drawing(path)
    if about is None:
        raise FileFormatError(f"{path} does not say how it was drawn; a PNG of `ola generate` does.")
    settings = Settings(**{one.name: about[one.name] for one in fields(Settings) if one.name in about})
    return about["prompt"], settings, about["count"], about


def check_set(about: dict[str, Any], path: Path) -> None:
    """Raise `FileFormatError` unless the set that drew a picture is found by what the picture calls it."""
    name = about["set"]
    if not (hub.is_hub(name) or name in pretrained.sets() or Path(name).is_dir()):
        raise FileFormatError(
            f"{path} was drawn by the set {name}, which is no folder here and none that is shipped; name its folder "
            "with --set."
        )


def same_modules(generator: Generator, about: dict[str, Any], path: Path) -> None:
    """Raise `ConfigError` unless a set has the modules that drew a picture."""
    theirs, ours = about["modules"], generator.set.digests
    if changed := sorted(name for name in {*theirs, *ours} if theirs.get(name) != ours.get(name)):
        raise ConfigError(
            f"{path} was drawn by other modules of the set {about['set']}: {', '.join(changed)} differ; "
            "draw its prompt anew instead."
        )
    if about.get("measured", generator.set.measured) != generator.set.measured:
        raise ConfigError(
            f"{path} was drawn by the same modules in another set {about['set']}, whose measures of its data differ; "
            "draw its prompt anew instead."
        )


def drawn(
    generator: Generator,
    prompt: str,
    settings: Settings,
    count: int,
    output: Path,
    *,
    force: bool,
    init: Path | None = None,
    strength: float = 0.5,
    preview: Path | None = None,
    nearest: bool = False,
    like: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Draw a prompt into a file, several pictures as a grid.

    Parameters
    ----------
    like : what an earlier picture says of itself that is drawn again

    Returns
    -------
    what was drawn, in plain values
    """
    check_output(output, force)
    check_picture(output)
    if preview is not None:
        check_output(preview, force)
        check_picture(preview)
    steps: list[np.ndarray] = []
    start = None if init is None else read_start(init, generator.set.size)
    found = generator.draw(
        prompt, settings, count=count, init=start, strength=strength, watch=lambda *told: steps.append(told[2])
    )
    about = {**found[0].record, "count": count, **settings_of_init(init, strength)}
    write_drawing(output, grid_of([one.picture for one in found]), about)
    if preview is not None:
        write_drawing(preview, grid_of(steps, len(steps) // count), about)
    near = np.array([cosine for _, cosine in found[0].nearest] or [0.0])
    helps = generator.set.levels or generator.leans(replace(settings, variety=1.0), near)
    notes = [f"{note}; add --variety 1" if note in (ALIKE, NO_SEED) and helps else note for note in found[0].notes]
    if like is not None and "measured" not in like and generator.unlike(near):
        notes.append(UNMEASURED)
    told = {"file": str(output), **about, "notes": notes}
    told |= {} if preview is None else {"preview": str(preview)}
    # Rounded vectors may be a little longer than 1.
    near_captions = [{"caption": text, "cosine": round(min(cosine, 1.0), 4)} for text, cosine in found[0].nearest]
    told["nearest captions"] = near_captions
    if nearest:
        told["nearest pictures"] = nearest_of(generator, found)
    return told


def settings_of_init(init: Path | None, strength: float) -> dict[str, Any]:
    """What a file says of the picture that drawing started from: its digest, and how far it went."""
    if init is None:
        return {}
    from hashlib import sha256

    return {"init": sha256(read_file(init, "the picture", 1 << 30)).hexdigest(), "strength": strength}


def read_start(path: Path, size: int) -> np.ndarray:
    """A picture to start from, its centre square at the set's size."""
    from olacore.media.pictures import crop, read_picture

    return crop(read_picture(path), size)


def nearest_of(generator: Generator, found: list[Drawing]) -> list[dict[str, Any]]:
    """The training picture that is nearest to each drawn one."""
    known = Thumbnails(generator.set, len(generator.captions.listed))
    told = []
    for one in found:
        place, distance = known.nearest(one.picture)
        told.append({"caption": generator.captions.listed[place], "grey levels": round(distance, 2)})
    return told


def with_seed(settings: Settings, seed: int | None) -> Settings:
    """Settings with a seed, where none is given and it decides anything, one that nobody chose."""
    if seed is None:
        seed = new_seed() if settings.variety else 0
    return replace(settings, seed=seed)

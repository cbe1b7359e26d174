"""Making a set: modules that were trained apart put into one folder, with the captions that they were trained on."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from olacore.data import Dataset, open_dataset
from olacore.data.texts import Texts, read_texts
from olacore.drawing.captions import OVER, Captions
from olacore.drawing.lift import OUTLINE, axes_of, gains_of, parted
from olacore.drawing.module_set import ABOUT, CAPTIONS, MOST_ABOUT, SCHEMA, THUMBNAILS, check_parts
from olacore.errors import ConfigError, DataError, FingerprintError, OutputExistsError
from olacore.files import check_folder, write_folder
from olacore.modules.find import find
from olacore.modules.module import Module, load
from olacore.views.scaling import Scaling

# Components of the captions' embeddings that are kept, and pixels along a side of a thumbnail.
COMPONENTS, THUMB = 128, 16
# A prompt counts as seen where modules leave at most this share of the variance of validation pictures as near.
UNSURE = 0.5
# Validation pictures with a caption like none of training that gains are told from, at least.
FEW = 8
BATCH = 256


def make_set(
    out: Path,
    modules: Mapping[str, Path | str],
    h5: Path,
    *,
    levels: Sequence[Path | str] = (),
    about: Mapping[str, str] | None = None,
    force: bool = False,
) -> Path:
    """Write a set of modules.

    Parameters
    ----------
    out : the folder
    modules : files, run folders or names by what they do: "text", "mean", "decoder"; "refiner" behind it;
        "encoder" where it should start from pictures too
    h5 : the data that they were trained on, with captions
    levels : denoisers
    about : what the set says of itself, such as its licence: short texts by name

    Returns
    -------
    the folder

    Raises
    ------
    DataError  if the data have no captions, or none for training
    FileFormatError, FingerprintError  if the modules do not go together
    OutputExistsError  if there is a set, or the folder holds other files, and `force` is not given
    ConfigError  if a text of `about` is too long, or has characters that cannot be shown
    """
    check_free(out, force)
    check_about(about or {})
    loaded = {name: load(reference) for name, reference in modules.items()}
    denoisers = {getattr(module.view, "level", 0.0): (module, path) for path in levels for module in (load(path),)}
    abouts = {name: module.about() for name, module in loaded.items()}
    check_text(loaded["text"], abouts)
    check_parts(abouts | {f"level {level:g}": one.about() for level, (one, _) in denoisers.items()}, "the set")
    loaded["decoder"].with_refiner(loaded.get("refiner") or loaded["decoder"].refiner)  # refused if it does not fit
    with open_dataset([h5]) as data:
        check_captioned(data, h5)
        texts = read_texts(data)
        trained = np.flatnonzero(texts.counts)
        if not len(trained):
            raise DataError(f"{h5} has no captions for training.")
        embeddings = embed(loaded["text"], texts.captions)
        styles = styles_of(data)
        captions = Captions.of([texts.captions[place] for place in trained], embeddings[trained], COMPONENTS)
        validated = Validated.of(data, texts, loaded["mean"], embeddings, captions)
        seen = validated.seen_from()
        # Prompts of scenes never lean.
        scenes = loaded["text"].view.name == "scene"
        energies = energies_of(data, loaded["mean"].scaling, validated, None if scenes else seen)
        thumbnails = sheet_of_thumbnails(data, texts, trained)
        size = data.layout_of("frames")[0][0]
    files: dict[str, bytes] = {}

    def keep(name: str, content: bytes) -> dict[str, str]:
        files[name] = content
        return {"file": name, "sha256": sha256(content).hexdigest()}

    written = {name: keep(f"{name}.safetensors", find(path).read_bytes()) for name, path in modules.items()}
    bank = [
        {"level": level, **keep(f"level-{level:g}.safetensors", find(path).read_bytes())}
        for level, (_, path) in sorted(denoisers.items(), reverse=True)
    ]
    content = {
        "schema": SCHEMA,
        "size": size,
        "modules": written,
        "levels": bank,
        "captions": keep(CAPTIONS, captions.content()),
        "thumbnails": keep(THUMBNAILS, thumbnails),
        "seen": seen,
        **energies,
        **styles,
        "about": dict(about or {}),
    }
    files[ABOUT] = (json.dumps(content, indent=1, sort_keys=True) + "\n").encode()
    write_folder(out, files)
    return out


def check_free(out: Path, force: bool) -> None:
    """Raise `OutputExistsError` where a folder has a set, or other files, unless they may be replaced."""
    if (out / ABOUT).exists() and not force:
        raise OutputExistsError(f"the set {out} is already there; give --force to replace it.")
    check_folder(out, force)


def check_captioned(data: Dataset, h5: Path) -> None:
    """Raise `DataError` unless data have pictures, latents and captions, of which a set can be made."""
    if not data.captions or not data.has("latents"):
        raise DataError(f"{h5} has no pictures with captions; make it with --captions and --text-teacher.")


def styles_of(data: Dataset) -> dict[str, Any]:
    """What `ModuleSet` says of the styles of training pictures; the one that most have stands for none."""
    used = np.unique(data.read(["rows"], data.indices("train"))["rows"]["source"])
    counts = Counter(data.sources[source].style for source in used)
    styles = sorted(style for style in counts if style)
    usual = {} if "" in counts else {"style": max(styles, key=counts.__getitem__)}
    return {"styles": styles, **usual} if styles else {}


def check_about(about: Mapping[str, str]) -> None:
    """Raise `ConfigError` unless a set can say this of itself."""
    for name, text in about.items():
        if not 0 < len(name) <= MOST_ABOUT or len(text) > MOST_ABOUT:
            raise ConfigError(f"what a set says of itself has up to {MOST_ABOUT:,} characters; {name[:40]!r} has more.")
        if not (name + text).isprintable():
            raise ConfigError(f"what a set says of itself is plain text of one line; {name[:40]!r} is not.")


def check_text(text: Module, abouts: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise `FingerprintError` unless what reads embeddings was trained on a text module's, or its teacher's."""
    known = {text.digest: "the text module", text.training.get("text_sha256"): "its teacher"}
    for name, about in abouts.items():
        read = about["training"].get("text_sha256")
        if name != "text" and read not in known and read is not None:
            theirs = about["training"].get("text_teacher")
            raise FingerprintError(
                f"the {name} module reads embeddings of {theirs} ({read[:12]}), which the text module does not make; "
                "train it with --text-from the text module."
            )


def embed(text: Module, captions: Sequence[str]) -> np.ndarray:
    """Embeddings of captions by a text module, (k, E) float32."""
    parts = [text.embed(list(captions[start : start + BATCH])) for start in range(0, len(captions), BATCH)]
    return np.concatenate(parts)


@dataclass(frozen=True)
class Validated:
    """What a text mean says of the captions of validation pictures, and what is true.

    Parameters
    ----------
    drawn, true : what sets text means and latents apart from the mean of all, (n, F) float32
    likeness : of each caption to the nearest training caption, (n,)
    """

    drawn: np.ndarray
    true: np.ndarray
    likeness: np.ndarray

    @classmethod
    def of(cls, data: Dataset, texts: Texts, mean: Module, embeddings: np.ndarray, captions: Captions) -> Validated:
        """Ask a text mean about all validation pictures of the data."""
        rows = data.indices("validation")
        places = texts.of_rows[rows]
        if not len(rows):
            return cls(*(np.empty((0, len(mean.scaling.target_mean)), np.float32),) * 2, np.empty(0, np.float32))
        latents = data.read(["latents"], rows)["latents"].astype(np.float32).reshape(len(rows), -1)
        drawn = mean.denoise(embeddings=embeddings[places]).reshape(len(rows), -1)
        likeness = np.array([captions.likeness(embeddings[place]).max() for place in places])
        return cls(drawn - mean.scaling.target_mean, latents - mean.scaling.target_mean, likeness)

    def seen_from(self) -> float | None:
        """The likeness to the nearest training caption from which on validation pictures are drawn well.

        Sorted by likeness, the pictures that are at least as near leave `UNSURE` of the variance or less together.

        Returns
        -------
        None where there are no validation pictures, or all are drawn badly
        """
        missed = np.square(self.true - self.drawn).sum(1)
        spread = np.square(self.true).sum(1)
        order = np.argsort(-self.likeness, kind="stable")
        left = np.cumsum(missed[order]) / np.cumsum(spread[order])
        good = np.flatnonzero(left <= UNSURE)
        return round(float(self.likeness[order[good[-1]]]), 4) if len(good) else None

    def gains_below(self, least: float, axes: np.ndarray) -> list[float] | None:
        """The gains of `Outline`, from pictures whose captions are less like than `least`; None where there are few."""
        unlike = self.likeness < least
        if unlike.sum() < FEW:
            return None
        return [round(gain, 4) for gain in gains_of(self.drawn[unlike], self.true[unlike], axes)]


def energies_of(data: Dataset, scaling: Scaling, validated: Validated, seen: float | None) -> dict[str, Any]:
    """What `ModuleSet` says of the energies of training latents: medians of squared distances to their mean."""
    rows = data.indices("train")
    basis = np.empty((0, len(scaling.target_mean)), np.float32) if scaling.basis is None else scaling.basis
    axes = axes_of(basis, OUTLINE)
    sizes = []
    for start in range(0, len(rows), BATCH):
        part = rows[start : start + BATCH]
        apart = data.read(["latents"], part)["latents"].reshape(len(part), -1).astype(np.float32) - scaling.target_mean
        sizes.append([np.square(one).sum(1) for one in (apart, *parted(apart, axes))])
    whole, outline, rest = (round(float(np.median(np.concatenate(one))), 4) for one in zip(*sizes, strict=True))
    if len(basis) <= OUTLINE:
        return {"energy": whole}
    parts: dict[str, Any] = {"components": OUTLINE, "energy": outline, "rest": rest}
    if seen is not None and (gains := validated.gains_below(seen - OVER, axes)):
        parts["gains"] = gains
    return {"energy": whole, "outline": parts}


def sheet_of_thumbnails(data: Dataset, texts: Texts, trained: np.ndarray) -> bytes:
    """A picture of small pictures, one for each training caption in order, row by row, as many a row as rows."""
    from PIL import Image

    rows = data.indices("train")
    first = {int(place): int(row) for place, row in zip(texts.of_rows[rows][::-1], rows[::-1], strict=True)}
    side = int(np.ceil(np.sqrt(len(trained))))
    sheet = np.full((side * THUMB, side * THUMB, 3), 255, np.uint8)
    for number, place in enumerate(trained.tolist()):
        if place not in first:
            continue
        frame = data.read(["frames"], np.array([first[place]]))["frames"][0]
        small = np.asarray(Image.fromarray(frame).resize((THUMB, THUMB), Image.Resampling.BOX))
        top, left = number // side * THUMB, number % side * THUMB
        sheet[top : top + THUMB, left : left + THUMB] = small
    content = io.BytesIO()
    Image.fromarray(sheet).save(content, "WEBP", quality=80, method=6)
    return content.getvalue()

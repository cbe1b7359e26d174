"""Files of latents to pictures: whose latents they are, how they are scaled, and a folder of them with one decoder."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from olacore.errors import ConfigError, FileFormatError, FingerprintError, OlacoreError, OutputError, ShapeError
from olacore.files import check_folder, check_output, make_folder
from olacore.media.frames import check_shrink, checked_latents, shrunk
from olacore.media.pictures import check_picture, write_picture
from olacore.modules.file import SCHEMA
from olacore.modules.identity import space_from
from olacore.modules.latent_doubts import LatentWarning, doubt_sites
from olacore.modules.latent_file import READABLE, StoredLatent, read_latent
from olacore.modules.plain import PlainModule, load_plain
from olacore.modules.refined import require_pictures_of
from olacore.pretrained.catalogue import decoder_of, family_of, pick_decoder
from olacore.spaces import FAMILIES, LatentSpace, require_same

if TYPE_CHECKING:
    from olacore.modules.module import Module

RAW, SCALED = "raw", "scaled"
# In place of a refiner: leave out the one that a decoder carries.
NONE = "none"
# Whose latents those of ComfyUI are taken for, where nobody says it.
TAKEN = "sd15"


# Sites of a latent up to which a single one is decoded without Numba, whose import takes longer.
FEW_SITES = 1 << 14


class Decoder(Protocol):
    """What decodes: a `Module`, or the same in NumPy alone."""

    @property
    def reads(self) -> LatentSpace | None:
        """The latent space that it was trained for."""

    def decode(self, latents: Any, *, shrink: int = 1) -> np.ndarray:
        """As `Module.decode`."""


@dataclass(frozen=True)
class PlainDecoder:
    """A decoder of patches in NumPy alone, for a process that is over before Numba would be imported.

    Pixels may differ from those of `Module.decode` by a grey level.
    """

    module: PlainModule
    reads: LatentSpace | None

    @classmethod
    def load(cls, name: str, refiner: str | None = None) -> PlainDecoder | None:
        """Load a decoder, and a refiner in place of its own, or nothing where that needs the kernels, or is refused."""
        try:
            module = load_plain(name)
            if refiner is not None:
                module = module.with_refiner(None if refiner == NONE else load_plain(refiner))
        except OlacoreError:
            return None
        if module.view["kind"] != "decoder":
            return None
        # Version 0.1 wrote one space, of whatever a module was.
        return cls(module, space_from(module.about["reads" if module.about["schema"] == SCHEMA else "space"]))

    def decode(self, latents: Any, *, shrink: int = 1) -> np.ndarray:
        """As `Module.decode`."""
        check_shrink(shrink, self.module.view.get("factor", 8))
        found = checked_latents(np.asarray(latents), self.module.view["channels"], 3)
        pictures = shrunk(self.module.run(found.astype(np.float32)), shrink)
        parts, sites = self.module.parts, np.moveaxis(np.asarray(latents), -3, 0)
        if doubt := doubt_sites(sites.reshape(len(sites), -1), parts["input_mean"], parts["input_scale"]):
            warnings.warn(doubt, LatentWarning, stacklevel=2)
        return pictures if np.ndim(latents) == 4 else pictures[0]


@dataclass(frozen=True)
class Picture:
    """A decoded latent.

    Parameters
    ----------
    pixels : (H, W, 3) uint8
    decoder : that was taken
    notes : what the latent was taken for
    warnings : what is odd about it
    """

    pixels: np.ndarray
    decoder: str
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class Decoding:
    """Decodes files, and keeps each decoder that it has loaded.

    Parameters
    ----------
    decoder : a module's file, run folder or name; otherwise the shipped one for what a file, or `space`, says
    space : "sd15", "sdxl" or "sd3": whose latents the files hold, where they do not say it
    scale : "raw" as the model's autoencoder has them, "scaled" as its denoiser sees them, or a number that makes the
        latter of them; otherwise as a file says, and else "scaled"
    shrink : 1, 2, 4 or 8, of the pictures' sides
    kernels : decode all with the compiled kernels; without, small latents are decoded in NumPy alone
    refiner : a module's file, run folder or name that takes the decoder's errors out of its pictures, in place of the
        refiner that the decoder carries; "none" for neither

    Raises
    ------
    ConfigError  if there is no such space
    """

    def __init__(
        self,
        decoder: str | None = None,
        space: str | None = None,
        scale: str | float | None = None,
        shrink: int = 1,
        kernels: bool = True,
        refiner: str | None = None,
    ) -> None:
        if space is not None and space not in FAMILIES:
            raise ConfigError(f"a space is one of {', '.join(FAMILIES)}; got {space!r}.")
        self.decoder, self.space, self.scale, self.shrink = decoder, space, scale, shrink
        self.kernels, self.refiner = kernels, refiner
        self._loaded: dict[str, Decoder] = {}
        self._family: dict[str, str | None] = {}

    def prepare(self) -> None:
        """Load the decoder and the refiner that were named, so that they are not missed for each file anew.

        Raises
        ------
        OlacoreError  one of its kinds, if one cannot be loaded, or they do not go together
        """
        if named := self.decoder or (_decoder(self.space) if self.space else ""):
            self._load(named)
        _ = self._asked  # what is no refiner is refused here

    def decode(self, path: Path, output: Path) -> list[Picture]:
        """Decode what a file holds.

        Parameters
        ----------
        output : that the pictures are meant for: one that they do not fit into is refused before the work

        Raises
        ------
        ConfigError  if nobody says whose latents they are, or how they are scaled
        FileFormatError, DataError, ShapeError  if they cannot be read, or are no latents of the decoder
        FingerprintError  if they are another model's than the decoder's, or the refiner is of another decoder
        """
        stored = read_latent(path)
        if self.scale is not None and any(stored.spaces):
            raise ConfigError(f"{path} says how its latent is scaled, as all files of `ola encode`; leave --scale out.")
        name = self.decoder or self._pick(path, stored)
        module = self._load(
            name, few=stored.latent[..., 0, :, :].size <= FEW_SITES if stored.latent.ndim > 2 else False
        )
        self._check(path, stored, name, module)
        stored, notes = self._scaled(path, stored, name, module.reads)
        if stored.latent.ndim > 2 and module.reads:
            sides = stored.size or tuple(side * module.reads.factor for side in stored.latent.shape[-2:])
            check_picture(output, *(side // self.shrink for side in sides))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            decoded = module.decode(stored.latent, shrink=self.shrink)
        odd = tuple(str(warning.message) for warning in caught)
        pictures = decoded if decoded.ndim == 4 else decoded[None]
        return [Picture(stored.crop(one, self.shrink), name, notes, odd) for one in pictures]

    def _pick(self, path: Path, stored: StoredLatent) -> str:
        """Name of the shipped decoder for a file."""
        if self.space is not None:
            return _decoder(self.space)
        if stored.raw is not None:
            channels = stored.latent.shape[-3]
            fitting = [family for family, known in FAMILIES.items() if known.channels == channels]
            if TAKEN not in fitting:
                named = ", ".join(fitting or FAMILIES)
                raise ConfigError(
                    f"{path} does not say whose latents of {channels} channels it holds; name the model with --space "
                    f"{named}, or a decoder with --decoder."
                )
            return _decoder(TAKEN)
        return pick_decoder(path.name, stored.latent.shape, *stored.spaces)

    def _load(self, name: str, few: bool = False) -> Decoder:
        if name not in self._loaded:
            plain = PlainDecoder.load(name, self.refiner) if few and not self.kernels else None
            self._loaded[name] = plain or self._compiled(name)
            self._family[name] = family_of(self._loaded[name].reads)
        return self._loaded[name]

    def _compiled(self, name: str) -> Module:
        """A decoder that runs by kernels, with the refiner that was asked for."""
        from olacore.modules.module import load

        decoder, refiner = load(name), self._asked
        if self.refiner is None:
            return decoder
        alone = decoder.with_refiner(None)
        if refiner is not None:
            require_pictures_of(f"the refiner {self.refiner}", refiner.training, name, alone.digest)
        return alone.with_refiner(refiner)

    @cached_property
    def _asked(self) -> Module | None:
        """The refiner that takes the place of those that decoders carry."""
        if self.refiner in (None, NONE):
            return None
        from olacore.modules.module import load

        found = load(str(self.refiner))
        if found.kind != "refiner":
            raise ConfigError(f"--refiner takes a refiner; {self.refiner} is a {found.view.title}.")
        return found

    def _check(self, path: Path, stored: StoredLatent, name: str, module: Decoder) -> None:
        """Raise unless the file, the decoder and the space that was named go together."""
        theirs = decoder_of(*stored.spaces) or "a decoder of the latent's space"
        require_same(f"the decoder {name}", module.reads, str(path), *stored.spaces, then=f"take {theirs}")
        family = self._family[name]
        if self.space and (family or self.space) != self.space:
            reads = FAMILIES[str(family)].title
            raise FingerprintError(
                f"the decoder {name} reads latents of {reads}, not of {FAMILIES[self.space].title}; "
                f"take {_decoder(self.space)}, or leave --space out."
            )

    def _scaled(
        self, path: Path, stored: StoredLatent, name: str, reads: LatentSpace | None
    ) -> tuple[StoredLatent, tuple[str, ...]]:
        """The latent as its model's denoiser sees it, in float32, and what was done to it."""
        scale = self.scale if self.scale is not None else RAW if stored.raw else SCALED
        # Of ComfyUI, where nobody has named the model.
        taken = stored.raw is not None and not (self.space or self.decoder)
        if scale == SCALED:
            old = (f"{path.name} is an old file of ComfyUI, scaled",) if stored.raw is False else ()
            return stored, (f"{path.name} is taken for {FAMILIES[TAKEN].title}, scaled",) if taken else old
        if isinstance(scale, str):
            scaling, shift, title = self._raw_to_scaled(path, name, reads)
        else:
            scaling, shift, title = scale, 0.0, ""
        each = [np.asarray(value, np.float32).reshape(-1, 1, 1) for value in (scaling, shift)]
        with np.errstate(over="ignore"):
            latent = (np.asarray(stored.latent, np.float32) - each[1]) * each[0]
        if scale != RAW:
            return replace(stored, latent=latent), (f"{path.name}: multiplied by {scaling:g}",)
        done = f"multiplied by {scaling}" if not np.any(shift) else f"{shift} subtracted, then multiplied by {scaling}"
        return replace(stored, latent=latent), (
            f"{path.name} is {'taken for' if taken else 'of'} {title}, raw: {done}",
        )

    def _raw_to_scaled(
        self, path: Path, name: str, reads: LatentSpace | None
    ) -> tuple[float | tuple[float, ...], float | tuple[float, ...], str]:
        """Scaling and shift of raw latents for a decoder, and whose they are."""
        # A space of a small autoencoder says nothing of it: what that one makes is scaled already.
        if reads is not None and (reads.scaling, reads.shift) != (1.0, 0.0):
            return reads.scaling, reads.shift, reads.maker
        family = self.space or self._family[name]
        if family is None:
            raise ConfigError(
                f"{path} holds raw latents, and the decoder {name} does not say how its model scales them; take a "
                f"decoder of their model, or name that with --space {', '.join(FAMILIES)}, or give --scale NUMBER."
            )
        found = FAMILIES[family]
        return found.scaling, found.shift, found.title


def decode_file(decoding: Decoding, path: Path, output: Path, force: bool = False) -> Picture:
    """Decode a file of one latent into a picture.

    Raises
    ------
    ShapeError  if it holds several
    OlacoreError  one of its kinds, as `Decoding.decode` does
    OutputExistsError, OutputError, ConfigError  if the picture cannot be written
    """
    check_output(output, force)
    check_picture(output)
    pictures = decoding.decode(path, output)
    if len(pictures) > 1:
        raise ShapeError(f"{path} holds {len(pictures)} latents; give one, of shape (C, h, w), or the file's folder.")
    write_picture(output, pictures[0].pixels)
    return pictures[0]


def decode_folder(
    decoding: Decoding, folder: Path, output: Path, force: bool = False
) -> Iterator[tuple[Path, list[tuple[Path, Picture]] | OlacoreError]]:
    """Decode all files of latents in a folder, in the order of their names, into a folder of PNG pictures.

    `NAME.latent` and so on becomes `NAME.png`; of a file of several latents `NAME-1.png`, `NAME-2.png` and so on.

    Yields
    ------
    of each file its path and its pictures, or what is wrong with it, also that a numbered picture is there without
    `force`, or is another file's: the others are decoded all the same

    Raises
    ------
    FileFormatError  if there is none
    ConfigError  if two would become the same picture
    OutputExistsError, OutputError  if there is a `NAME.png` without `force`, or the folder cannot be made
    OlacoreError  one of its kinds, as `Decoding.prepare` does
    """
    files = sorted(one for one in folder.iterdir() if one.is_file() and one.suffix in READABLE and one.name[0] != ".")
    if not files:
        raise FileFormatError(f"the folder {folder} holds no latents: no file {', '.join(READABLE)}.")
    planned: dict[Path, Path] = {}
    for file in files:
        picture = output / f"{file.stem}.png"
        if picture in planned:
            raise ConfigError(f"{planned[picture].name} and {file.name} would both become {picture}; rename one.")
        planned[picture] = file
    check_folder(output, force=True)
    for picture in planned if output.is_dir() else ():
        check_output(picture, force)
    decoding.prepare()
    make_folder(output)
    for picture in planned:
        check_output(picture, force)
    return _decoded(decoding, planned, force)


def _decoded(
    decoding: Decoding, planned: dict[Path, Path], force: bool
) -> Iterator[tuple[Path, list[tuple[Path, Picture]] | OlacoreError]]:
    for picture, file in planned.items():
        try:
            found = decoding.decode(file, picture)
            several = [picture.with_name(f"{file.stem}-{number}.png") for number in range(1, len(found) + 1)]
            names = [picture] if len(found) == 1 else several
            for name in names[len(found) == 1 :]:
                if name in planned:
                    raise ConfigError(f"{file} holds {len(found)} latents, and {name} is {planned[name].name}'s.")
                check_output(name, force)
            for name, one in zip(names, found, strict=True):
                write_picture(name, one.pixels)
        except OutputError:  # a full disk is full for all of them
            raise
        except OlacoreError as error:
            yield file, error
        else:
            yield file, list(zip(names, found, strict=True))


def _decoder(family: str) -> str:
    """Name of the shipped decoder of a family."""
    return f"{family}-decoder"

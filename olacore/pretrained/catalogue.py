"""What comes with the package: whose latents a module makes or reads, its partner, its size, how good it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from olacore import pretrained
from olacore.errors import ConfigError
from olacore.foreign.json_text import read_json
from olacore.modules.file import read_metadata
from olacore.modules.identity import ROLES, space_from
from olacore.spaces import FAMILIES, LatentSpace, accepts, named

FIGURES = "figures.json"


@dataclass(frozen=True)
class Figures:
    """PSNR in dB, mean over whole photographs that no part of the module's making saw.

    Parameters
    ----------
    model : whose latents they are, such as "SD 1.5"; empty for a codec
    teacher : the large autoencoder of that model, or of the one that a codec is compared with
    photographs : how many
    with_partner : encoded and decoded by the module and its partner
    with_teacher : one way by the module, the other by the teacher; None for a codec
    of_teacher : both ways by the teacher
    """

    model: str
    teacher: str
    photographs: int
    with_partner: float
    with_teacher: float | None
    of_teacher: float


@dataclass(frozen=True)
class Shipped:
    """A module that comes with the package.

    Parameters
    ----------
    name : that `load` takes
    kind : "encoder" or "decoder"
    makes, imitates, reads : latent spaces, see `Module`
    nbytes : of its file
    partner : the shipped module for the other way; empty where there is none. Several decoders may have one encoder,
        whose partner is the first of them
    figures : None where nothing was measured
    """

    name: str
    kind: str
    makes: LatentSpace | None
    imitates: LatentSpace | None
    reads: LatentSpace | None
    nbytes: int
    partner: str = ""
    figures: Figures | None = None

    @property
    def latents(self) -> str:
        """Whose latents it makes or reads, for people."""
        if self.figures and self.figures.model:
            return self.figures.model
        space = self.makes or self.reads
        return f"private, of {space.maker}" if space else "none"

    def to_dict(self) -> dict[str, Any]:
        """Plain values; latent spaces by their fingerprints."""
        spaces = {role: getattr(self, role) for role in ROLES}
        return {
            "name": self.name,
            "kind": self.kind,
            "latents": self.latents,
            **{role: space.fingerprint if space else None for role, space in spaces.items()},
            "bytes": self.nbytes,
            "partner": self.partner or None,
            "psnr": asdict(self.figures) if self.figures else None,
        }


def catalogue() -> list[Shipped]:
    """All modules that come with the package, sorted by name; of their files only the metadata are looked at."""
    path = pretrained.FOLDER / FIGURES
    figures = read_json(path, "the figures") if path.exists() else {}
    found = [_read(name, figures) for name in pretrained.names()]
    partners = {one.name: decoder_of(one.makes, one.imitates, among=found) for one in found if one.kind == "encoder"}
    for one in found:
        for other in found if one.reads else ():
            if other.kind == "encoder" and any(accepts(one.reads, its) for its in (other.makes, other.imitates) if its):
                partners.setdefault(one.name, other.name)
    return [replace(one, partner=partners.get(one.name, "")) for one in found]


def decoder_of(*latents: LatentSpace | None, among: Iterable[Shipped] | None = None) -> str:
    """Name of the shipped decoder for latents; empty where there is none.

    Parameters
    ----------
    latents : the spaces that they belong to, the one whose decoder is to be preferred first
    among : where to look; None for all that is shipped
    """
    decoders = [one for one in (catalogue() if among is None else among) if one.reads]
    for space in latents:
        for decoder in decoders:
            if space is not None and accepts(decoder.reads, space):
                return decoder.name
    return ""


def pick_decoder(name: str, shape: tuple[int, ...], *latents: LatentSpace | None) -> str:
    """Name of the shipped decoder for the latents in a file.

    Parameters
    ----------
    name : of the file
    shape : (..., C, h, w)
    latents : the spaces that they belong to, as far as the file says

    Raises
    ------
    ConfigError  if the file says nothing, or no shipped decoder reads them
    """
    decoders = [one for one in catalogue() if one.reads]
    if found := decoder_of(*latents, among=decoders):
        return found
    if any(latents):
        theirs = " or ".join(named(*filter(None, latents)))
        raise ConfigError(f"no shipped decoder reads latents of {theirs}, as {name} holds; name theirs with --decoder.")
    fitting = [one for one in decoders if one.reads and shape[-3:-2] == (one.reads.channels,)] or decoders
    known = ", ".join(f"{one.name} ({one.latents})" for one in fitting) or "none is shipped"
    raise ConfigError(f"{name} does not say whose latents it holds; name their decoder with --decoder: {known}.")


def shipped_space(decoder: str) -> LatentSpace | None:
    """The latent space that a shipped decoder reads; None where it is not shipped.

    Parameters
    ----------
    decoder : its name
    """
    return _read(decoder, {}).reads if decoder in pretrained.names() else None


def family_of(space: LatentSpace | None) -> str | None:
    """The family of models, of `FAMILIES`, whose shipped decoder reads latents of a space; None where there is none.

    Parameters
    ----------
    space : None where it is not known
    """
    known = ((family, shipped_space(f"{family}-decoder")) for family in FAMILIES)
    return next((family for family, read in known if space and read and accepts(read, space)), None)


def _read(name: str, figures: dict[str, Any]) -> Shipped:
    path = pretrained.FOLDER / f"{name}.safetensors"
    data = path.read_bytes()
    content = read_metadata(path, data)
    makes, imitates, reads = (space_from(content[role]) for role in ROLES)
    measured = Figures(**figures[name]) if name in figures else None
    return Shipped(name, content["kind"], makes, imitates, reads, len(data), figures=measured)

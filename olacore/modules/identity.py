"""The latent space of an encoder's own latents: named by what decides them, its weights as stored, view and scaling.

What a module's notes say, or the order of its metadata, changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from olacore.errors import ConfigError
from olacore.modules.file import SCHEMA, SCHEMA_1, Parts, to_bytes
from olacore.modules.tensor_file import digest_of
from olacore.spaces import LatentSpace

if TYPE_CHECKING:
    from olacore.modules.module import Module

ROLES = ("makes", "imitates", "reads")


@dataclass(frozen=True)
class Own:
    """A latent space that has another name than its encoder's digest: that of a pair, or of a file of schema 1.

    Parameters
    ----------
    digest : of the encoder that it belongs to; with other weights it would make other latents
    space : of its latents
    """

    digest: str
    space: LatentSpace


def own_space(imitated: LatentSpace, digest: str, own: Own | None) -> LatentSpace:
    """Return the latent space of an encoder's own latents; those of a clone are scaled as what they imitate."""
    if own is not None and own.digest == digest:
        return own.space
    return replace(imitated, maker=f"organic {imitated.maker}", maker_sha256=digest)


def latents_of(module: Module) -> LatentSpace:
    """Return the latent space that an encoder makes.

    Raises
    ------
    ConfigError  if the module makes no latents of whole pictures
    """
    if module.makes is None:
        raise ConfigError(f"latents come from an encoder of the patch view; this is a {module.view.title}.")
    return module.makes


def spaces_to_dict(spaces: Mapping[str, LatentSpace | None]) -> dict[str, Any]:
    """Return spaces by their roles as metadata, each with its fingerprint."""
    return {role: space and {**space.to_dict(), "fingerprint": space.fingerprint} for role, space in spaces.items()}


def space_from(values: Mapping[str, Any] | None) -> LatentSpace | None:
    """Return the space of a role in metadata, if anything has it."""
    return LatentSpace.from_dict(values) if values else None


def spaces_in(
    content: Mapping[str, Any], view: Mapping[str, Any], tensors: Parts
) -> tuple[LatentSpace | None, Own | None]:
    """Return the space that a module was trained in, and that of its own latents where it makes any.

    Parameters
    ----------
    content : metadata of its file, of either schema
    view : as plain values
    tensors : as stored
    """
    if content["schema"] == SCHEMA:
        makes, imitates, reads = (space_from(content[role]) for role in ROLES)
        space = imitates or makes or reads
    else:
        space = space_from(content["space"])
        makes = _makes_1(content, tensors, space)
    return space, Own(digest_of(tensors, view), makes) if makes else None


def _makes_1(content: Mapping[str, Any], tensors: Parts, space: LatentSpace | None) -> LatentSpace | None:
    """What the encoder of a file of schema 1 makes, which does not say it.

    A pair was known by a note on its training; what a clone made was named by its whole file, notes included.
    """
    view = content["view"]
    if space is None or (view["kind"], view["name"]) != ("encoder", "patch"):
        return None
    if dict(content["training"]).get("strategy") == "pair":
        return space
    file = {name: content[name] for name in ("activation", "training", "layers") if name in content} | {
        "kind": view["kind"],
        "view": view,
        "weights": content.get("weights", "float32"),
        "space": space.to_dict(),
        "fingerprint": space.fingerprint,
    }
    return own_space(space, sha256(to_bytes(tensors, file, SCHEMA_1)).hexdigest(), None)

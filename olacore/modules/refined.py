"""A refiner behind a decoder: what a module that carries one has to be, told from plain values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from olacore.errors import ConfigError, FingerprintError

# Of a module's file, what begins the names of the tensors of its refiner; and of its metadata, where those of it are.
CARRIED_BY, PREFIX = "refiner", "refiner."


def check_refiner(decoder: Mapping[str, Any], digest: str, refiner: Mapping[str, Any]) -> None:
    """Raise unless a refiner goes behind a decoder.

    Parameters
    ----------
    decoder, refiner : what their files say of them, `Module.about`
    digest : of the decoder without a refiner

    Raises
    ------
    ConfigError  if they are of other kinds, or their sizes do not go together
    FingerprintError  if the refiner was trained on the pictures of another decoder, and so perhaps of other
        latents
    """
    first, view = decoder["view"], refiner["view"]
    if (first["kind"], first["name"]) != ("decoder", "patch"):
        raise ConfigError(f"a decoder of patches carries a refiner; this is a {first['name']} {first['kind']}.")
    if view["kind"] != "refiner":
        raise ConfigError(f"a decoder carries a refiner; got a {view['name']} {view['kind']}.")
    block, factor = view["factor"], first.get("factor", 8)
    if factor % block:
        raise ConfigError(f"a refiner of blocks of {block} pixels takes no pictures of {factor} pixels a latent site.")
    if view.get("context") is not None and (view["channels"], block) != (first["channels"], factor):
        raise ConfigError(
            f"the refiner reads latents of {view['channels']} channels, {block} pixels a site, and the decoder of "
            f"{first['channels']} channels, {factor} pixels a site."
        )
    require_pictures_of("the refiner", refiner["training"], "this one", digest)


def require_pictures_of(refiner: str, training: Mapping[str, Any], decoder: str, digest: str | None) -> None:
    """Raise unless a refiner was trained on the pictures of the decoder that it stands behind.

    Parameters
    ----------
    refiner, decoder : what they are called in the sentence
    training : notes of the refiner's training
    digest : of the decoder, None where it has none

    Raises
    ------
    FingerprintError  otherwise
    """
    if digest is None or training.get("pictures_sha256") != digest:
        raise FingerprintError(
            f"{refiner} was trained on the pictures of another decoder than {decoder}; train it with --pictures-from "
            "this one."
        )

"""Kinds of modules by name; importing this package makes all of ours known."""

from olacore.modules.kinds.base import KINDS, Kind

from olacore.modules.kinds import decoder, denoiser, encoder, plain, refiner, text  # isort: skip

__all__ = ["KINDS", "Kind", "decoder", "denoiser", "encoder", "plain", "refiner", "text"]

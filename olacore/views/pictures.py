"""The view of a pair: whole pictures as inputs of an encoder and as targets of the decoder of its latents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from olacore.blocks import RawBlock
from olacore.errors import ConfigError
from olacore.views.base import add_view
from olacore.views.latents import space_of
from olacore.views.patch import PatchDecoder, PatchEncoder, PatchView
from olacore.views.scaling import Scaling

if TYPE_CHECKING:
    from olacore.data import BlockStream, Dataset


@add_view
@dataclass(frozen=True)
class Pictures(PatchView):
    """All patches of whole pictures, in order; a sample of a stream is a picture.

    Parameters
    ----------
    border, window : of the encoder and of the decoder
    height, width : of the latents
    """

    kind: ClassVar[str] = "pair"
    input_fields: ClassVar[tuple[str, ...]] = ("frames",)
    target_fields: ClassVar[tuple[str, ...]] = ("frames",)
    bound: ClassVar[float | None] = 1.0
    pixels: ClassVar[bool] = True
    options: ClassVar[tuple[str, ...]] = ("border", "window")

    border: int = 4
    window: int = 3
    height: int = 1
    width: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        _ = self.encoder, self.decoder  # they know which numbers are out of range

    @classmethod
    def of(cls, dataset: Dataset, settings: Mapping[str, Any]) -> Self:
        """The view of the data's frames, with as many channels as the teacher's latents."""
        if dataset.latent_shape is None:
            raise ConfigError(
                "a pair is evolved by the error of pictures, and the data hold plain pairs; give data with frames."
            )
        space = space_of(dataset, cls)
        border, window = settings.get("border", cls.border), settings.get("window", cls.window)
        return cls(space.channels, space.factor, border, window, *dataset.latent_shape[1:])

    @property
    def encoder(self) -> PatchEncoder:
        """The view of the first map."""
        return PatchEncoder(self.channels, self.factor, self.border)

    @property
    def decoder(self) -> PatchDecoder:
        """The view of the second map."""
        return PatchDecoder(self.channels, self.factor, self.window)

    @property
    def inputs(self) -> int:
        """Of the encoder."""
        return self.encoder.inputs

    @property
    def outputs(self) -> int:
        """Of the decoder."""
        return self.decoder.outputs

    def stream(
        self, dataset: Dataset, items: np.ndarray, rows: int, seed: int, cursor: dict[str, int] | None = None
    ) -> BlockStream:
        """Stream pictures, shuffled, so many at once that they have about so many patches."""
        from olacore.data.stream import BlockStream

        return BlockStream(dataset, items, self.fields, 1, max(1, rows // self.sites(dataset)), seed, cursor)

    def cut_inputs(self, raw: RawBlock, scaling: Scaling, out: np.ndarray) -> None:
        """Cut patches and their borders."""
        self.encoder.cut_inputs(raw, scaling, out)

    def cut_targets(self, raw: RawBlock, scaling: Scaling, out: np.ndarray) -> None:
        """Cut patches."""
        self.decoder.cut_targets(raw, scaling, out)

    def gather_inputs(
        self, raw: RawBlock, scaling: Scaling, into: np.ndarray | None = None, room: int = 0
    ) -> np.ndarray:
        """Cut all patches of the pictures."""
        return super().gather_inputs(self._whole(raw), scaling, into, room)

    def gather_targets(self, raw: RawBlock, scaling: Scaling, into: np.ndarray | None = None) -> np.ndarray:
        """Cut all patches of the pictures."""
        return super().gather_targets(self._whole(raw), scaling, into)

    def site_count(self, arrays: Mapping[str, np.ndarray]) -> int:
        """A picture is one sample of a stream."""
        return 1

    def empty(self, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        """Pictures like the given ones."""
        return np.empty_like(arrays["frames"])

    def assemble(self, outputs: np.ndarray, raw: RawBlock, scaling: Scaling, out: np.ndarray) -> None:
        """Write all patches of the pictures."""
        self.decoder.assemble(outputs, self._whole(raw), scaling, out)

    def _whole(self, raw: RawBlock) -> RawBlock:
        """All patches of the pictures that samples stand for."""
        sites = self.height * self.width
        item = np.repeat(raw.item, sites).astype(np.int32)
        return replace(raw, item=item, site=np.tile(np.arange(sites, dtype=np.int32), len(raw.item)))

"""The views of noisy latents: the whole of one with an embedding, and a window with what the text leads one to expect.

The windows' text means have to be those of a module that did not see the row, or a denoiser learns to copy them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from olacore.blocks import RawBlock
from olacore.errors import ConfigError, ShapeError
from olacore.kernels.gather import gather_noisy, gather_sites
from olacore.media.wiener import WienerFilter, carried_by, check_filter
from olacore.views.base import add_view, pack_standardised
from olacore.views.denoising import DenoiserView, WholeLatent, check_size, level_for, truth_for
from olacore.views.latents import half_bits, space_of, write_sites
from olacore.views.noise import noisy_latents
from olacore.views.patch import check_window
from olacore.views.scaling import Scaling
from olacore.views.wiener import estimates_of, fit_filter
from olacore.views.words import embedding_width

if TYPE_CHECKING:
    from olacore.data import BlockStream, Dataset


@dataclass(frozen=True)
class NoisyView(DenoiserView):
    """Base of both.

    Parameters
    ----------
    unconditional : without text; of a teacher's answers, those to no prompt are learned where the data hold them
    """

    unconditional: bool = False

    @property
    def answered(self) -> tuple[str, ...]:
        """Answers to no prompt come first where there is no text."""
        return answers_for(self.unconditional)

    def stream(
        self, dataset: Dataset, items: np.ndarray, rows: int, seed: int, cursor: dict[str, int] | None = None
    ) -> BlockStream:
        """Stream samples; the thread that reads them adds the noise, once a pass."""
        from olacore.views.noisy_stream import NoisyStream

        fields, sites = self.fields_in(dataset), self.sites(dataset)
        return NoisyStream(self.made, dataset, items, fields, sites, rows, seed, cursor)

    def made(self, raw: RawBlock) -> dict[str, np.ndarray]:
        """What is made once a pass of all items of a block, by name."""
        return {"noisy": noisy_latents(raw, self.level)}

    def pass_bytes(self, dataset: Dataset) -> int:
        """Those of a noisy latent that is not stored."""
        return 0 if dataset.has("noisy") else dataset.row_bytes(("latents",))


@add_view
@dataclass(frozen=True)
class Whole(NoisyView, WholeLatent):
    """From a whole noisy latent and the embedding of its caption to the clean latent."""

    name: ClassVar[str] = "whole"
    input_fields: ClassVar[tuple[str, ...]] = ("latents", "embeddings")
    options: ClassVar[tuple[str, ...]] = ("level", "truth", "unconditional")

    @classmethod
    def of(cls, dataset: Dataset, settings: Mapping[str, Any]) -> Self:
        """The view of the data's latents and embeddings."""
        space, alone = space_of(dataset, cls), bool(settings.get("unconditional"))
        assert dataset.latent_shape is not None
        return cls(
            channels=space.channels,
            factor=space.factor,
            level=level_for(dataset, cls, answers_for(alone), settings.get("level")),
            truth=truth_for(dataset, answers_for(alone), settings.get("truth")),
            height=dataset.latent_shape[1],
            width=dataset.latent_shape[2],
            embedding=0 if alone else embedding_width(dataset, cls),
            unconditional=alone,
        )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.unconditional != (self.embedding == 0):
            raise ConfigError("a denoiser of whole latents has an embedding, or is unconditional.")

    @property
    def inputs(self) -> int:
        """Numbers of the latent and of the embedding."""
        return self.outputs + self.embedding

    @property
    def given(self) -> dict[str, tuple[int | None, ...]]:
        """Noisy latents and embeddings."""
        latents: dict[str, tuple[int | None, ...]] = {"noisy": (self.channels, self.height, self.width)}
        return latents if self.unconditional else {**latents, "embeddings": (self.embedding,)}

    def cut_inputs(self, raw: RawBlock, scaling: Scaling, out: np.ndarray) -> None:
        """Put noisy latents and embeddings side by side."""
        count, numbers = len(raw.item), self.outputs
        rows = np.empty((count, self.inputs), np.float32)
        rows[:, :numbers] = noisy_latents(raw, self.level)[raw.item].reshape(count, -1)
        if not self.unconditional:
            rows[:, numbers:] = raw.arrays["embeddings"][raw.item]
        pack_standardised(rows, scaling, out)


@add_view
@dataclass(frozen=True)
class Window(NoisyView):
    """From what surrounds a site to the clean latent there, for latents of any size.

    A sample is a window of the noisy latent and one of the text mean, edges repeated, how certain the text mean is, and
    where the site lies. With a Wiener filter it also is a window of what that makes of the whole noisy latent, its
    estimate of the clean one; latents then are of one size.

    Parameters
    ----------
    window, text_window : sites along a side, odd; 0 for no text mean
    certain : whether it is told how near the caption is to captions of training
    wiener : components of the Wiener filter; 0 for none
    height, width : sites of the latent, with a filter
    filter : the filter

    Raises
    ------
    ConfigError  if a number is out of range
    ShapeError  if the filter is another one
    """

    name: ClassVar[str] = "window"
    input_fields: ClassVar[tuple[str, ...]] = ("latents", "text_means", "certainty")
    options: ClassVar[tuple[str, ...]] = ("level", "truth", "window", "text_window", "unconditional", "wiener")

    window: int = 5
    text_window: int = 3
    certain: bool = False
    wiener: int = field(default=0, kw_only=True)
    height: int = field(default=0, kw_only=True)
    width: int = field(default=0, kw_only=True)
    filter: WienerFilter | None = field(default=None, kw_only=True, metadata={"plain": False})

    def __post_init__(self) -> None:
        super().__post_init__()
        check_window("window", self.window)
        if self.text_window:
            check_window("text_window", self.text_window)
        if (self.unconditional or self.certain) and self.unconditional != (self.text_window == 0):
            raise ConfigError(
                "without text there is no window of a text mean and no certainty of it; "
                f"got a text window of {self.text_window}."
            )
        check_filter(vars(self), self.filter)

    @classmethod
    def carries(cls, values: Mapping[str, Any]) -> tuple[str, ...]:
        """The arrays of the filter, where there is one."""
        return carried_by(values)

    @classmethod
    def of_values(cls, values: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> Self:
        """The view of plain values and the arrays that a file has."""
        return cls(**values, filter=WienerFilter(**tensors) if tensors else None)

    @classmethod
    def of(cls, dataset: Dataset, settings: Mapping[str, Any]) -> Self:
        """The view of the data's latents and text means."""
        space, alone = space_of(dataset, cls), bool(settings.get("unconditional"))
        text = settings.get("text_window", 0 if alone else cls.text_window)
        if text and not dataset.has("text_means"):
            raise ShapeError(
                "the window view of the denoiser needs text_means, out of a module that did not see the rows, and the "
                "data hold none; make rows with `ola precompute --denoiser none --text-means FILE`, or leave them out "
                "with --text-window 0."
            )
        found = cls(
            channels=space.channels,
            factor=space.factor,
            level=level_for(dataset, cls, answers_for(alone), settings.get("level")),
            truth=truth_for(dataset, answers_for(alone), settings.get("truth")),
            unconditional=alone,
            window=settings.get("window", cls.window),
            text_window=text,
            certain=bool(text) and dataset.has("certainty"),
        )
        return found._with_filter(dataset, settings["wiener"]) if settings.get("wiener") else found

    def _with_filter(self, dataset: Dataset, components: int) -> Self:
        """The view with a filter that is fitted to the training rows.

        Raises
        ------
        ConfigError  if there is no text mean, or there are not as many components
        """
        if not self.text_window:
            raise ConfigError("a Wiener filter is one around the text mean; leave --wiener out where there is none.")
        assert dataset.latent_shape is not None
        height, width = dataset.latent_shape[1:]
        fitted = fit_filter(dataset, self.items(dataset), components, self.level)
        return replace(self, wiener=components, height=height, width=width, filter=fitted)

    @property
    def tensors(self) -> dict[str, np.ndarray]:
        """Those of the filter."""
        return self.filter.tensors if self.filter else {}

    @property
    def inputs(self) -> int:
        """Numbers of the windows, of the certainty, and of the place."""
        windows = self.window**2 + (1 + bool(self.wiener)) * self.text_window**2
        return self.channels * windows + 2 * self.certain + 2

    @property
    def outputs(self) -> int:
        """Channels."""
        return self.channels

    @property
    def given(self) -> dict[str, tuple[int | None, ...]]:
        """Noisy latents, text means and their certainty."""
        latents = (self.channels, self.height or None, self.width or None)
        text = {"text_means": latents} if self.text_window else {}
        return {"noisy": latents, **text, **({"certainty": (2,)} if self.certain else {})}

    def check(self, dataset: Dataset) -> None:
        """Raise `ShapeError` unless latents have the size of the filter too, where there is one."""
        super().check(dataset)
        if self.filter:
            check_size(dataset, self.height, self.width)

    def sites(self, dataset: Dataset) -> int:
        """All sites of a latent."""
        assert dataset.latent_shape is not None
        return dataset.latent_shape[1] * dataset.latent_shape[2]

    def cut_inputs(self, raw: RawBlock, scaling: Scaling, out: np.ndarray) -> None:
        """Cut windows, and put the rest beside them."""
        arrays, noisy = raw.arrays, noisy_latents(raw, self.level)
        none = np.empty((len(noisy), 0, 1, 1), np.float16)
        means = arrays["text_means"] if self.text_window else none
        estimates = none
        if self.filter:
            made = arrays.get("estimates")
            estimates = self.estimates(arrays, noisy, np.unique(raw.item)) if made is None else made
        certainty = arrays["certainty"] if self.certain else np.empty((len(noisy), 0), np.float32)
        latents = (half_bits(each) for each in (noisy, means, estimates))
        windows, scales = (self.window, self.text_window), (scaling.input_mean, scaling.input_scale)
        gather_noisy(*latents, certainty, raw.item, raw.site, *windows, *scales, out)

    def made(self, raw: RawBlock) -> dict[str, np.ndarray]:
        """Noisy latents, and with a filter its estimates of the clean ones: both belong to a pass."""
        found = super().made(raw)
        if self.filter:
            found["estimates"] = self.estimates(raw.arrays, found["noisy"], np.arange(len(found["noisy"])))
        return found

    def pass_bytes(self, dataset: Dataset) -> int:
        """Those of a noisy latent that is not stored, and of an estimate."""
        return super().pass_bytes(dataset) + bool(self.filter) * dataset.row_bytes(("latents",))

    def estimates(self, arrays: Mapping[str, np.ndarray], noisy: np.ndarray, used: np.ndarray) -> np.ndarray:
        """What the filter makes of noisy latents, (m, C, h, w) float16.

        Parameters
        ----------
        arrays, noisy : of a block
        used : items that count; the estimates of others are undefined
        """
        assert self.filter is not None
        certainty = arrays["certainty"] if self.certain else None
        return estimates_of(self.filter, noisy, arrays["text_means"], certainty, used)

    def cut_clean(self, latents: np.ndarray, raw: RawBlock, scaling: Scaling, out: np.ndarray) -> None:
        """Cut sites."""
        gather_sites(half_bits(latents), raw.item, raw.site, scaling.target_mean, scaling.target_scale, out)

    def site_count(self, arrays: Mapping[str, np.ndarray]) -> int:
        """Sites of a latent."""
        height, width = arrays["noisy"].shape[2:]
        return height * width

    def empty(self, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        """Latents (m, C, h, w) float32."""
        return np.empty(arrays["noisy"].shape, np.float32)

    def assemble(self, outputs: np.ndarray, raw: RawBlock, scaling: Scaling, out: np.ndarray) -> None:
        """Write sites."""
        write_sites(outputs, raw, scaling, out)

    def to_dict(self) -> dict[str, Any]:
        """Return the view as plain values; nothing of a filter where there is none, as in files of before."""
        return {name: value for name, value in super().to_dict().items() if name not in OF_FILTER or self.wiener}


# Plain values of a filter.
OF_FILTER = ("wiener", "height", "width")


def answers_for(unconditional: bool) -> tuple[str, ...]:
    """Fields with the answers that a denoiser with or without text learns, in the order in which they are taken."""
    return ("plain_answers", "answers") if unconditional else ("answers",)

"""Training of a pair: an encoder and the decoder of its own latents, by the error of the pictures.

First both evolve as affine maps, together. Then the latents are brought near to the teacher's by a change of basis,
which costs the pair next to nothing. A stack, where one is asked for, is evolved on the latents of the finished
encoder.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from olacore.data import BlockStream, Dataset, RawBlock, open_dataset
from olacore.data.encoded import EncodedDataset
from olacore.errors import ConfigError
from olacore.jit.flags import ONE_AT_A_TIME
from olacore.kernels.layout import empty_packed, pack_rows
from olacore.modules.identity import Own
from olacore.modules.module import Module, load
from olacore.quality.evaluation import evaluate, fit_for, usable_items
from olacore.search.config import DEFAULT_LOSS, PAIR, TrainConfig
from olacore.search.loop import Progress, Result, Search, rounded
from olacore.search.run_folder import RunFolder, next_free
from olacore.spaces import LatentSpace
from olacore.strategies import Hidden, Pair, Problem, Rows, Strategy
from olacore.strategies.stack.strategy import LINEAR, affine_bytes, units_within
from olacore.views.scaling import TARGET_MARGIN, Scaling
from olacore.views.view import Block, View

# Turns of the search for the change of basis, and its rows; beyond this condition number it is not made.
BASIS_TURNS, BASIS_ROWS, WORST_CONDITION = 100, 16_384, 100.0

# The encoder works in so small a part of its tanh that no change of basis moves a picture by more than a grey level.
WIDE = 4

# The affine decoder, beside the encoder that it was evolved with.
AFFINE = "affine_decoder.safetensors"

logger = logging.getLogger(__name__)

Train = Callable[[TrainConfig, "Progress | None", Callable[[], bool]], Result]


@dataclass(frozen=True)
class PairView(View):
    """Whole pictures, as inputs of an encoder and targets of a decoder; a row of a stream is a picture."""

    @property
    def outputs(self) -> int:
        """Pixels of a patch."""
        return View("decoder", "patch", self.channels).outputs

    @property
    def target_field(self) -> str:
        """The pictures."""
        return "frames"

    @property
    def target_bound(self) -> float | None:
        """Of pixels."""
        return 1.0

    def stream(
        self, dataset: Dataset, items: np.ndarray, rows: int, seed: int, cursor: dict[str, int] | None = None
    ) -> BlockStream:
        """Stream pictures, shuffled, so many at once that they have about so many rows."""
        return BlockStream(dataset, items, ("frames",), 1, max(1, rows // self.sites(dataset)), seed, cursor)

    def gather(self, raw: RawBlock, scaling: Scaling, into: Block | None = None) -> Block:
        """Cut all rows of the pictures, in order."""
        height, width = (side // 8 for side in raw.arrays["frames"].shape[1:3])
        sites = height * width
        item = np.repeat(raw.item, sites).astype(np.int32)
        whole = replace(raw, item=item, site=np.tile(np.arange(sites, dtype=np.int32), len(raw.item)))
        decoder = View("decoder", "patch", self.channels)
        with ONE_AT_A_TIME:
            return Block(self.gather_inputs(whole, scaling), decoder.gather_targets(whole, scaling))


class PairSearch(Search):
    """The search for both affine maps; the encoder takes the place of a hidden map."""

    strategy: Pair

    def finish(self, stopped: str) -> Result:
        """Write encoder and decoder; there are no figures of the encoder alone."""
        self._validate()
        with ONE_AT_A_TIME, threadpool_limits(1, user_api="blas"):
            encoder, decoder = self._modules()
        encoder.save(self.folder.module)
        decoder.save(self.folder.path / AFFINE)
        return Result(encoder, self.folder.path, stopped, {})

    def _make_view(self) -> View:
        config, shape = self.config, pictures_of(self.dataset)
        return PairView("encoder", "patch", shape[0], config.border, config.window)

    def _make_strategy(self) -> Strategy:
        channels, height, width = pictures_of(self.dataset)
        window = self.config.window
        strategy = self.config.make_strategy()
        assert isinstance(strategy, Pair)
        return replace(strategy, channels=channels, window=window, height=height, width=width)

    def _loss_of(self, weights: np.ndarray, biases: np.ndarray, hidden: Hidden = ()) -> float:
        with ONE_AT_A_TIME:
            answer = np.tanh(self.strategy.answer(hidden[0], (weights, biases), self.validation))
        loss = float(np.square(answer - self.validation.targets, dtype=np.float64).mean())
        return loss if np.isfinite(loss) else np.inf

    def _modules(self) -> tuple[Module, Module]:
        """The encoder and the decoder, in the basis that is nearest to the teacher's."""
        weights, biases, (encoder,) = self.best
        latents, truth = self._latents(encoder)
        turn, shift = find_basis(latents, truth, self.config.seed)
        back = np.linalg.inv(turn)
        latents = latents @ turn.T + shift
        reach = (WIDE * LINEAR * TARGET_MARGIN * np.abs(latents).max(0)).astype(np.float32)
        scaling = self.scaling
        view = View("encoder", "patch", self.view.channels, self.view.border, self.view.window)
        first = (turn @ encoder[0] / reach[:, None]).astype(np.float32)
        offset = ((turn @ encoder[1] + shift) / reach).astype(np.float32)
        nothing = np.zeros(len(reach), np.float32)
        summary, stored = self._summary(), self.config.weights
        inwards = Scaling(scaling.input_mean, scaling.input_scale, nothing, reach)
        made = Module(view, None, first, offset, inwards, summary, stored)
        space = self._space(made.digest)
        made = replace(made, space=space, own=Own(made.digest, space))
        reads = weights.reshape(len(weights), len(reach), -1)
        second = np.einsum("oct,cd->odt", reads, back)
        # Latents are standardised as for any decoder, so that a module tells what latents it is used to.
        mean, spread = latents.mean(0), latents.std(0)
        moved = biases + np.einsum("odt,d->o", second, mean - shift)
        second = second * spread[None, :, None]
        shape = (second.shape[2], 1)
        usual, spreads = (np.tile(part, shape).T.ravel().astype(np.float32) for part in (mean, spread))
        outwards = Scaling(usual, spreads, scaling.target_mean, scaling.target_scale)
        maps = second.reshape(weights.shape).astype(np.float32), moved.astype(np.float32)
        decoder = Module(replace(view, kind="decoder"), space, *maps, outwards, summary, stored)
        return made, decoder

    def _latents(self, encoder: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Latents of the encoder and of the teacher at the same sites of training pictures, both (n, C)."""
        items = self.items["train"][: max(1, BASIS_ROWS // self.view.sites(self.dataset))]
        arrays = self.dataset.read(("frames", "latents"), items)
        raw = RawBlock(arrays, items, np.arange(len(items), dtype=np.int32), np.zeros(len(items), np.int32), 0)
        made = self.strategy.encode(encoder, self.view.gather(raw, self.scaling))
        truth = arrays["latents"].astype(np.float64).swapaxes(0, 1).reshape(len(made), -1)
        return made.T.astype(np.float64), truth.T

    def _space(self, digest: str) -> LatentSpace:
        theirs = self.dataset.space
        assert theirs is not None
        return LatentSpace(f"organic pair near {theirs.maker}", digest, 1.0, 0.0, theirs.channels, theirs.factor)


def pictures_of(dataset: Dataset) -> tuple[int, int, int]:
    """Return channels, height and width of the latents of pictures.

    Raises
    ------
    ConfigError  if the data are plain pairs
    """
    if dataset.latent_shape is None:
        raise ConfigError(
            "a pair is evolved by the error of pictures, and the data hold plain pairs; give data with frames."
        )
    return dataset.latent_shape


def find_basis(latents: np.ndarray, truth: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Evolve the affine map from latents to others of the same sites.

    Parameters
    ----------
    latents, truth : (n, C) float64; sites whose truth is not finite are left out
    seed : of the search

    Returns
    -------
    matrix (C, C) and shift (C,), float64, with truth = matrix latent + shift; the identity where that is no fair basis
    """
    channels = latents.shape[1]
    own = np.eye(channels), np.zeros(channels)
    known = np.isfinite(truth).all(1)
    if not known.any():
        return own
    latents, truth = latents[known], truth[known]
    scaling = Scaling.fit(latents, truth, None)
    reach = LINEAR * scaling.target_scale
    inputs = ((latents - scaling.input_mean) / scaling.input_scale).astype(np.float32)
    packed = empty_packed(len(inputs), channels)
    pack_rows(inputs, packed)
    block = Block(packed, np.ascontiguousarray(((truth - scaling.target_mean) / reach).T, np.float32))
    strategy = Rows()
    state = strategy.start(Problem(channels, channels, 1, seed, inputs))
    for generation in range(BASIS_TURNS):
        strategy.advance(state, block, seed, generation)
    weights, biases = strategy.candidate(state)
    matrix = reach[:, None].astype(np.float64) * weights / scaling.input_scale
    shift = reach.astype(np.float64) * biases + scaling.target_mean - matrix @ scaling.input_mean
    if not np.linalg.cond(matrix) <= WORST_CONDITION:
        logger.info("the latents stay in a basis of their own: too little of the teacher's can be told from them")
        return own
    return matrix, shift


def train_pair(config: TrainConfig, train: Train, progress: Progress | None, should_stop: Callable[[], bool]) -> Result:
    """Evolve the pair in OUT/encoder and, where a stack is asked for, its decoder in OUT/decoder.

    Parameters
    ----------
    train : runs one search in its folder

    Returns
    -------
    the decoder, with its figures on the latents of its encoder; the encoder where the first search was interrupted

    Raises
    ------
    ConfigError  if the data are plain pairs, or the budget has no room for both
    """
    out = config.out or next_free(PAIR)
    affine = replace(config, strategy=PAIR, stack=None, budget=None, loss=DEFAULT_LOSS, options={}, generations=None)
    if config.is_stack:
        check_budget(config)
    else:
        affine = replace(affine, options=config.options, generations=config.generations)
    found = train(replace(affine, out=out / "encoder"), progress, should_stop)
    if found.stopped == "interrupted":
        return replace(found, folder=out)
    if not config.is_stack:
        return keep_affine(config, out, found)
    budget = config.budget - found.module.nbytes() if config.budget is not None else None
    second = replace(config, module="decoder", latents_from=found.folder, budget=budget, out=out / "decoder")
    done = train(second, progress, should_stop)
    return replace(done, folder=out)


def check_budget(config: TrainConfig) -> None:
    """Raise `ConfigError` if there is no room for a hidden unit beside the encoder, before that is evolved."""
    if config.budget is None:
        return
    with open_dataset(config.h5) as dataset:
        encoder = View("encoder", "patch", pictures_of(dataset)[0], config.border, config.window)
    decoder, stored = replace(encoder, kind="decoder"), config.weights
    first = affine_bytes(encoder.inputs, encoder.outputs, stored)
    least = first + affine_bytes(decoder.inputs, decoder.outputs, stored)
    try:
        units_within(max(config.budget - first, 0), decoder.inputs, decoder.outputs, stored)
    except ConfigError as error:
        raise ConfigError(
            f"{config.budget} bytes have no room for a pair with a stack: two affine maps alone take up to {least}; "
            "an affine pair needs no --budget."
        ) from error


def keep_affine(config: TrainConfig, out: Path, found: Result) -> Result:
    """Write the affine decoder, with its figures on the latents of its encoder, into a folder of its own."""
    folder = RunFolder(out / "decoder", config.resume, config.force)
    if config.force:
        folder.clear()
    decoder, figures = load(found.folder / AFFINE), {}
    with open_dataset(config.h5) as dataset:
        seen = EncodedDataset(dataset, found.folder)
        items = usable_items(seen, decoder.view, config.skip_nonfinite)
        baselines = fit_for(decoder, seen, items)
        if len(items["held-out"]):
            figures = evaluate(decoder, seen, baselines, skip_nonfinite=config.skip_nonfinite)
            decoder = replace(decoder, training={**decoder.training, "held_out": rounded(figures)})
    baselines.save(folder.baselines)
    decoder.save(folder.module)
    return Result(decoder, out, found.stopped, figures)

"""A pair: an encoder and the decoder of its own latents, by the error of the pictures.

First both evolve as affine maps, together. Then the latents are brought near to the teacher's by a change of basis,
which costs the pair next to nothing. A stack, where one is asked for, is evolved on the latents of the finished
encoder.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from olacore.blocks import RawBlock
from olacore.data import open_dataset
from olacore.errors import ConfigError
from olacore.jit.flags import ONE_AT_A_TIME
from olacore.modules.identity import Own
from olacore.modules.module import Module, load
from olacore.quality.evaluation import usable_items
from olacore.search.advice import ended_by_default
from olacore.search.config import TrainConfig
from olacore.search.finish import INTERRUPTED, Result, finish, summary_of
from olacore.search.loop import search
from olacore.search.plans.base import PLANS, Plan, Watch, open_data
from olacore.search.plans.basis import change_basis, find_basis
from olacore.search.plans.single import SINGLE
from olacore.search.run_folder import AFFINE, RunFolder, held, next_free
from olacore.search.task import Progress, Task, view_for
from olacore.spaces import LatentSpace
from olacore.strategies.pair import encode
from olacore.strategies.stack.size import affine_bytes, units_within
from olacore.views.pictures import Pictures

# Sites that the change of basis is found on.
BASIS_ROWS = 16_384


class PairPlan(Plan):
    """The encoder in OUT/encoder and its decoder in OUT/decoder."""

    name = "pair"

    def run(self, config: TrainConfig, watch: Watch) -> Result:
        """Evolve the affine pair, then the stack if there is to be one.

        Returns
        -------
        the decoder, with its figures on the latents of its encoder; the encoder where the first search was interrupted

        Raises
        ------
        ConfigError  if latents are to come from another encoder
        """
        if config.latents_from is not None:
            raise ConfigError("a pair makes latents of its own; give --latents-from with --module decoder.")
        out = config.out or next_free(self.name)
        with held(out):
            return self._run(config, out, watch)

    def _run(self, config: TrainConfig, out: Path, watch: Watch) -> Result:
        affine = replace(config, out=out / "encoder")
        # The strategy that evolves pairs is for both maps; any other one is for the decoder alone.
        stack = self.name not in (config.settled.strategy.kinds or ())
        if stack:
            check_budget(config)
            defaults: dict[str, Any] = dict.fromkeys(("strategy", "stack", "budget", "generations"))
            affine = replace(affine, **defaults, loss="mse", options={}, weights=config.settled.weights)
        found = evolve_affine(affine, watch)
        if found.stopped == INTERRUPTED:
            return replace(found, folder=out)
        if not stack:
            made = keep_decoder(config, found, out / "decoder")
            said = ended_by_default(config, made.stopped)
            return watch.finished(replace(made, folder=out, notes=(*made.notes, *([said] if said else []))))
        budget = config.budget - found.module.nbytes() if config.budget is not None else None
        strategy = config.settled.strategy.name
        second = replace(
            config,
            module="decoder",
            strategy=strategy,
            border=None,
            latents_from=found.folder,
            budget=budget,
            out=out / "decoder",
        )
        return replace(SINGLE.run(second, watch), folder=out)


PLANS.add(PairPlan())


def evolve_affine(config: TrainConfig, watch: Watch) -> Result:
    """Evolve both affine maps; the encoder is the result, its decoder lies beside it."""
    assert config.out is not None
    folder = RunFolder(config.out, config.resume, config.force)
    with folder.held(), open_data(config) as dataset:
        task = Task.of(config, dataset, folder)
        progress, stopped = search(task, watch.callbacks, watch.should_stop, watch.report_at)
        with ONE_AT_A_TIME, threadpool_limits(1, user_api="blas"):
            encoder, decoder = modules_of(task, progress)
        encoder.save(folder.module)
        decoder.save(folder.path / AFFINE)
        return watch.finished(Result(encoder, folder.path, stopped, {}))


def modules_of(task: Task, progress: Progress) -> tuple[Module, Module]:
    """Make the encoder and the decoder, in the basis that is nearest to the teacher's."""
    view = task.view
    assert isinstance(view, Pictures)
    assert task.dataset.space is not None
    (encoder,) = progress.best.hidden
    items = task.items["train"][: max(1, BASIS_ROWS // view.sites(task.dataset))]
    arrays = task.dataset.read(("frames", "latents"), items)
    raw = RawBlock(arrays, items, np.arange(len(items), dtype=np.int32), np.zeros(len(items), np.int32))
    latents = encode(encoder, view.gather(raw, progress.scaling)).T.astype(np.float64)
    truth = arrays["latents"].astype(np.float64).swapaxes(0, 1).reshape(view.channels, -1).T
    basis = find_basis(latents, truth, task.config.seed)
    first, inwards, second, outwards = change_basis(
        encoder, (progress.best.weights, progress.best.biases), latents, basis, progress.scaling
    )
    summary, stored, theirs = summary_of(task, progress), task.config.settled.weights, task.dataset.space
    made = Module(view.encoder, None, *first, inwards, summary, stored)
    maker = f"organic pair near {theirs.maker}"
    space = LatentSpace(maker, made.digest, 1.0, 0.0, theirs.channels, theirs.factor)
    made = replace(made, space=space, own=Own(made.digest, space))
    return made, Module(view.decoder, space, *second, outwards, summary, stored)


def keep_decoder(config: TrainConfig, found: Result, path: Path) -> Result:
    """Write the affine decoder, with its figures on the latents of its encoder, into a folder of its own."""
    folder = RunFolder(path, config.resume, config.force)
    decoder = load(found.folder / AFFINE)
    seen_by_decoder = replace(config, module="decoder", latents_from=found.folder)
    with folder.held(), open_data(seen_by_decoder) as seen:
        if config.force:
            folder.clear()
        items = usable_items(seen, decoder.view, config.skip_nonfinite)
        return finish(decoder, seen, folder, items, found.stopped, config.skip_nonfinite)


def check_budget(config: TrainConfig) -> None:
    """Raise `ConfigError` if there is no room for a hidden unit beside the encoder, before that is evolved."""
    if config.budget is None:
        return
    with open_dataset(config.h5) as dataset:
        view = view_for(config, dataset)
    assert isinstance(view, Pictures)
    encoder, decoder, stored = view.encoder, view.decoder, config.settled.weights
    first = affine_bytes(encoder.inputs, encoder.outputs, stored)
    least = first + affine_bytes(decoder.inputs, decoder.outputs, stored)
    try:
        units_within(max(config.budget - first, 0), decoder.inputs, decoder.outputs, stored)
    except ConfigError as error:
        raise ConfigError(
            f"{config.budget} bytes have no room for a pair with a stack: two affine maps alone take up to {least}; "
            "an affine pair needs no --budget."
        ) from error

"""`ola train`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from olacore.commands.islands import island_options, island_settings, run_islands
from olacore.commands.options import (
    BACKEND,
    DECODER,
    ENCODER,
    FILE,
    LOSS,
    STRATEGY,
    VIEW,
    Bytes,
    Modules,
    Numbers,
    Option,
    Seconds,
    check_resumed,
    data_sets,
    skip_nonfinite,
)
from olacore.commands.progress import progress_bars
from olacore.commands.say import print_json, say
from olacore.commands.seeds import Seeds, train_all
from olacore.commands.show import print_figures
from olacore.commands.signals import going_on, stop_on_signal

STOPPED = {"frozen": "freezing"}


@click.command()
@click.option(
    "--module", type=Modules(), help="encoder, decoder, pair (both), refiner, text or denoiser; plain pairs need none."
)
@data_sets
@click.option(
    "--view", type=VIEW, help="patch or global; of a text table, scene or words, of a denoiser text, whole or window."
)
@click.option("--patch", type=int, help="Pixels along a side of what a refiner answers, by default 1.")
@click.option("--border", type=int, help="Pixels around what an encoder, by default 4, or a refiner, 2, answers.")
@click.option("--context", type=int, help="Latent sites around its patch that a refiner reads too, by default none.")
@click.option("--window", type=int, help="Side of the latent window of a decoder, by default 3, or a denoiser, 5.")
@click.option("--level", type=float, help="Noise level of a denoiser, whole or window, in units of the latents.")
@click.option(
    "--truth", type=float, help="Share, 0 to 1, of true latents in targets that a pipeline answered; by default 0."
)
@click.option("--text-window", type=int, help="Side of the window of a denoiser's text mean, by default 3; 0: none.")
@click.option(
    "--wiener", type=int, help="Components of a Wiener filter of whole latents that a denoiser reads; by default none."
)
@click.option("--unconditional", is_flag=True, default=None, help="A denoiser without text.")
@click.option("--buckets", type=int, help="That the words of a text are hashed into; by default 2048.")
@click.option("--words", type=FILE, help="Of a text of the view table or scene: a file of `ola precompute --words`.")
@click.option("--word-size", type=int, help="Numbers of its vector that a word has there, by default 192; scene: 96.")
@click.option("--word-bits", type=int, help="Bits of such a number, 1, 2, 4 or 8; by default 2; scene: 4.")
@click.option(
    "--target",
    type=click.Choice(["embeddings", "tokens"]),
    help="What a text answers: one embedding a caption, the default, or those of all its tokens.",
)
@click.option(
    "--strategy", type=STRATEGY, help="How the population searches; by default rows, stack or pair, by what is asked."
)
@click.option("--option", "options", type=Option(), multiple=True, help="NAME=VALUE, an option of the strategy.")
@click.option(
    "--loss",
    type=LOSS,
    default="mse",
    show_default=True,
    help="mse, mae, huber, cosine, contrast (stacks of decoders), or my_losses.py:function of (prediction, target).",
)
@click.option("--output-weights", type=Numbers(), default=(), help="Weight of each output in the loss, as 1,1,2,0.5.")
@click.option(
    "--weights",
    type=click.Choice(["float32", "float16", "int8"]),
    help="How they are stored; by default int8 for wide stacks, float16 for other stacks and pairs, else float32.",
)
@click.option("--stack", type=int, help="Grow a stack of up to so many hidden units beside the affine map.")
@click.option("--budget", type=Bytes(), help="Size of the file at most, as 256KB; alone, a stack fills it.")
@click.option(
    "--components",
    type=int,
    help="Principal components of the targets to work with, which the module carries; wide stacks choose, 0 for none.",
)
@click.option(
    "--folds",
    type=int,
    help="Also evolve so many modules, each without a part of the training samples; their answers: OUT/answers.npz.",
)
@click.option("--latents-from", type=ENCODER, help="An organic encoder that makes the latents, in place of the data's.")
@click.option("--text-from", type=FILE, help="A text module that makes the embeddings, in place of the data's.")
@click.option("--pictures-from", type=DECODER, help="Of a refiner: the decoder whose pictures it learns to refine.")
@click.option("--population", type=int, help="Number of genomes, where there is a choice; by default 40.")
@click.option("--seed", default=0, show_default=True)
@click.option("--seeds", type=Seeds(), help="Train with each of these, as 0-7 or 0,3,5, in OUT/seed-0 and so on.")
@click.option("--backend", type=BACKEND, help="Where seeds or islands run: local, the default, or ray.")
@click.option("--workers", type=click.IntRange(1), help="Seeds at a time; by default 1, of ray as many as cores.")
@click.option("--address", help="Of a cluster of Ray, as 10.0.0.1:6379 or auto; by default Ray starts here.")
@click.option("--block", default=8192, show_default=True, help="Rows of the data read at once.")
@click.option("--generations", type=int, help="Stop after so many.")
@click.option("--passes", type=float, help="Stop after so many passes over the training rows.")
@click.option("--time", "seconds", type=Seconds(), help="Stop after so much search, e.g. 90s or 5m.")
@click.option("--until-loss", type=float, help="Stop when the validation loss is as low, in the units of the targets.")
@click.option(
    "--patience",
    default=20,
    show_default=True,
    help="Reports without progress before the search freezes; 0: never.",
)
@skip_nonfinite
@island_options
@click.option(
    "--log-to",
    multiple=True,
    metavar="NAME[=PLACE]",
    help="Also send the run to tensorboard, wandb, trackio or mlflow, there to a folder, project or experiment.",
)
@click.option("--out", type=FILE, help="Run folder; otherwise the next free one, such as runs/encoder-0001.")
@click.option("--resume", is_flag=True, help="Go on with the run in the folder, exactly where it was.")
@click.option("--force", is_flag=True, help="Replace the run in the folder.")
@click.option("--json", "as_json", is_flag=True, help="Print the held-out figures as JSON.")
def train(
    h5: Sequence[Path], options: Sequence[tuple[str, str]], log_to: Sequence[str], as_json: bool, **settings: Any
) -> None:
    """Evolve a module from data sets. With no limit given, 60 s of search or until it freezes.

    A stack or a pair takes 400 generations, a stack of few samples 6, unless --generations or --passes is given;
    --time can only end that earlier.

    A pair is an encoder and the decoder of its own latents, in OUT/encoder and OUT/decoder.
    """
    study = {name: settings.pop(name) for name in ("seeds", "backend", "workers", "address")}
    check_study(study, settings, log_to)
    if settings["island"] is None:  # one that is started apart begins by the same line as it goes on
        check_resumed(settings["resume"], settings["out"])

    from olacore.files import is_there
    from olacore.search.config import TrainConfig
    from olacore.search.islands.exchange import WaitingEnded
    from olacore.search.loggers import LogTo
    from olacore.search.run_folder import REFINED
    from olacore.search.train import train as evolve

    asked, settings = island_settings(settings)
    config = TrainConfig(h5=tuple(h5), options=dict(options), **settings)
    backend = study["backend"] or "local"
    told = {name: study[name] for name in ("workers", "address") if study[name] is not None}
    if asked is not None:
        run_islands(config, asked, log_to, as_json, backend, told)
        return
    if study["seeds"] is not None:
        train_all(config, study["seeds"], backend, told, as_json)
        return
    limits = config.settled.seconds, config.settled.generations
    loggers = LogTo(*log_to)
    with stop_on_signal() as should_stop, loggers, progress_bars(*limits) as bars:
        try:
            result = evolve(config, (bars(config.module or "plain"), loggers), should_stop)
        except WaitingEnded as error:
            should_stop.leave(str(error).rstrip("."))
    if result.stopped == "interrupted":
        should_stop.leave(f"the run is saved in {result.folder}; {going_on(result.folder)}")
    if as_json:
        print_json(
            {"folder": str(result.folder), "stopped": result.stopped, "notes": [*result.notes], **result.figures}
        )
        return
    for part, figures in result.parts.items():
        print_figures(figures, f"{result.module.view.heading} on {part} samples")
    summary = result.module.training
    made = result.folder / ("decoder" if config.module == "pair" else "") / "module.safetensors"
    say(
        f"stopped by {STOPPED.get(result.stopped, result.stopped)}; validation {summary['loss']} "
        f"{summary['validation_loss']:.5g}, validation R2 {summary['validation_r2']:.4f}; "
        f"{made} has {result.module.nbytes()} bytes"
    )
    if is_there(refined := result.folder / REFINED):
        say(f"{refined} is the decoder with it, of {refined.stat().st_size} bytes")
    for note in result.notes:
        say(note)


def check_study(study: dict[str, Any], settings: dict[str, Any], log_to: Sequence[str]) -> None:
    """Raise `UsageError` where what is asked for does not go with several seeds, or needs several searches."""
    if study["seeds"] is None:
        for name, value in study.items():
            if value is not None and settings["islands"] is None:
                raise click.UsageError(f"--{name} is for several searches; give --seeds or --islands too.")
        return
    if study["address"] is not None and study["backend"] != "ray":
        raise click.UsageError("--address is for --backend ray.")
    given = click.get_current_context().get_parameter_source("seed")
    if given is not None and given.name != "DEFAULT":
        raise click.UsageError("--seed and --seeds exclude each other; name all seeds with --seeds.")
    if settings["islands"] is not None or settings["island"] is not None:
        raise click.UsageError("--seeds and islands exclude each other; islands with another seed are another run.")
    if log_to:
        raise click.UsageError("--log-to is for a single run; send those of a study by `ola log OUT/seed-*`.")

"""The command line: parse, call, print.

Everything that compiles is imported inside the commands, after the folder for compiled code has been chosen.
"""

from __future__ import annotations

import json
import logging
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from olacore import __version__
from olacore.errors import ConfigError, OlacoreError, ShapeError
from olacore.files import check_output
from olacore.jit.disk_cache import use_disk_cache
from olacore.pretrained import DECODER, ENCODER

INTERRUPTED = 130
# Skipped files that are named one by one.
SHOWN = 10
STOPPED = {"frozen": "freezing"}
FILE = click.Path(path_type=Path)
MODULE = "Module file, run folder or name of a pretrained module."
MODULES = ("encoder", "decoder")


class Commands(click.Group):
    """Commands whose known errors end in one line and exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except OlacoreError as error:
            click.echo(f"error: {error}", err=True)
            ctx.exit(1)
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            ctx.exit(INTERRUPTED)


class Seconds(click.ParamType):
    """A duration such as 90, 90s, 5m or 1.5h."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return seconds."""
        if isinstance(value, float):
            return value
        units = {"s": 1.0, "m": 60.0, "h": 3600.0}
        number, unit = (value[:-1], value[-1]) if value[-1:] in units else (value, "s")
        try:
            return float(number) * units[unit]
        except ValueError:
            self.fail(f"{value!r} is no duration; write 90s, 5m or 1.5h.", param, ctx)


class Bytes(click.ParamType):
    """A size such as 65536, 256KB or 1.5MB, in units of 1024."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return bytes."""
        if isinstance(value, int):
            return value
        text = value.upper().removesuffix("B")
        factor = {"K": 1 << 10, "M": 1 << 20}.get(text[-1:], 1)
        try:
            return int(float(text if factor == 1 else text[:-1]) * factor)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is no size; write 65536, 256KB or 1.5MB.", param, ctx)


class Numbers(click.ParamType):
    """Numbers such as 1,1,2,0.5."""

    name = "numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        """Return the numbers."""
        if not isinstance(value, str):
            return tuple(value)
        try:
            return tuple(float(number) for number in value.split(","))
        except ValueError:
            self.fail(f"{value!r} is no list of numbers such as 1,1,2,0.5.", param, ctx)


class Option(click.ParamType):
    """An option of a strategy, written NAME=VALUE."""

    name = "name=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Return name and value."""
        name, equals, setting = value.partition("=")
        if not (name and equals):
            self.fail(f"{value!r} is no option; write NAME=VALUE.", param, ctx)
        return name, setting


@click.group(cls=Commands)
@click.version_option(__version__, prog_name="ola")
def main() -> None:
    """Clone neural networks into tiny tanh-affine modules, by evolution, on a plain CPU."""
    use_disk_cache()
    logging.basicConfig(format="%(message)s", level=logging.INFO, handlers=[StandardError()])


@main.command()
@click.option("--out", type=FILE, default=Path("demo"), show_default=True, help="Folder for runs and pictures.")
@click.option("--time", "seconds", type=Seconds(), default=20.0, show_default="20s", help="Search for each module.")
@click.option("--force", is_flag=True, help="Replace what is in the folder.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def demo(out: Path, seconds: float, force: bool, as_json: bool) -> None:
    """Evolve an encoder, a decoder and a stack from the shipped sample, and show what came out."""
    from olacore.demo import run_demo

    with stop_on_signal() as should_stop, progress_bars(seconds) as bars:
        done = run_demo(out, seconds, force, bars, should_stop)
    if should_stop():
        interrupted(f"what was found so far is in {out}")
    if as_json:
        print_json({**{name: result.figures for name, result in done.results.items()}, "codec": done.codec})
        return
    for name, result in done.results.items():
        print_figures(result.figures, f"{name} on held-out pictures ({result.module.nbytes() / 1000:.1f} kB)")
    click.echo(
        f"held-out pictures, encoded and decoded: teacher {done.codec['teacher']:.2f} dB, "
        f"organic {done.codec['organic']:.2f} dB PSNR"
    )
    click.echo(
        f"look at {out / 'side_by_side.png'} and {out / 'curves.png'}; the figures are in {out / 'summary.json'}"
    )


@main.command()
@click.argument("sources", type=FILE, nargs=-1, required=True)
@click.option("--h5", type=FILE, required=True, help="The data set to write; with --shard-size a folder.")
@click.option("--teacher", help="An autoencoder's folder, hub id or file, or FILE.py:FUNCTION.")
@click.option("--latents-from", type=FILE, help="An organic encoder that makes the latents, in place of a teacher.")
@click.option("--recon", is_flag=True, help="Store the teacher's own decoding too.")
@click.option("--size", default=256, show_default=True, help="Side of the square pictures, a multiple of 8.")
@click.option("--crops", default=1, show_default=True, help="Crops a picture or frame; all but the first are random.")
@click.option("--crop", type=click.Choice(["centre", "random"]), default="centre", show_default=True, help="The first.")
@click.option("--seed", default=0, show_default=True, help="Of crops and split.")
@click.option("--upscale", is_flag=True, help="Use pictures smaller than the size too.")
@click.option("--validation", default=0.1, show_default=True, help="Part of the rows that decides when to stop.")
@click.option("--held-out", default=0.1, show_default=True, help="Part of the rows that is only reported.")
@click.option("--recipe", type=FILE, help="JSON file that names files, authors, licences, splits and crops.")
@click.option("--caption-names", is_flag=True, help="Caption files by their names where no .tsv beside them does.")
@click.option("--every", type=int, help="Video: take every Nth frame.")
@click.option("--fps", type=float, help="Video: take so many frames a second; without --every, one.")
@click.option("--keyframes", is_flag=True, help="Video: key frames only.")
@click.option("--max-frames", type=int, help="Video: at most so many frames of each, evenly spread.")
@click.option(
    "--least-change", default=2.0, show_default=True, help="Video: grey levels a frame must change by; 0: any."
)
@click.option("--max-damaged", default=100, show_default=True, help="Video: damaged packets before it is given up.")
@click.option("--shard-size", type=int, help="Write shards of so many pictures into the folder --h5.")
@click.option("--workers", type=int, help="Processes that decode; 0 for a thread; default by the number of cores.")
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda, or cuda:1 and so on.")
@click.option("--batch", type=int, help="Pictures that the teacher gets at once; default by the memory.")
@click.option("--config", help="Of a single file: sd, sdxl, sd3, flux, or a config.json.")
@click.option("--offline", is_flag=True, help="Never ask the hub.")
@click.option("--no-self-test", is_flag=True, help="Do not prove that the teacher works; the data set says so.")
@click.option("--resume", is_flag=True, help="Go on with a file that is not complete; start it if it is missing.")
@click.option("--force", is_flag=True, help="Replace the file.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def precompute(
    sources: Sequence[Path],
    h5: Path,
    teacher: str | None,
    latents_from: Path | None,
    workers: int | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Make a data set of pictures and videos with what a teacher says of them.

    SOURCES are pictures, videos, zip archives of pictures, and folders of these.
    """
    import teachers

    class Stopped(Exception):
        """Leaves the work between two batches."""

    def report(what: str, done: int, total: int) -> None:
        if what == "rows":
            rows(done, total)
        else:
            files(done, total)
        if should_stop():
            raise Stopped

    def chosen(*names: str, **renamed: str) -> dict[str, Any]:
        return {name: options[name] for name in names} | {name: options[given] for name, given in renamed.items()}

    if (teacher is None) == (latents_from is None):
        raise click.UsageError("give either --teacher or --latents-from.")
    rule = teachers.PictureRule(
        **chosen("size", "crops", "crop", "seed", "upscale", "validation", "held_out", "recipe", "caption_names")
    )
    video = teachers.VideoRule(
        **chosen("every", "fps", "keyframes", "least_change", most="max_frames", most_damaged="max_damaged")
    )
    target = chosen("shard_size", "resume", "force")
    teachers.check_target(h5, **target)  # before the seconds that a teacher takes to load
    loading = teachers.LoadOptions(
        **chosen("config", "device", "batch", "offline", "size"), self_test=not options["no_self_test"]
    )
    with stop_on_signal() as should_stop, Bar("files") as files, Bar("pictures") as rows:
        try:
            model = teachers.OrganicEncoder(latents_from) if latents_from else None
            made = teachers.precompute(
                sources,
                h5,
                model or teachers.load_any_teacher(str(teacher), loading),
                rule,
                video,
                recon=options["recon"],
                workers=teachers.default_workers() if workers is None else workers,
                progress=report,
                **target,
            )
        except Stopped:
            interrupted(f"{h5} keeps what is done; go on with --resume")
    if as_json:
        skipped = {file.name: file.note for file in made.skipped}
        print_json({"rows": made.rows, "sources": made.sources, "damaged": made.damaged, "skipped": skipped})
        return
    for file in made.skipped[:SHOWN]:
        click.echo(f"skipped: {file.note}", err=True)
    if len(made.skipped) > SHOWN:
        click.echo(f"and {len(made.skipped) - SHOWN} more; --json names them all", err=True)
    if made.damaged:
        click.echo(f"{made.damaged} damaged packets or frames were left out", err=True)
    parts = ", ".join(f"{count} {split}" for split, count in made.sources.items())
    click.echo(f"{h5}: {made.rows} rows from {sum(made.sources.values())} photographs and scenes ({parts})")


@main.command()
@click.option("--module", required=True, type=click.Choice(["encoder", "decoder", "pair"]))
@click.option("--h5", type=FILE, multiple=True, required=True, help="Data set, or folder of shards; may be repeated.")
@click.option("--view", type=click.Choice(["patch", "global"]), default="patch", show_default=True)
@click.option("--border", default=4, show_default=True, help="Pixels around a patch that an encoder sees.")
@click.option("--window", default=3, show_default=True, help="Side of the latent window of a decoder.")
@click.option("--strategy", default="rows", show_default=True, help="How the population searches.")
@click.option("--option", "options", type=Option(), multiple=True, help="NAME=VALUE, an option of the strategy.")
@click.option(
    "--loss",
    default="mse",
    show_default=True,
    help="mse, mae, huber, cosine, structure (stacks of decoders), or my_losses.py:function of (prediction, target).",
)
@click.option("--output-weights", type=Numbers(), default=(), help="Weight of each output in the loss, as 1,1,2,0.5.")
@click.option(
    "--weights",
    type=click.Choice(["float32", "float16", "int8"]),
    help="How they are stored; by default float16 for stacks and pairs, else float32.",
)
@click.option("--stack", type=int, help="Grow a stack of up to so many hidden units beside the affine map.")
@click.option("--budget", type=Bytes(), help="Size of the file at most, as 256KB; alone, a stack fills it.")
@click.option("--latents-from", help="An organic encoder that makes the latents, in place of the data's.")
@click.option("--population", default=40, show_default=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--block", default=8192, show_default=True, help="Rows of the data read at once.")
@click.option("--generations", type=int, help="Stop after so many.")
@click.option("--passes", type=float, help="Stop after so many passes over the training rows.")
@click.option("--time", "seconds", type=Seconds(), help="Stop after so much search, e.g. 90s or 5m.")
@click.option("--until-loss", type=float, help="Stop when the validation loss is as low.")
@click.option(
    "--patience",
    default=20,
    show_default=True,
    help="Reports without progress before the search freezes; 0: never.",
)
@click.option("--skip-nonfinite", is_flag=True, help="Leave rows with NaN or inf out.")
@click.option("--out", type=FILE, help="Run folder; otherwise the next free one, such as runs/encoder-0001.")
@click.option("--resume", is_flag=True, help="Go on with the run in the folder, exactly where it was.")
@click.option("--force", is_flag=True, help="Replace the run in the folder.")
@click.option("--json", "as_json", is_flag=True, help="Print the held-out figures as JSON.")
def train(
    h5: Sequence[Path], options: Sequence[tuple[str, str]], weights: str | None, as_json: bool, **settings: Any
) -> None:
    """Evolve a module from data sets. With no limit given, 60 s of search or until it freezes.

    A stack or a pair takes 400 generations then.

    A pair is an encoder and the decoder of its own latents, in OUT/encoder and OUT/decoder.
    """
    from olacore.search.config import TrainConfig
    from olacore.search.train import train as evolve

    large = settings["stack"] or settings["budget"] or settings["module"] == "pair" or settings["strategy"] == "stack"
    weights = weights or ("float16" if large else "float32")
    config = TrainConfig(h5=tuple(h5), options=dict(options), weights=weights, **settings)
    with stop_on_signal() as should_stop, progress_bars(config.time_limit, config.generations) as bars:
        result = evolve(config, bars(config.module), should_stop)
    if result.stopped == "interrupted":
        interrupted(f"the run is saved in {result.folder}; go on with --resume --out {result.folder}")
    if as_json:
        print_json({"folder": str(result.folder), "stopped": result.stopped, **result.figures})
        return
    if result.figures:
        print_figures(result.figures, f"{config.module} on held-out rows")
    summary = result.module.training
    made = result.folder / ("decoder" if config.module == "pair" else "") / "module.safetensors"
    click.echo(
        f"stopped by {STOPPED.get(result.stopped, result.stopped)}, {summary['loss']} on validation rows "
        f"{summary['validation_loss']:.5g}; {made} has {result.module.nbytes()} bytes"
    )


@main.command("eval")
@click.argument("modules", type=FILE, nargs=-1, required=True)
@click.option("--h5", type=FILE, multiple=True, required=True, help="Data set, or folder of shards; may be repeated.")
@click.option("--split", type=click.Choice(["train", "validation", "held-out"]), default="held-out", show_default=True)
@click.option("--skip-nonfinite", is_flag=True, help="Leave rows with NaN or inf out.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; with several modules, one a line.")
def evaluate(modules: Sequence[Path], h5: Sequence[Path], split: str, skip_nonfinite: bool, as_json: bool) -> None:
    """Measure modules on held-out rows, beside least squares of the same shape and the mean."""
    from olacore.data import open_dataset
    from olacore.modules.module import load
    from olacore.pretrained import find
    from olacore.quality.evaluation import baselines_beside
    from olacore.quality.evaluation import evaluate as measure

    for path in map(find, modules):
        module = load(path)
        with open_dataset(h5) as dataset:
            figures = measure(module, dataset, baselines_beside(path, module), split, skip_nonfinite)
        if as_json:
            click.echo(json.dumps(figures))
        else:
            print_figures(figures, f"{path} on {split} rows")


@main.command()
@click.argument("image", type=FILE)
@click.option("--encoder", type=FILE, default=Path(ENCODER), show_default=ENCODER, help=MODULE)
@click.option(
    "-o", "--output", required=True, type=FILE, help="(C, H/8, W/8) float32 as .npy; .npz keeps the size too."
)
@click.option("--force", is_flag=True, help="Replace the output.")
def encode(image: Path, encoder: Path, output: Path, force: bool) -> None:
    """Turn a picture into a latent.

    It is (C, H/8, W/8) float32; sides that are no multiple of 8 are padded. As .npz it remembers its latent space and
    the picture's size, so that `ola decode` refuses a decoder of another space, and crops.
    """
    from olacore.media.pictures import read_picture
    from olacore.modules.latent_file import StoredLatent, check_suffix, write_latent
    from olacore.modules.module import load

    check_suffix(output)
    check_output(output, force)
    module, picture = load(encoder), read_picture(image)
    latent = module.encode(picture)
    write_latent(output, StoredLatent(latent, module.space, picture.shape[:2]))
    click.echo(f"{output}: {' x '.join(str(side) for side in latent.shape)}")


@main.command()
@click.argument("latent", type=FILE)
@click.option("--decoder", type=FILE, default=Path(DECODER), show_default=DECODER, help=MODULE)
@click.option("-o", "--output", required=True, type=FILE, help="The picture, such as out.png.")
@click.option("--force", is_flag=True, help="Replace the output.")
def decode(latent: Path, decoder: Path, output: Path, force: bool) -> None:
    """Turn a latent into a picture: a .npy file, or a .npz file of `ola encode`."""
    from olacore.media.pictures import write_picture
    from olacore.modules.latent_doubts import doubt_latents
    from olacore.modules.latent_file import read_latent
    from olacore.modules.module import load

    check_output(output, force)
    module, stored = load(decoder), read_latent(latent)
    stored.check_space(module.space)
    picture = stored.crop(module.decode(stored.latent))
    if picture.ndim != 3:
        raise ShapeError(f"{latent} holds {len(picture)} latents; give one, of shape (C, h, w).")
    if doubt := doubt_latents(stored.latent, module):
        click.echo(f"warning: {doubt}", err=True)
    write_picture(output, picture)
    click.echo(f"{output}: {picture.shape[1]} x {picture.shape[0]} pixels")


@main.command()
@click.argument("file", type=FILE)
@click.option("--sheet", type=FILE, help="Draw a contact sheet of a data set into this picture.")
@click.option("--force", is_flag=True, help="Replace the sheet.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def inspect(file: Path, sheet: Path | None, force: bool, as_json: bool) -> None:
    """Tell what a data set, a folder of shards, a module (also by name), a checkpoint or a run folder holds."""
    from olacore.inspection import describe

    if sheet:
        from olacore.data import open_dataset
        from olacore.media.contact_sheet import draw_sheet
        from olacore.media.pictures import write_picture

        check_output(sheet, force)
        with open_dataset([file]) as dataset:
            write_picture(sheet, draw_sheet(dataset))
    facts = describe(file)
    if as_json:
        print_json(facts)
        return
    table = Table(show_header=False, title=str(file), title_justify="left")
    for name, value in facts.items():
        table.add_row(name, json.dumps(value, indent=1) if isinstance(value, dict) else str(value))
    stdout().print(table)


@main.command()
@click.option("--quick", is_flag=True, help="A short form, about half a minute.")
@click.option("--teacher", help="Folder or hub id of a teacher to compare encoding and decoding with.")
@click.option("--json", "output", type=FILE, help="Write the report as JSON to this file.")
@click.option("--against", type=FILE, help="An earlier report to compare with.")
def bench(quick: bool, teacher: str | None, output: Path | None, against: Path | None) -> None:
    """Measure this machine's ceilings, and how near the kernels, training and inference come to them."""
    import bench as benchmark

    before = benchmark.load(against) if against else None
    with Bar("bench") as bar:
        report = benchmark.run(quick, lambda what, done, total: bar(done, total, what), teacher)
    for part in benchmark.render(report, before):
        stdout().print(part)
    if output:
        report.save(output)


@main.command("vae-test")
@click.argument("images", type=FILE, nargs=-1, required=True)
@click.option("--encoder", required=True, help="Our encoder.")
@click.option("--decoder", required=True, help="Our decoder, of the encoder's own latents or of the teacher's.")
@click.option("--compatible-encoder", help="Another encoder, for the teacher's latent space.")
@click.option("--compatible-decoder", help="Another decoder, for the teacher's latent space.")
@click.option("--teacher", help="An autoencoder's folder, hub id or file to compare with.")
@click.option("--config", help="Of a teacher in a single file: sd, sdxl, sd3, flux, or a config.json.")
@click.option("--preview-network", type=FILE, help="Weights of the web interface's preview network, to compare with.")
@click.option(
    "--h5", type=FILE, multiple=True, help="Frames and latents that least squares and the like are fitted to."
)
@click.option("--size", type=click.IntRange(1), help="Cut the centre square to this side; otherwise whole pictures.")
@click.option("--repeats", type=click.IntRange(1), default=3, show_default=True, help="Of everything that is timed.")
@click.option("--out", type=FILE, default=Path("vae-test"), show_default=True, help="Folder for pictures and figures.")
@click.option("--offline", is_flag=True, help="Never ask the hub.")
@click.option("--force", is_flag=True, help="Write into a folder that holds files.")
@click.option("--json", "as_json", is_flag=True, help="Print what metrics.json holds.")
def vae_test(
    images: Sequence[Path], encoder: str, decoder: str, out: Path, force: bool, as_json: bool, **options: Any
) -> None:
    """Encode and decode pictures with our modules, a teacher and baselines, and compare what comes out.

    IMAGES are pictures, folders and zip archives of them, and patterns. Modules are files or names.
    """
    from contextlib import ExitStack

    from olacore.data import open_dataset
    from olacore.media.find import find_inputs
    from olacore.quality.vae_test.codecs import line_up
    from olacore.quality.vae_test.report import check_folder, run_vae_test
    from olacore.quality.vae_test.request import Entrants, Given

    check_folder(out, force)
    found, refused = find_inputs(images)
    for _, reason in refused:
        click.echo(f"skipped: {reason}", err=True)
    pictures = [one for one in found if one.kind == "picture"]
    if len(pictures) < len(found):
        click.echo(f"skipped: {len(found) - len(pictures)} videos; vae-test takes pictures", err=True)
    with ExitStack() as open_files:
        named = [options[f"compatible_{kind}"] for kind in MODULES]
        others = [Given.load(reference) if reference else None for reference in named]
        model, size = load_teacher_sized(options["teacher"], options["config"], options["offline"])
        entrants = Entrants(
            Given.load(encoder),
            Given.load(decoder),
            compatible_encoder=others[0],
            compatible_decoder=others[1],
            teacher=model,
            teacher_bytes=size,
            preview=load_preview(options["preview_network"]),
            data=open_files.enter_context(open_dataset(options["h5"])) if options["h5"] else None,
        )
        with stop_on_signal() as should_stop, Bar("pictures") as bar:
            report = run_vae_test(
                line_up(entrants), pictures, out, options["size"], options["repeats"], bar, should_stop
            )
    for reason in report["skipped"].values():
        click.echo(f"skipped: {reason}", err=True)
    if as_json:
        print_json(report)
    elif report["pictures"]:
        print_vae_test(report)
        click.echo(f"{len(report['pictures'])} pictures; {out / 'metrics.json'} has the figures of each")
    if len(report["pictures"]) + len(report["skipped"]) < len(pictures):
        interrupted(f"{out} holds what is done")


@main.command()
@click.argument("module")
@click.option("--h5", type=FILE, multiple=True, required=True, help="Data set, or folder of shards; may be repeated.")
@click.option("--split", type=click.Choice(["train", "validation", "held-out"]), default="held-out", show_default=True)
@click.option("--skip-nonfinite", is_flag=True, help="Leave rows with NaN or inf out.")
@click.option("--out", type=FILE, default=Path("compare"), show_default=True, help="Folder for plots and figures.")
@click.option("--force", is_flag=True, help="Write into a folder that holds files.")
@click.option("--json", "as_json", is_flag=True, help="Print what compare.json holds.")
def compare(
    module: str, h5: Sequence[Path], split: str, skip_nonfinite: bool, out: Path, force: bool, as_json: bool
) -> None:
    """Compare an encoder's latents with those of a data set, channel by channel, with plots.

    MODULE is a file or a name.
    """
    from olacore.data import open_dataset
    from olacore.modules.module import load
    from olacore.quality.compare.measure import compare_latents
    from olacore.quality.compare.report import write_comparison
    from olacore.quality.vae_test.report import check_folder

    check_folder(out, force)
    encoder = load(module)
    with open_dataset(h5) as dataset, Bar("frames") as bar:
        made = compare_latents(encoder, dataset, split, skip_nonfinite, bar)
        write_comparison(made, encoder, dataset, out)
    if as_json:
        print_json(made.figures)
        return
    print_compare(made.figures, f"latents of {module} beside {split} rows")
    click.echo(f"look at {out / 'scatter.png'} and {out / 'worst.png'}; the figures are in {out / 'compare.json'}")


@contextmanager
def stop_on_signal() -> Iterator[Callable[[], bool]]:
    """Turn the first Ctrl-C or SIGTERM into a flag that long work asks for; a second Ctrl-C interrupts at once."""
    seen: list[int] = []

    def remember(number: int, frame: FrameType | None) -> None:
        if seen and number == signal.SIGINT:
            raise KeyboardInterrupt
        seen.append(number)

    before = {number: signal.signal(number, remember) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(seen)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def interrupted(message: str) -> NoReturn:
    """Say how to go on and leave with the exit code of an interruption."""
    click.echo(f"interrupted: {message}", err=True)
    sys.exit(INTERRUPTED)


class StandardError(logging.Handler):
    """Log lines on what standard error is when they come, so that progress bars make room for them."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print a line."""
        click.echo(self.format(record), file=sys.stderr)


class Bar:
    """A progress bar for work with a known total, silent where there is no terminal."""

    def __init__(self, what: str) -> None:
        self.bars = bars()
        self.what = what

    def __enter__(self) -> Bar:
        self.bars.start()
        self.task = self.bars.add_task(self.what, total=None, note="")
        return self

    def __exit__(self, *error: object) -> None:
        self.bars.stop()

    def __call__(self, done: int, total: int, what: str = "") -> None:
        """Show that `done` of `total` are done, and `what` comes next."""
        self.bars.update(self.task, completed=done, total=total, note=f"{done}/{total} {what}")


@contextmanager
def progress_bars(
    seconds: float | None, generations: int | None = None
) -> Iterator[Callable[[str], Callable[[dict[str, Any]], None]]]:
    """Make the progress callback of a training run: a bar of its limit, with loss and rate."""
    unit, total = ("seconds", seconds) if seconds else ("generation", generations)
    with bars() as shown:

        def follow(name: str) -> Callable[[dict[str, Any]], None]:
            task = shown.add_task(name, total=total, note="compiling")

            def update(line: dict[str, Any]) -> None:
                rate = line["samples"] / max(line["seconds"], 1e-9)
                loss = "not finite" if line["validation_loss"] is None else f"{line['validation_loss']:.5f}"
                note = f"generation {line['generation']}, loss {loss}, {rate:,.0f} rows/s"
                shown.update(task, completed=line[unit], note=note)

            return update

        yield follow


def bars() -> Progress:
    """Progress bars on standard error, off where that is no terminal."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[note]}"),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=console, disable=not console.is_terminal)


def print_figures(figures: dict[str, dict[str, Any]], title: str) -> None:
    """Print figures as a table, one row a module or baseline."""
    names = [name for name, value in next(iter(figures.values())).items() if isinstance(value, float)]
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for name in names:
        table.add_column(name, justify="right")
    for row, values in figures.items():
        table.add_row(row, *(f"{values[name]:.4g}" for name in names))
    stdout().print(table)


def load_teacher_sized(reference: str | None, config: str | None, offline: bool) -> tuple[Any, int]:
    """Load an autoencoder as teacher, if one is named, with the size of its file."""
    if reference is None:
        return None, 0
    import teachers
    from teachers.autoencoders.hub import find_model

    model = teachers.load_any_teacher(reference, teachers.LoadOptions(config=config, offline=offline))
    if not isinstance(model, teachers.Teacher):
        raise ConfigError(f"pictures are compared with an autoencoder's; {reference} is none.")
    return model, find_model(reference, offline).weights.stat().st_size


def load_preview(path: Path | None) -> Any:
    """Load the preview network, if one is given."""
    if path is None:
        return None
    from teachers.comparison.preview_network import PreviewNetwork

    return PreviewNetwork(path)


def print_vae_test(report: dict[str, Any]) -> None:
    """Print the mean figures of `ola vae-test` as tables."""
    mean = report["mean"]
    names = ("psnr", "ssim", "ms_ssim", "haarpsi", "l2", "cosine", "cosine_centered", "encode_ms", "decode_ms")
    titles = ("PSNR", "SSIM", "MS-SSIM", "HaarPSI", "L2", "cosine", "centred", "enc ms", "dec ms", "enc kB", "dec kB")
    table = Table(title="mean over pictures", title_justify="left", padding=(0, 0))
    for title in ("", *titles):
        table.add_column(title, justify="right" if title else "left", no_wrap=True)
    for row, figures in mean["rows"].items():
        sizes = (report["rows"][row][f"{part}_bytes"] / 1000 for part in MODULES)
        table.add_row(row, *(number(figures[name]) for name in names), *(f"{size:,.1f}" for size in sizes))
    stdout().print(table)
    for factor, rows in mean["small"].items():
        table = Table(title=f"at 1/{factor} of the size", title_justify="left")
        for title in ("", *titles[:7]):
            table.add_column(title, justify="right" if title else "left")
        for row, figures in rows.items():
            table.add_row(row, *(number(figures[name]) for name in names[:7]))
        stdout().print(table)
    for encoder, figures in mean["latents"].items():
        each = " ".join(number(r2) for r2 in figures["r2_each"])
        click.echo(f"latents of the {encoder} beside the teacher's: R2 {number(figures['r2'])}, by channel {each}")
    doubts = {doubt for picture in report["pictures"].values() for doubt in picture["doubts"]}
    for note in (*report["notes"], *sorted(doubts)):
        click.echo(f"note: {note}", err=True)


def print_compare(figures: dict[str, Any], title: str) -> None:
    """Print the figures of `ola compare` as a table, one row a channel."""
    names = ("r2_each", "mean", "teacher_mean", "spread", "teacher_spread")
    table = Table(title=title, title_justify="left")
    for name in ("channel", "R2", "mean", "teacher's", "spread", "teacher's"):
        table.add_column(name, justify="right")
    for channel in range(len(figures["mean"])):
        table.add_row(str(channel), *(number(figures[name][channel]) for name in names))
    stdout().print(table)
    told = ", ".join(f"{name} {number(figures[name])}" for name in ("r2", "l2", "cosine", "cosine_centered"))
    click.echo(f"{figures['frames']} frames: {told}")


def number(value: float | None) -> str:
    """Four digits, or a dash for what is not defined."""
    return "-" if value is None else f"{value:.4g}"


def stdout() -> Console:
    """The console for results, wide enough for every table where it is no terminal."""
    return Console(width=None if sys.stdout.isatty() else 140)


def print_json(value: Any) -> None:
    """Print one JSON document."""
    click.echo(json.dumps(value, indent=2))


if __name__ == "__main__":
    main()

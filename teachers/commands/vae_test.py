"""`ola vae-test`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from olacore.commands.options import DECODER, ENCODER, FILE, force_folder, max_pixels, page
from olacore.commands.progress import Bar
from olacore.commands.say import print_json, say
from olacore.commands.show import number, print_table
from olacore.commands.signals import stop_on_signal
from olacore.errors import ConfigError
from olacore.foreign.names import counted


@click.command("vae-test")
@click.argument("images", type=FILE, nargs=-1, required=True)
@click.option("--encoder", type=ENCODER, required=True, help="Our encoder.")
@click.option(
    "--decoder", type=DECODER, required=True, help="Our decoder, of the encoder's own latents or of the teacher's."
)
@click.option("--compatible-encoder", type=ENCODER, help="Another encoder, for the teacher's latent space.")
@click.option("--compatible-decoder", type=DECODER, help="Another decoder, for the teacher's latent space.")
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
@page
@max_pixels
@force_folder
@click.option("--json", "as_json", is_flag=True, help="Print what metrics.json holds.")
def vae_test(
    images: Sequence[Path],
    encoder: Path,
    decoder: Path,
    compatible_encoder: Path | None,
    compatible_decoder: Path | None,
    teacher: str | None,
    config: str | None,
    preview_network: Path | None,
    h5: Sequence[Path],
    size: int | None,
    repeats: int,
    out: Path,
    offline: bool,
    page: Path | None,
    max_pixels: int,
    force: bool,
    as_json: bool,
) -> None:
    """Compare how modules and a teacher encode and decode pictures. Baselines stand beside them.

    IMAGES are pictures, folders and zip archives of them, and patterns. Modules are files or names.
    """
    from olacore.data import open_dataset
    from olacore.files import check_folder, check_output
    from olacore.media.find import find_inputs
    from olacore.quality.vae_test.codecs import line_up
    from olacore.quality.vae_test.report import run_vae_test
    from olacore.quality.vae_test.request import Entrants, Given

    check_folder(out, force)
    if page:
        check_output(page, force)
    found, refused = find_inputs(images, max_pixels)
    for _, reason in refused:
        say(f"skipped: {reason}", err=True)
    pictures = [one for one in found if one.kind == "picture"]
    if len(pictures) < len(found):
        say(f"skipped: {counted(len(found) - len(pictures), 'video')}; vae-test takes pictures", err=True)
    with ExitStack() as open_files:
        others = [Given.load(str(name)) if name else None for name in (compatible_encoder, compatible_decoder)]
        model, model_bytes = load_teacher_sized(teacher, config, offline)
        entrants = Entrants(
            Given.load(str(encoder)),
            Given.load(str(decoder)),
            compatible_encoder=others[0],
            compatible_decoder=others[1],
            teacher=model,
            teacher_bytes=model_bytes,
            preview=load_preview(preview_network),
            data=open_files.enter_context(open_dataset(h5)) if h5 else None,
        )
        with stop_on_signal() as should_stop, Bar("pictures") as bar:
            report = run_vae_test(line_up(entrants), pictures, out, size, repeats, bar, should_stop)
    for reason in report["skipped"].values():
        say(f"skipped: {reason}", err=True)
    if page and report["pictures"]:
        from olacore.reports.page import write_page
        from olacore.reports.quality_pages import vae_page

        write_page(vae_page(report, out), page)
    if as_json:
        print_json(report)
    elif report["pictures"]:
        print_vae_test(report)
        say(f"{counted(len(report['pictures']), 'picture')}; {out / 'metrics.json'} has the figures of each")
    if len(report["pictures"]) + len(report["skipped"]) < len(pictures):
        should_stop.leave(f"{out} holds what is done")


def load_teacher_sized(reference: str | None, config: str | None, offline: bool) -> tuple[Any, int]:
    """Load an autoencoder as teacher, if one is named, with the size of its file."""
    if reference is None:
        return None, 0
    import teachers
    from teachers.autoencoders.hub import find_model

    model = teachers.load_any_teacher(reference, teachers.LoadOptions(config=config, offline=offline))
    if not isinstance(model, teachers.Autoencoder):
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
    lines = []
    for row, figures in mean["rows"].items():
        sizes = (report["rows"][row][f"{part}_bytes"] / 1000 for part in ("encoder", "decoder"))
        lines.append((row, *(number(figures[name]) for name in names), *(f"{size:,.1f}" for size in sizes)))
    print_table(("", *titles), lines, "mean over pictures", whole=range(1 + len(titles)), padding=0)
    for factor, rows in mean["small"].items():
        lines = [(row, *(number(figures[name]) for name in names[:7])) for row, figures in rows.items()]
        print_table(("", *titles[:7]), lines, f"at 1/{factor} of the size")
    for encoder, figures in mean["latents"].items():
        each = " ".join(number(r2) for r2 in figures["r2_each"])
        say(f"latents of the {encoder} beside the teacher's: R2 {number(figures['r2'])}, by channel {each}")
    doubts = {doubt for picture in report["pictures"].values() for doubt in picture["doubts"]}
    for note in (*report["notes"], *sorted(doubts)):
        say(f"note: {note}", err=True)

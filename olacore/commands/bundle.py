"""`ola bundle`."""

from __future__ import annotations

from pathlib import Path

import click

from olacore.commands.options import DECODER, ENCODER, FILE, MODULE, Option
from olacore.commands.say import say


@click.command()
@click.option("--text", required=True, type=FILE, help=f"Text module, of the view table or scene. {MODULE}")
@click.option("--mean", required=True, type=FILE, help="Denoiser of the view text: from an embedding to a latent.")
@click.option("--decoder", required=True, type=DECODER, help="Decoder of its latents.")
@click.option("--refiner", type=FILE, help="Refiner of the decoder's pictures.")
@click.option("--encoder", type=ENCODER, help="Encoder to its latents, for `ola generate --init`.")
@click.option("--denoiser", "denoisers", type=FILE, multiple=True, help="Denoiser of a noise level; may be repeated.")
@click.option("--h5", required=True, type=FILE, help="The captioned data that they were trained on.")
@click.option("-o", "--output", required=True, type=FILE, help="The folder of the set.")
@click.option(
    "--about",
    type=Option(),
    multiple=True,
    help="NAME=TEXT that the set says of itself and its pictures keep, as licence=CC-BY-4.0; may be repeated.",
)
@click.option("--force", is_flag=True, help="Replace the set that is there.")
def bundle(
    text: Path,
    mean: Path,
    decoder: Path,
    refiner: Path | None,
    encoder: Path | None,
    denoisers: tuple[Path, ...],
    h5: Path,
    output: Path,
    about: tuple[tuple[str, str], ...],
    force: bool,
) -> None:
    """Put modules that draw together into a set. `ola generate --set` takes it.

    The set keeps the training captions and small pictures of what they belong to.
    """
    import shlex

    from olacore.drawing.bundle import make_set
    from olacore.drawing.module_set import open_set

    asked = {"text": text, "mean": mean, "decoder": decoder, "refiner": refiner, "encoder": encoder}
    modules = {name: path for name, path in asked.items() if path}
    folder = make_set(output, modules, h5, levels=denoisers, about=dict(about), force=force)
    draw = shlex.join(("ola", "generate", "a prompt", "--set", str(folder)))
    say(f"{folder}: {open_set(folder).nbytes} bytes; draw with: {draw}")

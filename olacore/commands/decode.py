"""`ola decode`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from olacore.commands.options import DECODER, FILE, MODULE, Scale, force_output
from olacore.commands.say import say
from olacore.errors import FileFormatError, OlacoreError
from olacore.files import free_beside, why_not_first

if TYPE_CHECKING:
    from olacore.modules.decoding import Decoding, Picture

SIZES = {"1": 1, "1/2": 2, "1/4": 4, "1/8": 8}


@click.command()
@click.argument("latent", type=FILE)
@click.option("--decoder", type=DECODER, help=f"{MODULE} Otherwise the shipped one for what the file says.")
@click.option("--space", help="Whose latents they are, where the file does not say it: sd15, sdxl or sd3.")
@click.option(
    "--scale",
    type=Scale(),
    help="raw: of the autoencoder; scaled: as the denoiser sees them; or a number to multiply by.",
)
@click.option(
    "--refiner",
    type=FILE,
    help="A refiner of the decoder's pictures, in place of the one that it carries; none: without.",
)
@click.option("--size", type=click.Choice([*SIZES]), default="1", help="A preview of so much smaller sides.")
@click.option("-o", "--output", type=FILE, help="The picture, by default a new .png beside the latent, or the folder.")
@force_output
def decode(
    latent: Path, output: Path | None, force: bool, size: str, decoder: Path | None, refiner: Path | None, **asked: Any
) -> None:
    """Turn a latent, or a folder of them, into pictures. Files are .npy, .npz, .latent, .pt or .safetensors.

    A .npz file of `ola encode` says whose latents it holds and how they are scaled. A .latent file of ComfyUI says
    that it is raw, or is an old one and scaled, and is taken for SD 1.5's where nothing else is said. All others are
    taken as scaled; name their decoder or their space.
    """
    from olacore.modules.decoding import Decoding, decode_file

    many, why = latent.is_dir(), ""
    if output is None:
        if many:
            raise click.UsageError("a folder of latents needs a folder for the pictures, with -o.")
        output = free_beside(latent, ".png")
        why = why_not_first(output, latent)
    asked |= {"decoder": str(decoder) if decoder else None, "refiner": str(refiner) if refiner else None}
    decoding = Decoding(shrink=SIZES[size], kernels=many, **asked)
    if many:
        return decode_all(decoding, latent, output, force)
    made = decode_file(decoding, latent, output, force)
    tell(output, made, named=decoder is not None, why=why)
    return None


def decode_all(decoding: Decoding, folder: Path, output: Path, force: bool) -> None:
    """Decode a folder; what cannot be decoded is named, and only where nothing can be, the command fails."""
    from olacore.foreign.names import counted
    from olacore.modules.decoding import decode_folder

    count = wrong = 0
    for file, made in decode_folder(decoding, folder, output, force):
        if isinstance(made, OlacoreError):
            wrong += 1
            told = str(made)
            say(f"skipped: {told if file.name in told else f'{file}: {told}'}", err=True)
            continue
        for path, picture in made:
            count += 1
            tell(path, picture, named=decoding.decoder is not None)
    if not count:
        raise FileFormatError(f"no file of latents in {folder} could be decoded; skipped: {wrong}.")
    say(f"{output}: {counted(count, 'picture')}" + (f", {counted(wrong, 'file')} skipped" if wrong else ""))


def tell(output: Path, made: Picture, named: bool, why: str = "") -> None:
    """Print what was made, and what it was taken for."""
    for note in made.notes:
        say(note)
    for warning in made.warnings:
        say(f"warning: {warning}", err=True)
    chosen = "" if named else f", by {made.decoder}"
    say(f"{output}: {made.pixels.shape[1]} x {made.pixels.shape[0]} pixels{chosen}{why}")

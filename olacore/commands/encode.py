"""`ola encode`."""

from __future__ import annotations

from pathlib import Path

import click

from olacore.commands.options import ENCODER as ENCODER_NAMED
from olacore.commands.options import FILE, MODULE, force_output, max_pixels
from olacore.commands.say import say
from olacore.files import check_output, free_beside, why_not_first
from olacore.pretrained import DECODER, ENCODER


@click.command()
@click.argument("image", type=FILE)
@click.option("--encoder", type=ENCODER_NAMED, help=f"{MODULE} Otherwise {ENCODER}, for {DECODER}.")
@click.option(
    "-o",
    "--output",
    type=FILE,
    help="(C, H/8, W/8) float32 as .npy; .npz keeps spaces and size too; by default a new .npz beside the picture.",
)
@max_pixels
@force_output
def encode(image: Path, encoder: Path | None, output: Path | None, max_pixels: int, force: bool) -> None:
    """Turn a picture into a latent.

    It is (C, H/8, W/8) float32; sides that are no multiple of 8 are padded. As .npz it remembers the latent spaces that
    it belongs to and the picture's size, so that `ola decode` finds its decoder, refuses others, and crops.
    """
    from olacore.media.pictures import read_picture
    from olacore.modules.latent_file import StoredLatent, check_suffix, write_latent
    from olacore.modules.module import load

    free = free_beside(image, ".npz")
    why, output = ("", output) if output else (why_not_first(free, image), free)
    check_suffix(output)
    check_output(output, force)
    module, picture = load(encoder or ENCODER), read_picture(image, max_pixels)
    latent = module.encode(picture)
    write_latent(output, StoredLatent(latent, module.makes, module.imitates, picture.shape[:2]))
    chosen = "" if encoder else f", by {ENCODER} for {DECODER}"
    say(f"{output}: {' x '.join(str(side) for side in latent.shape)}{chosen}{why}")

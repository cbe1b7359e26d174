"""`ola decode`."""

from __future__ import annotations

import warnings
from pathlib import Path

import click

from olacore.commands.options import FILE, MODULE, force_output
from olacore.commands.say import say
from olacore.errors import ShapeError
from olacore.files import check_output


@click.command()
@click.argument("latent", type=FILE)
@click.option("--decoder", type=FILE, help=f"{MODULE} Otherwise the shipped one for what the file says.")
@click.option("-o", "--output", required=True, type=FILE, help="The picture, such as out.png.")
@force_output
def decode(latent: Path, decoder: Path | None, output: Path, force: bool) -> None:
    """Turn a latent into a picture: a .npy file, a .npz file of `ola encode`, or a .latent file of ComfyUI.

    A .npz file says whose latents it holds, so that the decoder is found; a .npy file does not. A .latent file is taken
    for a raw latent of SD 1.5.
    """
    from olacore.media.pictures import check_picture, write_picture
    from olacore.modules.latent_file import read_latent
    from olacore.modules.module import load
    from olacore.pretrained.catalogue import decoder_of, pick_decoder
    from olacore.spaces import require_same

    check_output(output, force)
    check_picture(output)
    stored = read_latent(latent)
    if stored.note:
        say(stored.note)
    name = str(decoder or pick_decoder(latent.name, stored.latent.shape, *stored.spaces))
    module = load(name)
    theirs = decoder_of(*stored.spaces) or "a decoder of the latent's space"
    require_same(f"the decoder {name}", module.reads, str(latent), *stored.spaces, then=f"take {theirs}")
    if stored.latent.ndim > 2 and module.reads:
        check_picture(output, *(stored.size or (side * module.reads.factor for side in stored.latent.shape[-2:])))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        picture = stored.crop(module.decode(stored.latent))
    if picture.ndim != 3:
        raise ShapeError(f"{latent} holds {len(picture)} latents; give one, of shape (C, h, w).")
    for warning in caught:
        say(f"warning: {warning.message}", err=True)
    write_picture(output, picture)
    chosen = "" if decoder else f", by {name}"
    say(f"{output}: {picture.shape[1]} x {picture.shape[0]} pixels{chosen}")

"""`ola decode`."""

from __future__ import annotations

from pathlib import Path

import click

from olacore.commands.options import FILE, MODULE, force_output
from olacore.errors import ShapeError
from olacore.files import check_output
from olacore.pretrained import DECODER


@click.command()
@click.argument("latent", type=FILE)
@click.option("--decoder", type=FILE, default=Path(DECODER), show_default=DECODER, help=MODULE)
@click.option("-o", "--output", required=True, type=FILE, help="The picture, such as out.png.")
@force_output
def decode(latent: Path, decoder: Path, output: Path, force: bool) -> None:
    """Turn a latent into a picture: a .npy file, or a .npz file of `ola encode`."""
    from olacore.media.pictures import write_picture
    from olacore.modules.latent_doubts import doubt_latents
    from olacore.modules.latent_file import read_latent
    from olacore.modules.module import load
    from olacore.spaces import require_same

    check_output(output, force)
    module, stored = load(decoder), read_latent(latent)
    then = "take a decoder of the latent's space"
    require_same(f"the decoder {decoder}", module.reads, str(latent), *stored.spaces, then=then)
    picture = stored.crop(module.decode(stored.latent))
    if picture.ndim != 3:
        raise ShapeError(f"{latent} holds {len(picture)} latents; give one, of shape (C, h, w).")
    if doubt := doubt_latents(stored.latent, module):
        click.echo(f"warning: {doubt}", err=True)
    write_picture(output, picture)
    click.echo(f"{output}: {picture.shape[1]} x {picture.shape[0]} pixels")

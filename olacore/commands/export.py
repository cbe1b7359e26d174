"""`ola export`."""

from __future__ import annotations

from pathlib import Path

import click

from olacore.commands.options import FILE, Option
from olacore.commands.say import say

FORMS = (
    "module, one file, of a decoder and its refiner too; npz, plain NumPy arrays; onnx, a graph; c, a header; html, a "
    "page that works from disk; diffusers, the folder of a VAE; comfyui, a pack of nodes, of the compatible modules if "
    "none is named; hub, a folder to share"
)


@click.command()
@click.argument("modules", type=FILE, nargs=-1, metavar="[MODULE]...")
@click.option("--to", required=True, help=f"The form: {FORMS}.")
@click.option("-o", "--output", required=True, type=FILE, help="The file or folder to write.")
@click.option("--option", "options", type=Option(), multiple=True, help="NAME=VALUE, an option of the form.")
@click.option("--force", is_flag=True, help="Replace the file, or write into a folder that holds files.")
def export(modules: tuple[Path, ...], to: str, output: Path, options: tuple[tuple[str, str], ...], force: bool) -> None:
    """Write modules in a form that other programs run.

    MODULE is a file, a run folder, a name or hf:user/name of the hub, or a set of modules that draw.
    """
    from olacore.exports import EXPORTERS
    from olacore.exports.base import export as write
    from olacore.exports.given import load_parts

    EXPORTERS.find(to).set(dict(options)).check(output, force)  # before anything is read
    size = write(parts := load_parts(modules), to, output, force, dict(options))
    say(f"{output}: {', '.join(part.name for part in parts) or to}, {size:,} bytes")

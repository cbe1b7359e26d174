"""`ola inspect`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from olacore.commands.options import ANYTHING, FILE
from olacore.commands.say import print_json
from olacore.commands.show import print_table
from olacore.files import check_output


@click.command()
@click.argument("file", type=ANYTHING)
@click.option("--sheet", type=FILE, help="Draw a contact sheet of a data set into this picture.")
@click.option("--force", is_flag=True, help="Replace the sheet.")
@click.option("--json", "as_json", is_flag=True, help="Print all of it as JSON.")
def inspect(file: Path, sheet: Path | None, force: bool, as_json: bool) -> None:
    """Tell what a file, a folder, a module or a set holds.

    Of the card of what is shipped its first lines are printed; --json has all.
    Also a set, a latent, a picture of `ola generate`, and what `ola export` wrote for NumPy or as ONNX.
    """
    from olacore.reports.inspection import describe

    if sheet:
        from olacore.data import open_dataset
        from olacore.media.contact_sheet import draw_sheet
        from olacore.media.pictures import write_picture

        check_output(sheet, force)
        from olacore.modules.module import load
        from olacore.pretrained.catalogue import decoder_of

        with open_dataset([file]) as dataset:
            # Where pictures are there, false colours say more about a latent than another picture.
            name = "" if dataset.has("frames") else decoder_of(dataset.space)
            write_picture(sheet, draw_sheet(dataset, load(name) if name else None))
    facts = describe(file)
    if as_json:
        print_json(facts)
        return
    print_table((), [(name, brief(name, value)) for name, value in facts.items()], file, left=(0, 1))


def brief(name: str, value: Any) -> Any:
    """A fact as it is printed: of a card the first paragraph, of the parts of a set a line each, of texts a list."""
    if name == "card":
        first, *more = value.removeprefix("#").partition("\n\n")[2].split("\n\n")
        return f"{first}\n\n--json has all of it." if more else value
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    if not isinstance(value, dict):
        return value
    if value and all(isinstance(one, dict) and {*one} == {"bytes", "shape"} for one in value.values()):
        return "\n".join(f"{part}: {one['shape']}, {one['bytes']:,} bytes" for part, one in value.items())
    return json.dumps(value, indent=1)

"""`ola inspect`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from olacore.commands.options import ANYTHING, FILE
from olacore.commands.say import print_json
from olacore.commands.show import print_table
from olacore.files import check_output


@click.command()
@click.argument("file", type=ANYTHING)
@click.option("--sheet", type=FILE, help="Draw a contact sheet of a data set into this picture.")
@click.option("--force", is_flag=True, help="Replace the sheet.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def inspect(file: Path, sheet: Path | None, force: bool, as_json: bool) -> None:
    """Tell what a file, a folder, a module or a set holds.

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
    rows = [(name, json.dumps(value, indent=1) if isinstance(value, dict) else value) for name, value in facts.items()]
    print_table((), rows, file, left=(0, 1))

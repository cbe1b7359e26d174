"""`ola list`."""

from __future__ import annotations

import click

from olacore.commands.say import print_json, say
from olacore.commands.show import print_table


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
def list_modules(as_json: bool) -> None:
    """List the modules and sets that come with the package.

    PSNR is in dB, of pictures that were encoded and decoded: by the module and its partner, by the module and the
    teacher for the other way, and by the teacher alone.
    """
    from olacore import pretrained
    from olacore.drawing.module_set import open_set
    from olacore.pretrained.catalogue import catalogue

    found, drawing = catalogue(), [open_set(name) for name in pretrained.sets()]
    if as_json:
        sets = [{"name": one.name, "kind": "set", "size": one.size, "bytes": one.nbytes} for one in drawing]
        print_json([*(one.to_dict() for one in found), *sets])
        return
    head = ("name", "latents", "other way", "PSNR with it", "with teacher", "teacher alone", "kB")
    rows = []
    for one in found:
        psnr = ["-", "-", "-"]
        if figures := one.figures:
            values = (figures.with_partner, figures.with_teacher, figures.of_teacher)
            psnr = ["-" if value is None else f"{value:.2f}" for value in values]
            psnr[2] += f" {figures.teacher}"
        latents, size = one.latents.partition(",")[0], f"{one.nbytes / 1000:,.0f}"
        rows.append((one.name, latents, one.partner or "-", *psnr, size))
    print_table(head, rows, left=(0, 1, 2), whole=(0, 1, 2))
    for count in sorted({one.figures.photographs for one in found if one.figures}):
        say(
            f"PSNR in dB, mean over {count} whole photographs that no part of the making saw: there and back by the "
            "module and the one for the other way, by the module and the teacher, and by the teacher alone"
        )
    for own in drawing:
        say(f"{own.name} draws {own.size} x {own.size} pixels of a text: ola generate 'a prompt' --set {own.name}")

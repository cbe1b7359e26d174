"""`ola t2i-test`."""

from __future__ import annotations

from pathlib import Path

import click

from olacore.commands.options import FILE, SET, force_page, page
from olacore.commands.say import print_json
from olacore.commands.show import print_figures


@click.command("t2i-test")
@click.option("--h5", required=True, type=FILE, help="Pictures with captions and embeddings, as the set was made of.")
@click.option(
    "--set",
    "set_name",
    type=SET,
    help="A shipped set, by default google64, the folder of your own, or hf:user/name of the hub.",
)
@click.option("--part", "parts", multiple=True, help="Of the data; by default all held-out ones; may be repeated.")
@click.option("--judge", type=FILE, help="Pictures of other makers with captions, as --h5, for a second judge.")
@click.option("--most", type=click.IntRange(1), help="Pictures of a part at most.")
@click.option("--seed", default=0, show_default=True)
@click.option("--variety", default=0.0, show_default=True, help="As of `ola generate`.")
@click.option("--guidance", type=float, help="As of `ola generate`.")
@click.option("--lean", default=1.0, show_default=True, help="As of `ola generate`.")
@page
@force_page
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def t2i_test(
    h5: Path,
    set_name: Path | None,
    parts: tuple[str, ...],
    judge: Path | None,
    most: int | None,
    seed: int,
    variety: float,
    guidance: float | None,
    lean: float,
    page: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Draw captions whose pictures are known, and compare. Beside them stands what needs no module.

    left: share of the variance of the true pictures' 32 x 32 means that the drawn ones leave; nearest, among_10:
    whether the true picture is the nearest of all, or among ten; nearer: than any training picture; energy, detail: of
    pixels and of what a blur takes away, over the true ones'; grain on white paper, in grey levels; copies of training
    pictures; kid: distance to the true pictures as a whole; spread: how far two seeds are apart, with --variety;
    text_mean: share of the latents' variance that is left by what the captions alone lead one to expect; judge:
    R-precision of 100, whether a closed form that learnt from the training pictures reads the right caption from the
    picture; other_judge: one that learnt from --judge.
    """
    from olacore.drawing.generator import DEFAULT_SET, Generator
    from olacore.drawing.measure import measure
    from olacore.drawing.settings import Settings
    from olacore.files import check_output

    if page:
        check_output(page, force)
    generator = Generator(set_name or DEFAULT_SET, kernels=False)
    settings = Settings(seed=seed, variety=variety, guidance=guidance, lean=lean)
    if page:
        from olacore.reports.asked import short_path
        from olacore.reports.page import write_page
        from olacore.reports.quality_pages import Drawn, t2i_page

        drawn = Drawn()
        found = measure(generator, h5, parts, settings, most, judge, watch=drawn)
        write_page(t2i_page(found, drawn, short_path(set_name or DEFAULT_SET)), page)
    else:
        found = measure(generator, h5, parts, settings, most, judge)
    if as_json:
        print_json(found)
        return
    for part, figures in found.items():
        print_figures(figures, part)

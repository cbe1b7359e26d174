"""Cards of modules."""

import json

import pytest

from bench.common import RESULTS
from bench.common.markdown import WIDTH
from bench.ovae.cards import named, psnr_of, write_card
from bench.ovae.quality import role_of
from bench.ovae.recipes import RECIPES, chosen

ALL = [(recipe, name) for recipe in RECIPES for name in recipe.makes]


@pytest.fixture(scope="module")
def quality():
    return json.loads((RESULTS / "2026-11-25-ovae.json").read_text())["quality"]


def make_run(recipe, name: str, held_out: dict | None = None) -> dict:
    """What is known of a run that made a module."""
    counts = {"train": 1320, "validation": 168, "held-out": 168}
    data = {"digest": "d" * 64, "photographs": counts, "crops": counts, "origins": {"jxl": 3, "attic": 1}}
    file = {"layers": [768, 4], "bytes": 10472, "held_out": held_out or {}, "behind": [9, 4, 3]}
    return {
        "files": {name: file},
        "data": data,
        "seconds": 83.06,
        "cpu": 122.4,
        "threads": 2,
        "command": recipe.command,
    }


@pytest.mark.parametrize(("recipe", "name"), ALL, ids=[name for _, name in ALL])
def test_write_card__is_in_short_lines(recipe, name, quality):
    run = make_run(recipe, name, {"module": {"r2": 0.9479, "psnr": 25.75}})
    card = write_card(name, recipe, run, quality.get(recipe.space))
    blocks = card.split("\n\n")
    assert blocks[0] == f"# {name}"
    assert f"```\n{recipe.source.precompute}\n{run['command']}\n```" in blocks
    prose = [block for block in blocks if not block.startswith(("|", "```"))]
    assert max(len(line) for block in prose for line in block.split("\n")) <= WIDTH
    assert "\n| module | 0.9479 | 25.75 |\n" in card


def test_write_card__names_the_licence_of_each_origin():
    (recipe,) = chosen(["sd15-decoder-small"])
    card = write_card(recipe.name, recipe, make_run(recipe, recipe.name), None)
    assert "| jxl | 3 | CC0 and BSD |" in card
    assert "| attic | 1 | not known |" in card


def test_write_card__says_whose_figures_it_has_where_there_are_none():
    (recipe,) = chosen(["codec4-pair"])
    card = write_card("codec4-encoder", recipe, make_run(recipe, "codec4-encoder"), None)
    assert "The module's figures are those of its decoder." in card
    assert "It is one tanh-affine map (768 - 4 numbers)" in card


def test_psnr_of__is_beside_the_teacher(quality):
    (codec,) = chosen(["codec4-pair"])
    (clone,) = chosen(["sdxl-refiner"])
    found = {role: psnr_of(role, codec, quality["sd15"]) for role in ("codec encoder", "codec decoder")}
    assert found["codec encoder"] == found["codec decoder"]
    assert (found["codec decoder"]["with_partner"], found["codec decoder"]["of_teacher"]) == (27.14, 25.91)
    assert found["codec decoder"]["with_teacher"] is None
    assert psnr_of(role_of("sdxl-decoder", clone), clone, quality["sdxl"])["with_teacher"] == 24.85
    assert psnr_of("decoder", clone, None) is None


def test_named__calls_latents_after_the_encoder(done):
    from olacore.modules.module import load

    workspace, *_ = done
    (codec,) = chosen(["codec4-pair"])
    encoder, decoder = (
        named(load(workspace.work / "runs" / "codec4-pair" / part), codec) for part in ("encoder", "decoder")
    )
    assert encoder.makes.maker == decoder.reads.maker == "codec4-encoder"

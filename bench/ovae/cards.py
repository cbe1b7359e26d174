"""Modules and their cards, brought into the package."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from bench.ovae.quality import AFFINE_PAIR
from bench.ovae.recipes import SIZE, SPACES, Recipe
from bench.ovae.room import Room
from bench.ovae.tables import FIGURES, number, table
from olacore.files import replace_file
from olacore.quality.vae_test.codecs import AFFINE, COMPATIBLE, PAIRED, TEACHER, THEIRS
from olacore.search.config import PAIR

#: Licences of the photographs by the first word of their names, the package that they came with.
LICENCES = {
    "gcompris": "CC-BY, CC-BY-SA, CC0 or public domain",
    "gradio": "Apache-2.0",
    "jxl": "CC0 and BSD",
    "kivy": "MIT",
    "lomiri": "CC-BY, CC-BY-SA, CC0 or public domain",
    "mate": "GPL-2+",
    "materialkit": "MIT",
    "opencv": "BSD or CC-BY",
    "palapeli": "GPL-2+",
    "plasma": "GPL-2+",
    "skimage": "public domain or CC0",
    "sklearn": "BSD or CC-BY",
}
UNKNOWN = "not known"

# What the rows of a card are, by kind of module.
ROWS = {
    "encoder": (TEACHER, PAIRED, AFFINE_PAIR, f"{AFFINE}, paired"),
    "decoder": (TEACHER, PAIRED, AFFINE_PAIR, f"{AFFINE}, paired"),
    "encoder-compatible": (TEACHER, "compatible encoder, teacher's decoder", COMPATIBLE, f"{AFFINE}, compatible"),
    "decoder-compatible": (
        TEACHER,
        f"{THEIRS}, compatible decoder",
        f"{THEIRS}, {AFFINE}",
        "linear preview",
        COMPATIBLE,
    ),
}
PURPOSE = {
    "encoder": "turns pictures into latents of its own, for the decoder `{space}-decoder` that was evolved with it. "
    "A change of basis brings them near to those of {teacher}, but they are not for its decoder.",
    "decoder": "turns latents of `{space}-encoder` into pictures. It is not for latents of {teacher}.",
    "encoder-compatible": "turns pictures into latents of {teacher}, as nearly as it can.",
    "decoder-compatible": "turns latents of {teacher}, of whatever origin, into pictures.",
}


def publish(
    recipes: Iterable[Recipe],
    room: Room,
    train: dict[str, Any],
    quality: dict[str, Any],
    folder: Path,
    say: Callable[[str], object],
) -> None:
    """Copy the modules of the runs into the package, each with its card.

    Parameters
    ----------
    train, quality : what the parts of these names gave; recipes that were not run are left out
    folder : of the package's modules
    """
    folder.mkdir(parents=True, exist_ok=True)
    for recipe in recipes:
        if recipe.name not in train:
            continue
        for name, file in recipe.makes.items():
            replace_file(folder / f"{name}.safetensors", (room.run(recipe) / file).read_bytes())
            card = write_card(name, recipe, train[recipe.name], quality.get(recipe.space))
            replace_file(folder / f"{name}.md", card.encode())
            say(f"{folder / name}.safetensors, with its card")


def write_card(name: str, recipe: Recipe, run: dict[str, Any], quality: dict[str, Any] | None) -> str:
    """Tell what a module is, what it was made from, how good it is, and how to make it again."""
    space = SPACES[recipe.space]
    kind = name.removeprefix(f"{recipe.space}-")
    file, data = run["files"][name], run["data"]
    layers = " - ".join(str(layer) for layer in file["layers"])
    purpose = PURPOSE[kind].format(space=recipe.space, teacher=f"`{space.teacher}`")
    shape = "a stack of tanh-affine maps" if len(file["layers"]) > 2 else "one tanh-affine map"
    photographs, crops = data["photographs"], data["crops"]
    seconds = f"{run['seconds']:.0f} s of search on {run['threads']} threads, {run['cpu']:.0f} CPU-seconds"
    pair = ", the encoder and the decoder together" if recipe.kind == PAIR else ""
    stages = (
        " The encoder and an affine decoder evolve first, by mse; loss and generations of the command are the stack's."
        if recipe.kind == PAIR and "stack" in recipe.settings
        else ""
    )
    parts = [
        f"# {name}",
        f"An organic module for the {space.title} latent space: it {purpose}",
        f"It is {shape} ({layers} numbers), evolved without gradients, of {file['bytes'] / 1000:,.1f} kB as "
        f"{recipe.settings['weights']}.",
        "## Data",
        f"Squares of {SIZE} pixels from photographs, {space.crops} of each: {crops['train']} from "
        f"{photographs['train']} photographs for training, {crops['validation']} from {photographs['validation']} to "
        f"choose by, and {crops['held-out']} from {photographs['held-out']} that no part of training saw. Digest of "
        f"the data set: `{data['digest']}`. No standard test set is among them. Photographs by origin:",
        "\n".join(table(["came with", "photographs", "licence"], origins(data["origins"]))),
        "## Figures",
        *figures(kind, file, quality),
        "## Make it again",
        f"```\n{space.precompute}\n{run['command']}\n```",
        f"The first command makes the data set, the second the module{pair}: {seconds}.{stages}",
        "## Limits",
        limits(recipe),
        "## Licence",
        f"The weights are under the package's licence, Apache-2.0; {space.teacher}, which they learnt from, is under "
        "the MIT licence.",
    ]
    return "\n\n".join(parts) + "\n"


def origins(counts: dict[str, int]) -> list[list[str]]:
    """Photographs and licence of each origin."""
    return [[origin, str(count), LICENCES.get(origin, UNKNOWN)] for origin, count in counts.items()]


def figures(kind: str, file: dict[str, Any], quality: dict[str, Any] | None) -> list[str]:
    """What was measured: whole held-out photographs, and held-out squares."""
    parts = []
    if quality is not None:
        mean = quality["mean"]
        rows = [
            [row, *(number(mean["rows"][row][name]) for name in FIGURES)] for row in ROWS[kind] if row in mean["rows"]
        ]
        parts.append(f"Whole held-out photographs ({len(quality['pictures'])}), mean:")
        parts.append("\n".join(table(["encoder and decoder", *FIGURES.values()], rows)))
        agreement = mean["latents"].get("compatible encoder")
        if kind == "encoder-compatible" and agreement:
            affine = number(mean["latents"].get(AFFINE, {}).get("r2"))
            each = ", ".join(number(value) for value in agreement["r2_each"])
            parts.append(f"R2 of the latents {number(agreement['r2'])} (by channel {each}); least squares {affine}.")
    if file["held_out"]:
        names = list(next(iter(file["held_out"].values())))
        body = [[row, *(number(values.get(name)) for name in names)] for row, values in file["held_out"].items()]
        parts.append("Held-out squares, beside closed forms of the same window:")
        parts.append("\n".join(table(["", *names], body)))
    return parts or ["The module's figures are those of its decoder."]


def limits(recipe: Recipe) -> str:
    """What it is not good at, as far as its making tells."""
    seen = []
    if recipe.kind != "decoder-compatible":
        seen.append("the encoder sees a patch of 8 x 8 pixels and 4 pixels around it")
    if recipe.kind != "encoder-compatible":
        side = recipe.settings["window"]
        seen.append(f"the decoder sees {side} x {side} latent sites for a patch of 8 x 8 pixels")
    return (
        f"Of a picture {' and '.join(seen)}: what lies further away cannot help. Fine texture is blurred. How it does "
        "on drawings, text and screenshots was not measured by themselves."
    )

"""Modules, their cards and their entries in the catalogue, brought into the package."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from bench.common.markdown import write_markdown
from bench.common.tables import Part, Table, number
from bench.ovae.quality import AFFINE_PAIR, SMALL_COMPATIBLE, SMALL_DECODED, SMALL_DECODER, agreement_of, role_of
from bench.ovae.recipes import FACTOR, SIZE, SPACES, Recipe, chosen
from bench.ovae.tables import FIGURES
from bench.ovae.workspace import Workspace
from olacore.files import replace_file
from olacore.foreign.json_text import read_json
from olacore.modules.find import IN_RUN
from olacore.modules.identity import Own
from olacore.modules.module import Module, load
from olacore.pretrained.catalogue import FIGURES as FIGURES_FILE
from olacore.pretrained.catalogue import Figures
from olacore.quality.vae_test.codecs import AFFINE, COMPATIBLE, PAIRED, TEACHER, THEIRS
from olacore.search.rules import PAIR

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

ENCODED, DECODED = "compatible encoder, teacher's decoder", f"{THEIRS}, compatible decoder"

# The row of a module on one way, the teacher on the other.
CROSSED = {"encoder": ENCODED, "decoder": DECODED, SMALL_DECODER: SMALL_DECODED}

# What the rows of a card are, by kind of module.
ROWS = {
    "codec encoder": (TEACHER, PAIRED, AFFINE_PAIR, f"{AFFINE}, paired"),
    "codec decoder": (TEACHER, PAIRED, AFFINE_PAIR, f"{AFFINE}, paired"),
    "encoder": (TEACHER, ENCODED, COMPATIBLE, f"{AFFINE}, compatible"),
    "decoder": (TEACHER, DECODED, SMALL_DECODED, f"{THEIRS}, {AFFINE}", "linear preview", COMPATIBLE),
    SMALL_DECODER: (TEACHER, SMALL_DECODED, f"{THEIRS}, {AFFINE}", "linear preview", SMALL_COMPATIBLE),
}
PURPOSE = {
    "codec encoder": "of a codec whose latents belong to no model: it turns pictures into latents of its own, for the "
    "decoder `{family}-decoder` that was evolved with it. They are not for the decoder of {teacher}.",
    "codec decoder": "of a codec whose latents belong to no model: it turns latents of `{family}-encoder` into "
    "pictures. It is not for latents of {teacher}.",
    "encoder": "for the latents of {title}: it turns pictures into latents of {teacher}, as nearly as it can.",
    "decoder": "for the latents of {title}: it turns latents of {teacher}, of whatever origin, into pictures.",
    SMALL_DECODER: "for the latents of {title}: it turns latents of {teacher}, of whatever origin, into pictures, "
    "sooner and not as well as `{family}-decoder`.",
}


def publish(
    recipes: Iterable[Recipe],
    workspace: Workspace,
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
    kept = folder / FIGURES_FILE
    known: dict[str, Any] = read_json(kept, "the figures") if kept.exists() else {}
    for recipe in recipes:
        if recipe.name not in train:
            continue
        for name, file in recipe.makes.items():
            module = named(load(workspace.run(recipe) / file), recipe)
            module.save(folder / f"{name}.safetensors")
            run = train[recipe.name]
            files = {**run["files"], name: {**run["files"][name], "bytes": module.nbytes()}}
            card = write_card(name, recipe, {**run, "files": files}, quality.get(recipe.space))
            replace_file(folder / f"{name}.md", card.encode())
            known[name] = psnr_of(role_of(name, recipe), recipe, quality.get(recipe.space))
            say(f"{folder / name}.safetensors, with its card")
    measured = {name: figures for name, figures in sorted(known.items()) if figures}
    replace_file(kept, (json.dumps(measured, indent=1) + "\n").encode())


def named(module: Module, recipe: Recipe) -> Module:
    """Name the latents of an encoder, and of its codec's decoder, after it."""
    name = f"{recipe.family}-encoder"
    if recipe.kind == PAIR and module.space is not None:
        module = replace(module, space=replace(module.space, maker=name))
    if module.makes is None:
        return module
    return replace(module, own=Own(module.digest, replace(module.makes, maker=name)))


def psnr_of(role: str, recipe: Recipe, quality: dict[str, Any] | None) -> dict[str, Any] | None:
    """The figures of a module in the package's catalogue; None where it was not measured beside its teacher."""
    rows = {} if quality is None else quality["mean"]["rows"]
    codec = recipe.kind == PAIR
    partner, crossed = PAIRED if codec else COMPATIBLE, CROSSED.get(role)
    partner = SMALL_COMPATIBLE if role == SMALL_DECODER else partner
    if quality is None or not {TEACHER, partner} <= rows.keys():
        return None
    space = SPACES[recipe.space]
    return asdict(
        Figures(
            model="" if codec else space.title,
            teacher=space.teacher,
            photographs=len(quality["pictures"]),
            with_partner=round(rows[partner]["psnr"], 2),
            with_teacher=round(rows[crossed]["psnr"], 2) if crossed in rows else None,
            of_teacher=round(rows[TEACHER]["psnr"], 2),
        )
    )


def write_card(name: str, recipe: Recipe, run: dict[str, Any], quality: dict[str, Any] | None) -> str:
    """Say what a module is, what it was made from, how good it is, and how to make it again."""
    space = recipe.source
    role = role_of(name, recipe)
    file, data = run["files"][name], run["data"]
    layers = " - ".join(str(layer) for layer in file["layers"])
    purpose = PURPOSE[role].format(title=space.title, family=recipe.family, teacher=f"`{space.teacher}`")
    shape = "a stack of tanh-affine maps" if len(file["layers"]) > 2 else "one tanh-affine map"
    stored = recipe.settings["weights"]
    behind = (
        f". It is `{recipe.behind}`, as {chosen([recipe.behind])[0].settings['weights']}, and behind it a second stack "
        f"({' - '.join(map(str, file['behind']))} numbers), as {stored}, that reads {seen_by(recipe)} and takes errors "
        "out of it, so that patches fit better."
        if recipe.behind
        else ""
    )
    photographs, crops = data["photographs"], data["crops"]
    threads = "1 thread" if run["threads"] == 1 else f"{run['threads']} threads"
    seconds = f"{run['seconds']:.0f} s of search on {threads}, {run['cpu']:.0f} CPU-seconds"
    pair = ", the encoder and the decoder together" if recipe.kind == PAIR else ""
    stages = (
        " The encoder and an affine decoder evolve first, by mse; loss and generations of the command are the stack's."
        if recipe.kind == PAIR and "stack" in recipe.settings
        else ""
    )
    if recipe.behind:
        stages = (
            f" `{recipe.name}/{recipe.makes[name]}` is the module, `{recipe.name}/{IN_RUN}` the second stack alone."
        )
    parts: list[Part] = [
        f"# {name}",
        f"An organic module {purpose}",
        f"It is {shape} ({layers} numbers), evolved without gradients, of {file['bytes'] / 1000:,.1f} kB"
        f"{behind or f' as {stored}.'}",
        "## Data",
        f"Squares of {SIZE} pixels from photographs, {space.crops} of each: {crops['train']} from "
        f"{photographs['train']} photographs for training, {crops['validation']} from {photographs['validation']} to "
        f"choose by, and {crops['held-out']} from {photographs['held-out']} that no part of training saw. Digest of "
        f"the data set: `{data['digest']}`. No standard test set is among them. Photographs by origin:",
        Table(["came with", "photographs", "licence"], origins(data["origins"]), left=(0, 2)),
        "## Figures",
        *figures(role, file, quality),
        "## Make it again",
        f"```\n{space.precompute}\n{run['command']}\n```",
        f"The first command makes the data set, the second the module{pair}: {seconds}.{stages}",
        "## Limits",
        limits(recipe),
        "## Licence",
        f"The weights are under the package's licence, Apache-2.0; {space.teacher}, which they learnt from, is under "
        "the MIT licence.",
    ]
    return write_markdown(parts)


def origins(counts: dict[str, int]) -> list[list[str]]:
    """Photographs and licence of each origin."""
    return [[origin, str(count), LICENCES.get(origin, UNKNOWN)] for origin, count in counts.items()]


def figures(role: str, file: dict[str, Any], quality: dict[str, Any] | None) -> Iterator[Part]:
    """What was measured: whole held-out photographs, and held-out squares."""
    if quality is not None:
        mean = quality["mean"]
        rows = [
            [row, *(number(mean["rows"][row][name]) for name in FIGURES)] for row in ROWS[role] if row in mean["rows"]
        ]
        yield f"Whole held-out photographs ({len(quality['pictures'])}), mean:"
        yield Table(["encoder and decoder", *FIGURES.values()], rows)
        agreement = agreement_of(quality)
        if role == "encoder" and agreement:
            affine = number(mean["latents"].get(AFFINE, {}).get("r2"))
            each = ", ".join(number(value) for value in agreement["r2_each"])
            yield f"R2 of the latents {number(agreement['r2'])} (by channel {each}); least squares {affine}."
    if file["held_out"]:
        names = list(next(iter(file["held_out"].values())))
        body = [[row, *(number(values.get(name)) for name in names)] for row, values in file["held_out"].items()]
        what = "What it takes out of the errors of held-out squares" if role == "decoder" and file.get("behind") else ""
        yield f"{what or 'Held-out squares'}, beside closed forms of the same window:"
        yield Table(["", *names], body)
    if quality is None and not file["held_out"]:
        yield "The module's figures are those of its decoder."


def seen_by(recipe: Recipe) -> str:
    """What a refiner reads, in words."""
    side = recipe.settings["patch"]
    latents = " and the latents" if "context" in recipe.settings else ""
    return f"the picture{latents} around each block of {side} x {side} pixels"


def sites_seen(recipe: Recipe) -> int:
    """Latent sites along a side that a patch depends on; a refiner sees pixels of the neighbours, which see theirs."""
    if not recipe.behind:
        return int(recipe.settings["window"])
    (drawn,) = chosen([recipe.behind])
    around = -(-recipe.settings["border"] // FACTOR)
    return max(int(drawn.settings["window"]) + 2 * around, 2 * recipe.settings.get("context", 0) + 1)


def limits(recipe: Recipe) -> str:
    """What it is not good at, as far as its making tells."""
    seen = []
    if recipe.kind in (PAIR, "encoder"):
        seen.append("the encoder sees a patch of 8 x 8 pixels and 4 pixels around it")
    if recipe.kind != "encoder":
        side = sites_seen(recipe)
        seen.append(f"the decoder sees {side} x {side} latent sites for a patch of 8 x 8 pixels")
    return (
        f"Of a picture {' and '.join(seen)}: what lies further away cannot help. Fine texture is blurred. How it does "
        "on drawings, text and screenshots was not measured by themselves."
    )

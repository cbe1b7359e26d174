"""The card of shared modules: what the hub reads of it, how to use them, and what is known of each."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from olacore import pretrained
from olacore.drawing.module_set import ModuleSet
from olacore.errors import FileFormatError
from olacore.exports.base import Part
from olacore.foreign.names import shown
from olacore.foreign.reading import read_file
from olacore.modules.module import load
from olacore.pretrained.catalogue import Shipped, catalogue
from olacore.views import view_from_dict
from olacore.views.denoising import DenoiserView

if TYPE_CHECKING:
    from olacore.exports.hub import HubFolder

MOST_CARD = 1 << 20
ROWS = (
    "`module` is this one. Beside it, on the same samples: `least_squares`, the best closed form of its shape; `mean`, "
    "of the targets, whatever is put in; `block_mean`, each block of pixels in its own mean colour; `teacher`, the "
    "network that was imitated, where they are there."
)
CARD_OF_SET, README = "card.md", "README.md"
TASKS = dict.fromkeys(("decoder", "encoder", "denoiser", "refiner"), "image-to-image")
TASKS |= {"text": "feature-extraction", "set": "text-to-image"}
TAGS = {"decoder": ("vae", "latent-decoder"), "encoder": ("vae", "latent-encoder"), "set": ("text-to-image",)}
CALLS = {
    "decoder": "decode(latents)",
    "encoder": "encode(picture)",
    "text": 'embed("a red fox")',
    "plain": "predict(x)",
    "refiner": "refine(pictures)",
}
# A card as it is written here: its front matter, its title, and what comes behind the example.
WRITTEN = re.compile(r"---\n(.*?)\n---\n+(# [^\n]*\n)\n```\n.*?\n```\n\n```python\n.*?\n```\n(.*)", re.S)
# How cards name what they were made with: ids of the hub in the commands that made them, and the licence of weights.
TEACHERS = re.compile(r"--(?:text-)?teacher ([\w.-]+/[\w.-]+)")
LICENCE = re.compile(r"under the\s+package's\s+licence,\s+([\w-]+(?:\.[\w-]+)*)")


def write_card(parts: Sequence[Part], of_set: ModuleSet | None, asked: HubFolder, repo: str) -> str:
    """Markdown with front matter, made from the cards of what is shipped, and of others from what their files say.

    Parameters
    ----------
    of_set : the set that the parts are, if they are one
    repo : `user/name` on the hub
    """
    ours = [part.name for part in parts if of_set is None and is_shipped(part)]
    before, of_its_own = _of_set(of_set, parts) if of_set else ({}, "")
    cards = [of_its_own] if of_set else [_card(part, part.name in ours) for part in parts]
    kinds = ["set"] if of_set else [*dict.fromkeys(part.about["kind"] for part in parts)]
    known = [one for one in catalogue() if one.name in ours and one.figures] if ours else []
    licences = [found[1].lower() if found else "" for found in map(LICENCE.search, cards)]
    matter = {
        "library_name": "olacore",
        "license": asked.license or before.get("license") or (licences[0] if len({*licences}) == 1 else ""),
        "pipeline_tag": TASKS.get(kinds[0], ""),
        "tags": [*dict.fromkeys(tag for kind in kinds for tag in TAGS.get(kind, ())), "gradient-free", "cpu"],
        "base_model": _ids(asked.base_model) or before.get("base_model") or _teachers(parts, cards),
        "datasets": _ids(asked.datasets) or before.get("datasets"),
        "model-index": [_results(one) for one in known],
    }
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in matter.items() if value]
    title = parts[0].about["set"]["name"] if of_set else parts[0].name if len(parts) == 1 else repo.partition("/")[2]
    if len(cards) == 1:
        text = [cards[0].removeprefix(cards[0].partition("\n")[0]).strip()]
    else:
        text = ["\n".join(_deeper(card)) for card in cards]
    used = _usage(parts, of_set, repo, "" if asked.repo else f"# {repo} stands for where you upload it.\n")
    return "\n".join(["---", *lines, "---", "", f"# {shown(title)}", "", used, "", *text]).rstrip() + "\n"


def is_shipped(part: Part) -> bool:
    """Whether a part is the shipped module of its name, and not another one that is called so."""
    return part.name in pretrained.names() and load(part.name).digest == part.digest


def _of_set(found: ModuleSet, parts: Sequence[Part]) -> tuple[dict[str, Any], str]:
    """Front matter and card of a set, from its folder, one that was shared included, or else made from its modules."""
    for path in (found.folder / CARD_OF_SET, found.folder / README):
        if not path.exists():
            continue
        try:
            text = read_file(path, "the card", MOST_CARD).decode()
        except UnicodeDecodeError as error:
            raise FileFormatError(f"{path} is no UTF-8 text ({error.reason}).") from error
        if path.name == CARD_OF_SET:
            return {}, text
        if written := WRITTEN.fullmatch(text):
            front, title, rest = written.groups()
            return _front(front), title + rest
    words = f"A set of organic modules that draws pictures of {found.size} x {found.size} pixels of what a text says."
    words += f" Its styles: {', '.join(map(shown, found.styles))}." if found.styles else ""
    head = [f"# {shown(found.name)}", "", words, "", "| module | numbers | size |", "| --- | --- | ---: |"]
    rows = [f"| `{p.name}` | {_shape(p)} | {len(p.content) / 1000:.1f} kB |" for p in parts]
    return {}, "\n".join(head + rows)


def _front(text: str) -> dict[str, Any]:
    """What front matter says, of the lines that are a key and a value in JSON."""
    found = {}
    for key, _, value in (line.partition(": ") for line in text.splitlines()):
        with suppress(ValueError):
            found[key] = json.loads(value)
    return found


def _card(part: Part, ships: bool) -> str:
    """The card of a module: the one that is shipped with it, or else what its file says."""
    return pretrained.card(part.name) if ships else _own(part)


def _usage(parts: Sequence[Part], of_set: ModuleSet | None, repo: str, note: str) -> str:
    """An example that runs where the repository is on the hub, behind a comment."""
    if of_set:
        code = f'picture = olacore.generate("a red heart", set="hf:{repo}").picture'
    elif len(parts) == 1:
        code = _call(parts[0], f"hf:{repo}")
    else:
        code = "\n".join(_call(part, f"hf:{repo}/{part.name}") for part in parts)
    install = "pip install 'olacore[hub]'"
    return f"```\n{install}\n```\n\n```python\nimport olacore\n\n{note}{code}\n```"


def _call(part: Part, reference: str) -> str:
    call = CALLS.get(part.about["kind"]) or _by_name(part)
    return f"answer = olacore.load({json.dumps(reference, ensure_ascii=False)}).{call}"


def _by_name(part: Part) -> str:
    """The call of a denoiser, with all that it reads, or of a kind that has none of its own."""
    view = view_from_dict(part.about["view"], part.carried)
    if not isinstance(view, DenoiserView):
        return "run(given)"
    return f"denoise({', '.join(f'{name}={name}' for name in view.given)})"


def _own(part: Part) -> str:
    """What a module's file says of it."""
    about, training = part.about, dict(part.about["training"])
    space = about["reads"] or about["imitates"] or about["makes"]
    whose = f" of the latents of {shown(space['maker'])}" if space else ""
    lines = [
        f"# {shown(part.name)}",
        "",
        f"An organic module: {'an' if about['kind'][0] in 'aeiou' else 'a'} {shown(about['kind'])}{whose}.",
        "",
        f"It is {'a stack of tanh-affine maps' if len(part.program.steps) > 1 else 'one tanh-affine map'} "
        f"({_shape(part)} numbers), evolved without gradients, of {len(part.content) / 1000:.1f} kB as "
        f"{about['weights']}.",
    ]
    if data := training.get("data"):
        lines += ["", "## Data", "", f"Digest of the data set: `{shown(data)}`."]
    tables = [*_tables(training.get("held_out"))]
    if tables:
        lines += ["", "## Figures", "", "Held-out samples, beside closed forms:"]
        for name, rows in tables:
            lines += ["", *([f"{shown(name)}:", ""] if name else []), *rows]
        lines += ["", ROWS]
    licences = training.get("licences") or []
    if licences:
        lines += ["", "## Licence", "", f"It learnt from data under: {', '.join(map(shown, licences))}."]
    return "\n".join(lines)


def _shape(part: Part) -> str:
    program = part.program
    sizes = [program.inputs, *(len(step.biases) for step in program.steps)]
    return " - ".join(map(str, sizes if program.basis is None else [*sizes, program.outputs]))


def _tables(held_out: Any, name: str = "") -> Iterator[tuple[str, list[str]]]:
    """Figures of held-out samples as tables; of several parts of them, one each."""
    if not isinstance(held_out, Mapping) or not held_out:
        return
    rows = {row: values for row, values in held_out.items() if isinstance(values, Mapping) and values}
    if any(isinstance(value, Mapping) for values in rows.values() for value in values.values()):
        for part, inner in rows.items():
            yield from _tables(inner, str(part))
        return
    heads = sorted({key for values in rows.values() for key, value in values.items() if isinstance(value, float | int)})
    if heads:
        # Whatever loss a search minimised, tables compare by the squared error.
        named = ["mse" if head == "loss" else shown(head) for head in heads]
        lines = [f"|  | {' | '.join(named)} |", f"| --- |{' ---: |' * len(heads)}"]
        for row, values in rows.items():
            cells = [f"{values[head]:.4g}" if isinstance(values.get(head), float | int) else "-" for head in heads]
            lines.append(f"| {shown(row)} | {' | '.join(cells)} |")
        yield name, lines


def _results(one: Shipped) -> dict[str, Any]:
    """The figures of a shipped module, as the hub reads them."""
    figures = one.figures
    assert figures is not None
    ways = {"with its partner": figures.with_partner}
    if figures.with_teacher is not None:
        ways = {f"the other way by {figures.teacher}": figures.with_teacher, **ways}
    return {
        "name": one.name,
        "results": [
            {
                "task": {"type": TASKS[one.kind]},
                "dataset": {
                    "type": "photographs",
                    "name": f"{figures.photographs} whole photographs that no part of the making saw",
                },
                "metrics": [
                    {"type": "psnr", "name": f"PSNR, dB, {way}", "value": value} for way, value in ways.items()
                ],
            }
        ],
    }


def _teachers(parts: Sequence[Part], cards: Sequence[str]) -> list[str]:
    """Ids of the teachers, as far as cards and latent spaces name them."""
    named = [found for card in cards for found in TEACHERS.findall(card)]
    spaces = [part.about[role] for part in parts for role in ("reads", "imitates") if part.about[role]]
    named += [space["maker"] for space in spaces if re.fullmatch(r"[\w.-]+/[\w.-]+", space["maker"])]
    return [*dict.fromkeys(named)]


def _ids(words: str) -> list[str]:
    return [word.strip() for word in words.split(",") if word.strip()]


def _deeper(card: str) -> Iterator[str]:
    """A card as a part of another one: its headings a level deeper, but for those in code."""
    code = False
    for line in card.rstrip().splitlines():
        code ^= line.startswith("```")
        yield f"#{line}" if line.startswith("#") and not code else line
    yield ""

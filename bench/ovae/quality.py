"""Part `quality`: whole held-out photographs through our modules, the teacher and closed forms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.common.cells import Cells
from bench.common.sources import code_digest, file_digest
from bench.ovae.recipes import SPACES, Recipe, chosen
from bench.ovae.sources import PICTURES
from bench.ovae.workspace import Workspace
from olacore.modules.module import load
from olacore.quality.protocols import PreviewLike, TeacherLike
from olacore.quality.vae_test.codecs import COMPATIBLE, ENCODER, PAIRED, TEACHER, THEIRS, Lineup, line_up
from olacore.quality.vae_test.report import run_vae_test
from olacore.quality.vae_test.request import Entrants, Given
from olacore.search.rules import PAIR

# Times are measured in the part `speed`.
REPEATS = 1
AFFINE_PAIR = "organic, affine pair"
SMALL_DECODER, SMALL_DECODED = "small decoder", f"{THEIRS}, small decoder"
SMALL_COMPATIBLE = f"{COMPATIBLE}, small decoder"
PER_PICTURE = (TEACHER, PAIRED, AFFINE_PAIR)
PREVIEWED = "sd15"


def measure_all(
    spaces: tuple[str, ...], workspace: Workspace, cells: Cells, say: Callable[[str], object]
) -> dict[str, dict[str, Any]]:
    """Measure every latent space of which an encoder and a decoder were made; the others are left out."""
    found = {}
    for space in spaces:
        files = module_files(space, workspace)
        given = workspace.h5(space).exists() and workspace.photos.is_dir()
        if not given or whole_pair(files) is None:
            if not cells.frozen:
                say(f"{space}: its modules, its data set or the photographs are missing; the quality is left out")
            continue
        pictures = workspace.held_out(space)
        key = {
            "modules": {name: file_digest(path) for name, path in files.items()},
            "pictures": sorted(picture.name for picture in pictures),
            "teacher": has_teacher(space, workspace, say),
            "preview": previewed(space, workspace) is not None,
            "code": code_digest(*PICTURES),
        }

        def make(space: str = space, pictures: list[Any] = pictures) -> dict[str, Any]:
            return measure_space(space, workspace, pictures, say)

        if (value := cells.get(f"quality-{space}", key, make)) is not None:
            found[space] = value
    return found


def module_files(space: str, workspace: Workspace) -> dict[str, Path]:
    """Files of the modules of a latent space, as far as they were made: "encoder", "decoder", "codec encoder",
    "codec decoder", "affine decoder" and "small decoder".
    """
    found = {}
    for recipe in chosen(spaces=[space]):
        files = {role_of(name, recipe): file for name, file in recipe.makes.items()}
        if recipe.kind == PAIR:
            files["affine decoder"] = recipe.affine_decoder
        found.update({name: workspace.run(recipe) / file for name, file in files.items()})
    return {name: path for name, path in found.items() if path.is_file()}


def role_of(name: str, recipe: Recipe) -> str:
    """What a module of a recipe is among those of its latent space."""
    part = SMALL_DECODER if recipe.size else name.removeprefix(f"{recipe.family}-")
    return f"codec {part}" if recipe.kind == PAIR else part


def whole_pair(files: Iterable[str]) -> tuple[str, str] | None:
    """The encoder and the decoder that are shown as ours: the codec, or else the compatible ones; None where either is
    missing.
    """
    pairs = (("codec encoder", "codec decoder"), ("encoder", "decoder"))
    return next((pair for pair in pairs if {*pair} <= {*files}), None)


def agreement_of(quality: Mapping[str, Any]) -> dict[str, Any]:
    """How the latents of the compatible encoder agree with the teacher's; empty where that was not measured."""
    latents = quality["mean"]["latents"]
    found: dict[str, Any] = latents.get("compatible encoder") or latents.get(ENCODER) or {}
    return found


def previewed(space: str, workspace: Workspace) -> Path | None:
    """The preview network's file, where it is given and of this latent space."""
    return workspace.preview if space == PREVIEWED else None


def measure_space(
    space: str, workspace: Workspace, pictures: list[Any], say: Callable[[str], object]
) -> dict[str, Any]:
    """Measure one latent space with its teacher on whole pictures, into a folder of pictures."""
    teacher, size = load_teacher(space, workspace)
    preview = load_preview(previewed(space, workspace))
    out = workspace.work / "quality" / space
    with ExitStack() as stack:
        dataset = stack.enter_context(workspace.open(space))
        lineup = line_up_modules(
            module_files(space, workspace), teacher=teacher, teacher_bytes=size, preview=preview, data=dataset
        )

        def progress(done: int, total: int, what: str) -> None:
            say(f"{space}: {done} of {total} photographs {what}")

        report = run_vae_test(lineup, pictures, out, repeats=REPEATS, progress=progress)
    each = {
        picture["file"]: {row: picture["rows"][row] for row in PER_PICTURE if row in picture["rows"]}
        for picture in report["pictures"].values()
    }
    kept = ("rows", "notes", "mean", "skipped")
    return {**{name: report[name] for name in kept}, "pictures": each}


def line_up_modules(files: Mapping[str, Path], **others: Any) -> Lineup:
    """Line up the modules of a latent space, with the affine pair where there is one beside a stack.

    Parameters
    ----------
    others : further arguments of `Entrants`
    """
    beside = ("affine decoder", SMALL_DECODER)
    given = {name: Given.load(str(path)) for name, path in files.items() if name not in beside}
    ours = whole_pair(given)
    assert ours is not None
    encoder, decoder = (given.get(kind) if kind not in ours else None for kind in ("encoder", "decoder"))
    lineup = line_up(Entrants(given[ours[0]], given[ours[1]], encoder, decoder, **others))
    if "affine decoder" in files:
        affine = load(files["affine decoder"])
        lineup.add(AFFINE_PAIR, ENCODER, affine, affine.nbytes())
    if SMALL_DECODER in files and others.get("teacher"):
        small = load(files[SMALL_DECODER])
        lineup.add(SMALL_DECODED, TEACHER, small, small.nbytes())
        for imitator in lineup.imitators[:1]:
            lineup.add(SMALL_COMPATIBLE, imitator, small, small.nbytes())
    return lineup


def has_teacher(space: str, workspace: Workspace, say: Callable[[str], object]) -> bool:
    """Whether a teacher's folder is there; says so if not."""
    folder = workspace.models / SPACES[space].teacher
    if not folder.is_dir():
        say(f"{space}: there is no teacher {folder}; its figures are left out")
    return folder.is_dir()


def load_teacher(space: str, workspace: Workspace) -> tuple[TeacherLike | None, int]:
    """The teacher of a latent space and the bytes of its file; none where its folder is missing."""
    folder = workspace.models / SPACES[space].teacher
    if not folder.is_dir():
        return None, 0
    import teachers
    from teachers.autoencoders.hub import find_model

    return teachers.load_teacher(str(folder)), find_model(folder).weights.stat().st_size


def load_preview(path: Path | None) -> PreviewLike | None:
    """The preview network, if one is given."""
    if path is None:
        return None
    from teachers.comparison.preview_network import PreviewNetwork

    return PreviewNetwork(path)

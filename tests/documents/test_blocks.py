"""Every block of code of the documentation is run by one test, or is named here with the reason why it is not.

What is not run is read all the same: its commands have to be ones that there are, with options that they take, and its
programs have to compile and to import what there is.
"""

from __future__ import annotations

import ast
import configparser
import re
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file

import cli
import olacore
from olacore.commands.group import Lazy
from olacore.media.pictures import read_picture
from tests.support.command import ola
from tests.support.documents import Block, blocks, pages, run
from tests.support.makers import JIT, smooth_pictures
from tests.support.places import ROOT, SAMPLE
from tests.support.torch_files import write_torch

# Sections whose blocks other tests run, since these look at what comes out too.
ELSEWHERE = {
    ("docs/data.md", "Your own"): "tests/teachers/test_documentation.py",
    ("docs/embedding.md", "A NumPy script"): "tests/embed/test_documentation.py",
    ("docs/embedding.md", "A compiled loop of your own"): "tests/embed/test_documentation.py",
    ("docs/embedding.md", "A producer thread that feeds blocks"): "tests/embed/test_documentation.py",
    ("docs/plug-in.md", "diffusers"): "tests/teachers/adapters/test_documentation.py",
    ("docs/plug-in.md", "ComfyUI"): "tests/teachers/adapters/test_documentation.py",
    ("docs/plug-in.md", "Latents of other programs"): "tests/exports/test_plug_in_latents_and_sharing.py",
    ("docs/plug-in.md", "A text encoder for a pipeline"): "tests/teachers/adapters/test_text_encoder.py",
    ("docs/plug-in.md", "ONNX Runtime in Python"): "tests/exports/test_onnx_documentation.py",
    ("docs/plug-in.md", "A C program"): "tests/exports/test_c_header.py",
    ("docs/plug-in.md", "A page"): "tests/exports/test_page.py",
    ("docs/plug-in.md", "A decoder with its refiner in one file"): "tests/exports/test_module_file.py",
    ("docs/plug-in.md", "Sharing"): "tests/exports/test_plug_in_latents_and_sharing.py",
    ("docs/serve.md", "What clients of other servers call"): "tests/web/test_process.py",
    ("README.md", "In a pipeline of diffusers"): "tests/teachers/adapters/test_documentation.py",
    ("docs/tutorials/diffusers.md", "Decode by a module"): "tests/teachers/adapters/test_documentation.py",
    ("docs/tutorials/diffusers.md", "Previews, with the pipeline's own autoencoder"): (
        "tests/teachers/adapters/test_documentation.py"
    ),
}
TEACHER = "asks a teacher, which has to be downloaded, and takes minutes"
INSTALLS = "installs the package; `.ci/run` does so"
# By section, or by a section and the number of its block.
NOT_RUN = {
    ("README.md", "Start"): INSTALLS,
    ("README.md", "Use: the command line", 1): TEACHER,
    ("README.md", "Plain pairs", 0): "a minute of search; the program below it does the same, and is run",
    ("CONTRIBUTING.md", "Set up and test"): INSTALLS,
    ("CONTRIBUTING.md", "Write documentation"): "builds the site; `.ci/run` does so",
    ("datasets/README.md", "The sample"): "made the sample; needs its photographs and a teacher",
    ("docs/index.md", "olacore"): "as in docs/start.md, where it is run",
    ("docs/scale.md", "Several seeds"): "minutes of search; tests/search/test_seeds.py",
    ("docs/scale.md", "Ray"): "minutes of search, or a cluster; tests/search/test_ray.py",
    ("docs/start.md", "Quick start"): INSTALLS,
    ("docs/tutorials/folder.md", "1. The folder", 0): "a list of files",
    ("docs/tutorials/folder.md", "1. The folder", 1): "draws 3,000 pictures; tests/bench/drawn draws some",
    ("docs/tutorials/folder.md", "2. Make the set"): TEACHER,
    ("docs/tutorials/folder.md", "3. Draw"): "needs the set of step 2",
    ("docs/tutorials/diffusers.md", "Without olacore"): "as in docs/plug-in.md, where it is run",
    ("docs/faq.md", "How do I train on my folder?"): TEACHER,
    ("docs/data.md", "Data sets"): TEACHER,
    ("docs/data.md", "Captions"): TEACHER,
    ("docs/data.md", "Data for a refiner"): "needs data of one's own; tests/search trains refiners",
    ("docs/data.md", "Text encoders and denoisers"): TEACHER,
    ("docs/data.md", "Rows for denoisers"): TEACHER,
    ("docs/data.md", "A small teacher"): "trains a pipeline for an hour",
    ("docs/data.md", "Training text modules and denoisers"): "needs captioned data, and minutes",
    ("docs/generate.md", "Your own pictures"): TEACHER,
    ("docs/generate.md", "A walk through all of it: shapes"): TEACHER,
    ("docs/generate.md", "Pictures in several styles"): TEACHER,
    ("docs/ovae.md", "The second stage of the decoders"): "needs data that a teacher made",
    ("docs/ovae.md", "Reproduce"): TEACHER,
    ("docs/ovae.md", "Measuring"): TEACHER,
    ("docs/scale.md", "Precompute in shares"): TEACHER,
    ("docs/serve.md", "A page that draws while you type, and a server for other programs"): (
        "serves until it is told to stop; tests/web starts servers"
    ),
    ("docs/watching.md", "In the terminal"): "follows runs until they end; tests/commands/test_watch.py",
    ("docs/watching.md", "TensorBoard, Weights & Biases, trackio, MLflow", 0): (
        "needs data of one's own, and a board; tests/search/test_loggers.py"
    ),
    ("docs/scale.md", "Islands"): "hours of search on data of one's own; tests/commands/test_islands.py runs islands",
    ("docs/scale.md", "ssh"): "needs several machines; tests/commands/test_islands.py starts islands apart",
    ("docs/scale.md", "A job array of SLURM"): "needs a queue; tests/search/islands starts and kills islands",
    ("docs/reports.md", "Reports: a run in one file"): "minutes of search; tests/reports reports runs",
    ("docs/reports.md", "Pages of tests"): "needs data of one's own; tests/reports makes each of these pages",
}
# In place of a limit that would take long, in blocks that are run.
QUICKER = {
    "seconds=30": "generations=6",
    "seconds=20": "generations=6",
    "target=500, rescore=10": "target=60, rescore=2",
    "--time 20s": "--generations 6",
    "--stack 64": "--stack 8 --generations 16",
    'print("R2"': 'print("R2 of a short search"',
}
HERE = {
    "README.md": ("Use: the command line", "Use: Python", "Plain pairs"),
    "docs/fitness.md": ("Any fitness: ask and tell", "A whole search", "Environments of Gymnasium"),
    "docs/reports.md": ("What a run keeps for it",),
    "docs/watching.md": ("TensorBoard, Weights & Biases, trackio, MLflow",),
    "docs/start.md": ("Draw", "Use what is shipped", "Train"),
    "docs/generate.md": ("Text in, picture out",),
    "docs/tutorials/clone.md": (
        "1. Write pairs",
        "2. Train",
        "3. Look at it",
        "4. Use it",
        "5. Take it elsewhere",
        "A network of torch",
    ),
}


def numbered(page: str) -> list[tuple[Block, int]]:
    """Blocks of a page, each with its number within its section."""
    seen: dict[str, int] = {}
    found = []
    for block in blocks(page):
        found.append((block, seen.get(block.heading, 0)))
        seen[block.heading] = seen.get(block.heading, 0) + 1
    return found


def reason(block: Block, number: int) -> str | None:
    """Why a block is not run; None if it is."""
    return NOT_RUN.get((block.page, block.heading)) or NOT_RUN.get((block.page, block.heading, number))


EVERY = [pair for page in pages() for pair in numbered(page)]


def test_blocks__each_is_run_by_one_test_or_named_with_a_reason():
    for block, number in EVERY:
        section = (block.page, block.heading)
        ways = [section in ELSEWHERE, block.heading in HERE.get(block.page, ()) and not reason(block, number)]
        assert sum(ways) + bool(reason(block, number)) == 1, (
            f"{section}, block {number} is to be run in one place, or named as one that is not"
        )


def test_blocks__what_is_named_is_there():
    sections = {(block.page, block.heading) for block, _ in EVERY}
    named = {*ELSEWHERE, *NOT_RUN, *((page, heading) for page, found in HERE.items() for heading in found)}
    assert {section[:2] for section in named} == sections
    assert {section for section in NOT_RUN if len(section) == 3} <= {(*key(block), at) for block, at in EVERY}


def key(block: Block) -> tuple[str, str]:
    return block.page, block.heading


@pytest.mark.parametrize("section", ELSEWHERE, ids=": ".join)
def test_blocks__the_test_that_runs_a_section_reads_it(section):
    """By `blocks(page, heading)`, so that a section which is renamed fails there."""
    page, heading = section
    source = (ROOT / ELSEWHERE[section]).read_text(encoding="utf-8")
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    given = [
        tuple(one.value for one in call.args if isinstance(one, ast.Constant))
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id == "blocks"
    ]
    assert (page, heading) in given or (page,) in given


@pytest.mark.parametrize("page", pages())
def test_commands__are_ones_that_there_are(page):
    group, extras = cli.group(), configparser.ConfigParser()
    extras.read(ROOT / "setup.cfg")
    for block, number in numbered(page):
        if block.kind not in ("", "sh") or reason(block, number) == "a list of files":
            continue
        for words in block.commands:
            words = words[1:] if words[0] == "$" else words[2:] if words[0] == "ssh" else words
            program, *arguments = words
            if program == "ola":
                command = group.commands[arguments[0]]
                assert isinstance(command, Lazy)
                command.load().make_context(arguments[0], arguments[1:])
            elif program.startswith("python") and arguments[0] == "-m" and arguments[1].split(".")[0] in OURS:
                assert find_spec(arguments[1]), words
            elif program == "pip":
                for extra in re.findall(r"\[([\w,]+)\]", " ".join(arguments)):
                    assert set(extra.split(",")) <= set(extras["options.extras_require"]), words
            else:
                assert program in OTHERS or arguments[:1] == ["-m"], words


OURS = {"bench", "teachers", "tests"}
OTHERS = {
    "tensorboard",
    "ray",
    "pytest",
    "ruff",
    "gcc",
    "./preview",
    "hf",
    "sphinx-build",
    "python3",
    "NUMBA_DISABLE_JIT=1",
    "python",
}


@pytest.mark.parametrize("page", pages())
def test_programs__compile_and_import_what_there_is(page):
    for block in blocks(page):
        if block.kind != "python":
            continue
        compile(block.text, page, "exec")
        for node in ast.walk(ast.parse(block.text)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in ("olacore", "teachers"):
                for name in node.names:
                    assert hasattr(import_module(str(node.module)), name.name), f"{node.module}.{name.name}"


def lay_out(folder: Path) -> None:
    """Write the files that blocks read."""
    photo = smooth_pictures(1, 64, 80)[0]
    for name in ("photo.jpg", "photo.png"):
        Image.fromarray(photo).save(folder / name)
    rng = np.random.default_rng(0)
    latents = rng.normal(size=(4, 8, 8)).astype(np.float32)
    np.save(folder / "fox.npy", latents)
    write_torch(folder / "latents.pt", latents[None].astype(np.float16), "f2")
    (folder / "outputs").mkdir()
    version = {"latent_format_version_0": np.zeros(0, np.float32)}
    for place in ("ComfyUI_00001_.latent", "outputs/a.latent"):
        save_file({"latent_tensor": latents[None] / 0.13025, **version}, folder / place)
    (folder / "prompts.txt").write_text("a red heart\na rocket\n")
    (folder / "datasets").mkdir()
    (folder / "datasets" / "sample.h5").symlink_to(SAMPLE)


@pytest.mark.skipif(not JIT, reason="searches take minutes without the JIT")
@pytest.mark.parametrize("page", HERE)
def test_blocks__run_as_they_stand(page, tmp_path, monkeypatch, capsys):
    """One after the other in one folder, as a reader would, with limits that take less time."""
    monkeypatch.chdir(tmp_path)
    lay_out(tmp_path)
    if page == "docs/generate.md":  # what `--like` draws again
        ola("generate", "a red heart", "-o", "heart.png")
    names: dict[str, object] = {}
    for block, number in numbered(page):
        if block.heading not in HERE[page] or reason(block, number):
            continue
        text = block.text
        for slow, quick in QUICKER.items():
            text = text.replace(slow, quick)
        run(Block(block.page, block.heading, block.kind, text), names)
    CHECKS[page](names)


def check_readme(names: dict[str, object]) -> None:
    assert np.shape(names["picture"]) == np.shape(names["back"]) == (64, 80, 3)
    assert np.shape(names["answers"]) == (2000, 3)
    assert all(Path(name).exists() for name in ("heart.png", "sd.png", "own.png", "fox.png", "xl.png", "pt.png"))


def check_fitness(names: dict[str, object]) -> None:
    assert olacore.load("xor.safetensors").layers == (2, 4, 1)
    assert olacore.load("cart-pole.safetensors").layers == (4, 2)


def check_reports(names: dict[str, object]) -> None:
    assert Path("first.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def check_watching(names: dict[str, object]) -> None:
    assert any(path.name.startswith("events.out.tfevents") for path in Path().rglob("*"))


def check_start(names: dict[str, object]) -> None:
    assert np.shape(names["heart"]) == (64, 64, 3)
    assert read_picture(Path("photo-back.png")).shape == (64, 80, 3)
    assert olacore.load("runs/first").kind == "decoder"


def check_generate(names: dict[str, object]) -> None:
    np.testing.assert_array_equal(read_picture(Path("again.png")), read_picture(Path("heart.png")))
    assert {path.name for path in Path("pictures").iterdir()} == {"0000.png", "0001.png"}


def check_clone(names: dict[str, object]) -> None:
    assert np.shape(names["answers"]) == (400, 4)
    assert [olacore.load(f"runs/{run}").layers for run in ("affine", "stack")] == [(12, 4), (12, 4, 4)]
    with olacore.open_dataset(["torch.h5"]) as data:
        assert (data.count, data.inputs, data.outputs) == (4000, 12, 4)
    assert "ola_clone_predict" in Path("ola_clone.h").read_text()


CHECKS: dict[str, Callable[[dict[str, object]], None]] = {
    "README.md": check_readme,
    "docs/fitness.md": check_fitness,
    "docs/reports.md": check_reports,
    "docs/watching.md": check_watching,
    "docs/start.md": check_start,
    "docs/generate.md": check_generate,
    "docs/tutorials/clone.md": check_clone,
}

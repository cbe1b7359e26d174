"""What an import pulls in, and which way imports point."""

from __future__ import annotations

import ast
import configparser
import subprocess
import sys
from pathlib import Path

import pytest

import olacore

ROOT = Path(__file__).resolve().parents[1]
HEAVY = {"torch", "diffusers", "transformers", "huggingface_hub", "av", "PIL", "matplotlib", "rich", "click", "ray"}
OURS = {"olacore", "teachers", "bench", "cli"}
RUN_TIME = {"numpy", "numba", "h5py", "safetensors", "threadpoolctl", "PIL", "matplotlib"}
# What each layer may import, lazily or not: the standard library, and these.
LAYERS = {
    "olacore/kernels": {"numpy", "numba", "llvmlite", "olacore"},
    "olacore/data": {"numpy", "h5py", "olacore"},
    "olacore/jit": {"numpy", "numba", "llvmlite", "olacore", "threadpoolctl"},
    "olacore/strategies": {"numpy", "threadpoolctl", "olacore"},
    "olacore/commands": {"click", "rich", "olacore"},
    "olacore/exports": RUN_TIME | {"onnx", "olacore"},
    "olacore/foreign/hub.py": {"huggingface_hub", "olacore"},
    "olacore/play": RUN_TIME | {"gymnasium", "olacore"},
    "olacore/reports": RUN_TIME | {"jinja2", "olacore"},
    "olacore/web": RUN_TIME | {"fastapi", "starlette", "uvicorn", "pydantic", "olacore"},
    "olacore/search/backends/ray.py": {"ray", "olacore"},
    "olacore/search/loggers": {"numpy", "tensorboardX", "wandb", "trackio", "mlflow", "olacore"},
    "olacore": RUN_TIME | {"olacore"},
    "teachers/commands": {"click", "rich", "olacore", "teachers"},
    "teachers/adapters": {"torch", "numpy", "diffusers", "transformers", "olacore", "teachers"},
    # ComfyUI and what it brings; nothing of olacore.
    "teachers/adapters/comfyui": {"torch", "safetensors", "PIL", "comfy", "comfy_api", "latent_preview", "teachers"},
    "teachers": RUN_TIME | HEAVY - {"rich", "click", "matplotlib", "ray"} | {"huggingface_hub", "olacore", "teachers"},
    "bench": None,
    "cli.py": {"olacore"},
}


def loaded_after(statement: str) -> set[str]:
    """Names of all modules that a fresh process has loaded after a statement."""
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def files_of(layer: str) -> list[Path]:
    path = ROOT / layer
    return sorted(path.rglob("*.py")) if path.is_dir() else [path]


def imported(path: Path, lazy: bool) -> set[str]:
    """Absolute names that a file imports: all of them, or only those outside functions and `if TYPE_CHECKING`."""
    found: set[str] = set()
    pending: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while pending:
        node = pending.pop()
        typing = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        if not lazy and (typing or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)):
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            assert node.module
            found.add(node.module)
        pending.extend(ast.iter_child_nodes(node))
    return found


def roots(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def test_import__olacore_loads_next_to_nothing():
    loaded = roots(loaded_after("import olacore"))
    assert "olacore" in loaded
    assert not loaded & (HEAVY | {"safetensors", "numba", "h5py", "teachers", "bench", "cli"})


def test_import__the_whole_public_interface_loads_neither_torch_nor_pictures():
    names = ", ".join(olacore.__all__)
    loaded = loaded_after(f"from olacore import {names}")
    assert {"numba", "h5py", "olacore.search.train", "olacore.kernels.loss"} <= loaded
    assert not roots(loaded) & (HEAVY | {"safetensors", "teachers", "bench", "cli"})


def test_import__compiles_and_chooses_nothing():
    code = """
from olacore import *
import numba, os
assert "NUMBA_CACHE_DIR" not in os.environ
import numba
from olacore.kernels import blend, forward, loss, row_steps
from numba.core.dispatcher import Dispatcher
found = [k for m in (blend, forward, loss, row_steps) for k in vars(m).values() if isinstance(k, Dispatcher)]
assert not any(k.signatures for k in found)
try:
    numba.threading_layer()
except ValueError:
    pass  # not chosen yet
else:
    raise AssertionError
"""
    loaded_after(code)


def test_import__teachers_loads_no_torch():
    assert not roots(loaded_after("import teachers")) & (HEAVY | {"bench", "cli"})


def test_import__the_command_line_loads_no_torch_and_draws_nothing():
    assert not roots(loaded_after("import cli; cli.group()")) & (HEAVY - {"click"} | {"numpy", "numba", "h5py"})


def test_olacore__every_public_name_is_there_and_no_other():
    for name in olacore.__all__:
        assert getattr(olacore, name) is not None
    with pytest.raises(AttributeError, match="module 'olacore' has no attribute 'nothing'"):
        olacore.nothing  # noqa: B018


def layer_files() -> list[tuple[str, Path]]:
    """Every file with the narrowest layer that it belongs to."""
    layers = sorted(LAYERS, key=len, reverse=True)
    files = {path: layer for layer in reversed(layers) for path in files_of(layer)}
    return [(layer, path) for path, layer in sorted(files.items())]


@pytest.mark.parametrize(
    ("layer", "path"), [pytest.param(*pair, id=str(pair[1].relative_to(ROOT))) for pair in layer_files()]
)
def test_layers__import_only_what_they_may(layer, path):
    names = imported(path, lazy=True)
    allowed = LAYERS[layer]
    foreign = roots(names) - sys.stdlib_module_names
    if not (layer.endswith("commands") or path.name in ("command.py", "cli.py")):
        assert not [name for name in names if "commands" in name.split(".")], "only cli.py imports commands"
    assert allowed is None or foreign <= allowed
    if layer == "bench":
        assert "cli" not in foreign
        assert "teachers" not in roots(imported(path, lazy=False))
    if layer == "olacore/exports":
        assert "onnx" not in roots(imported(path, lazy=False))


BASE = ("errors", "registry", "version", "files", "foreign")
# What each room of `olacore` may import of the others, lazily or not: imports point one way.
ROOMS = {
    "foreign": ("errors", "foreign"),
    "jit": ("errors", "jit"),
    "kernels": ("jit.flags", "jit.sharing", "kernels"),
    "blocks.py": ("kernels",),
    "spaces.py": BASE,
    "data": (*BASE, "blocks", "spaces", "text", "data"),
    "losses": (*BASE, "jit", "kernels", "losses"),
    "media": (*BASE, "blocks", "spaces", "data", "media"),
    "text": (*BASE, "text"),
    "views": (*BASE, "jit", "kernels", "blocks", "spaces", "data", "media", "text", "views"),
    "modules": (
        *BASE,
        "jit",
        "kernels",
        "blocks",
        "spaces",
        "media",
        "text",
        "views",
        "pretrained",
        "modules",
    ),
    "strategies": (*BASE, "jit", "kernels", "blocks", "losses", "strategies"),
    "embed": (*BASE, "jit", "kernels", "embed"),
}
LATER = {
    "quality": {"search", "exports", "drawing", "reports", "web", "demo", "commands"},
    "search": {"exports", "fitness", "play", "reports", "web", "demo", "commands"},
    "exports": {"search", "reports", "web", "demo", "commands"},
}


@pytest.mark.parametrize("room", ROOMS)
def test_rooms__import_only_what_comes_before_them(room):
    for path in files_of(f"olacore/{room}"):
        ours = {name.removeprefix("olacore.") for name in imported(path, lazy=True) if name.startswith("olacore.")}
        outside = {name for name in ours if not any(f"{name}.".startswith(f"{part}.") for part in ROOMS[room])}
        assert not outside, path


@pytest.mark.parametrize("room", LATER)
def test_rooms__import_nothing_that_comes_after_them(room):
    for path in files_of(f"olacore/{room}"):
        ours = {name.split(".")[1] for name in imported(path, lazy=True) if name.startswith("olacore.")}
        assert not ours & LATER[room], path


def test_rooms__the_package_has_few_entries_and_no_file_is_long():
    entries = [path for path in (ROOT / "olacore").iterdir() if path.name != "__pycache__"]
    assert len(entries) <= 30
    for layer in ("olacore", "teachers", "bench", "cli.py"):
        for path in files_of(layer):
            assert len(path.read_text(encoding="utf-8").splitlines()) <= 400, path


def test_rooms__all_are_in_the_wheel():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    found = {".".join(path.parent.relative_to(ROOT).parts) for path in (*files_of("olacore"), *files_of("teachers"))}
    found |= {".".join(path.parent.relative_to(ROOT).parts) for path in files_of("bench")}
    assert set(config["options"]["packages"].split()) == found | {"olacore.sample"}


def test_rooms__nobody_asks_which_strategy_or_kind_it_has():
    """Hooks say it."""
    found = []
    for path in files_of("olacore"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance":
                asked = {name.id for name in ast.walk(node.args[1]) if isinstance(name, ast.Name)}
                if asked & {"Rows", "Stack", "Pair", "Classic", "Encoder", "Decoder", "PlainKind"}:
                    found.append(str(path.relative_to(ROOT)))
    assert not found


def test_layers__heavy_packages_are_imported_lazily_or_not_at_all():
    for layer, path in layer_files():
        if layer.startswith("olacore") and layer != "olacore/commands":
            assert not roots(imported(path, lazy=False)) & HEAVY, path


def test_layers__only_jit_py_chooses_flags():
    users = [path.name for path in files_of("olacore") if "fastmath=" in path.read_text(encoding="utf-8")]
    assert users == ["flags.py"]


def test_layers__datasets_holds_no_python():
    assert not [*(ROOT / "datasets").rglob("*.py")]

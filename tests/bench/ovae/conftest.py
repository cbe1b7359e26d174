"""What the tests of the organic VAE's figures share."""

import pytest

from bench.ovae import PARTS, recipes
from bench.ovae.command import run
from tests.support.makers import JIT
from tests.support.ovae_makers import RECIPES, make_workspace
from tests.support.vae_samples import PlainTeacher


@pytest.fixture
def tiny(monkeypatch):
    """Recipes that take no time."""
    monkeypatch.setattr(recipes, "RECIPES", RECIPES)


@pytest.fixture(scope="session")
def done(tmp_path_factory):
    """A workspace where everything but backprop was run, with a teacher that needs no torch."""
    if not JIT:
        pytest.skip("training takes minutes without the JIT")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipes, "RECIPES", RECIPES)
        for part in ("quality", "speed"):
            patch.setattr(f"bench.ovae.{part}.load_teacher", lambda *asked: (PlainTeacher(), 1000))
        workspace = make_workspace(tmp_path_factory.mktemp("ovae"))
        pretrained = workspace.work / "package"
        parts = tuple(part for part in PARTS if part != "backprop")
        report = run(workspace, workspace.work / "report.json", parts, pretrained=pretrained, threads=1)
    return workspace, pretrained, report

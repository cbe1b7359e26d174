"""`ola precompute --denoiser` as a user meets it."""

import json
import signal
from pathlib import Path

import numpy as np
import pytest

from olacore.data import open_dataset
from teachers import LoadOptions, load_teacher
from tests.support.captioned_samples import ROWS, ToyDenoiser, make
from tests.support.command import check_refusal, ola
from tests.support.pipeline_samples import one_thread, save_sd


def test_precompute__rows_without_a_denoiser(tmp_path: Path) -> None:
    data, rows = make(tmp_path / "a.h5"), tmp_path / "rows.h5"
    command = ["precompute", data, "--denoiser", "none", "--h5", rows, "--levels", "4,1"]
    assert "12 rows from 3 photographs and scenes (2 train, 1 concept-held-out)" in ola(*command).stdout
    told = json.loads(ola(*command, "--resume", "--json").stdout)
    assert told == {"rows": 2 * ROWS, "sources": {"train": 2, "concept-held-out": 1}}
    ola("precompute", data, "--denoiser", "none", "--h5", rows, "--levels", 3, "--repeats", 2, "--force")
    with open_dataset(rows) as found:
        assert found.count == 6 * ROWS
        assert found.settings["levels_asked"] == 3
    check_refusal("data with captions", "precompute", rows, "--denoiser", "none", "--h5", tmp_path / "b.h5")
    check_refusal("is missing", "precompute", tmp_path / "c.h5", "--denoiser", "none", "--h5", tmp_path / "b.h5")


def test_precompute__trajectories_of_a_denoiser(tmp_path: Path) -> None:
    folder = save_sd(tmp_path)
    space = load_teacher(folder, LoadOptions(self_test=False)).space
    data, ways = make(tmp_path / "a.h5", space=space, side=64), tmp_path / "ways.h5"
    command = ["precompute", data, "--denoiser", folder, "--h5", ways, "--plain", "--offline"]
    with one_thread():
        check_refusal("of the noise in latents of real pictures", *command)
    command += ["--no-self-test", "--trajectories", 2, "--steps", 2, "--guidance", 3]
    with one_thread():
        assert "4 rows from 2 trajectories (2 train)" in ola(*command).stdout
    with open_dataset(ways) as found:
        assert found.has("noisy")
        assert found.has("plain_answers")
        assert (found.settings["guidance"], found.settings["self_test"]) == (3.0, False)


def test_precompute__tells_how_far_the_choice_of_levels_is_and_may_be_stopped_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stopping(ToyDenoiser):
        def clean_each(self, noisy: np.ndarray, sigmas: np.ndarray, captions: list[str]) -> np.ndarray:
            signal.raise_signal(signal.SIGTERM)
            return super().clean_each(noisy, sigmas, captions)

    rows = tmp_path / "rows.h5"
    command = ["precompute", make(tmp_path / "a.h5"), "--denoiser", "toy", "--h5", rows, "--levels", 2]
    monkeypatch.setattr("olacore.commands.progress.APART", 0.0)
    monkeypatch.setattr("teachers.denoisers.load.load_denoiser", lambda *_, **__: Stopping())
    result = ola(*command, code=143)
    assert f"terminated: nothing of {rows} is made yet; the same command begins anew" in result.stderr
    assert not rows.exists()
    rows.write_text("mine")
    result = ola(*command, "--force", code=143)
    assert f"terminated: nothing of {rows} is made yet; the same command begins anew" in result.stderr
    assert rows.read_text() == "mine"
    rows.unlink()
    monkeypatch.setattr("teachers.denoisers.load.load_denoiser", lambda *_, **__: ToyDenoiser())
    lines = ola(*command).stderr.splitlines()
    assert lines[:11] == [f"noise levels: {done}/10" for done in range(11)]
    assert lines[11].startswith("rows: 0/")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--denoiser", "none", "--teacher", "taesd"], "--teacher does not go with --denoiser"),
        (["--denoiser", "none", "--size", "64"], "--size does not go with --denoiser"),
        (["--teacher", "taesd", "--levels", "4"], "--levels needs --denoiser"),
        (["--denoiser", "sd", "--steps", "4"], "--steps needs --trajectories"),
        (["--denoiser", "sd", "--trajectories", "4", "--levels", "4"], "--levels does not go with --trajectories"),
        (["--denoiser", "none", "--plain"], "need a denoiser"),
        (["--denoiser", "none", "--levels", "a,b"], "neither a number of levels nor levels"),
    ],
)
def test_precompute__says_what_does_not_go_together(tmp_path: Path, options: list[str], sentence: str) -> None:
    result = ola("precompute", tmp_path, "--h5", tmp_path / "a.h5", *options, code=2)
    assert sentence in " ".join(result.stderr.replace("│", "").split())

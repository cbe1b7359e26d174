"""Reports of runs: what they say, and that they are whole files of HTML whatever is missing or damaged."""

from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from olacore.errors import ConfigError, FileFormatError
from olacore.reports.curves import floors, known_beside, loss_charts, state_charts, together_charts
from olacore.reports.report import report
from olacore.reports.run import find_runs, read_run
from olacore.reports.run_page import Wishes
from olacore.search.sessions import asked
from olacore.search.train import train
from tests.support.command import check_refusal, ola
from tests.support.makers import make_config, write_pictures, write_plain
from tests.support.pages import open_browser
from tests.support.report_samples import NASTY, make_runs
from tests.support.searches import stop_after

VOID = {"meta", "link", "img", "br"}
KINDS = ("plain", "folds", "stack", "encoder", "decoder-0", "refiner", "pair", "denoiser", "text")


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A folder with data and runs."""
    return make_runs(tmp_path_factory.mktemp("made"))


class Sound(HTMLParser):
    """Checks that elements are closed in order, and keeps what tests ask for."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []
        self.addresses: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "data", "srcset", "action")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def page_of(runs: list[Path], out: Path, **wishes) -> tuple[str, Sound]:
    """Write a report and read it: its text without tags, and its elements."""
    report(runs, out, Wishes(**wishes))
    found = Sound()
    content = out.read_text(encoding="utf-8")
    found.feed(content)
    found.close()
    assert not found.open
    assert not re.search(r"url\(|@import|https?:", content), "a page asks for nothing"
    assert all(address.startswith(("data:", "#")) for address in found.addresses)
    assert not any(tag in ("script", "iframe", "object", "form", "base") for tag, _ in found.tags)
    return " ".join(" ".join(found.text).split()), found


# ---------------------------------------------------------------- what pages say


@pytest.mark.parametrize("kind", KINDS)
def test_report__has_every_part_of_a_run_of_each_kind(made, tmp_path, kind):
    text, found = page_of([made / "runs" / kind], tmp_path / "a.html")
    for title in ("Result", "How the search went", "What was asked", "Data", "how to use it", "Make it again"):
        assert title in text
    for fact in ("ola train", "numpy", "cores", "digest", "least squares", "Loss over seconds of search", "validation"):
        assert fact in text
    run = find_runs(made / "runs" / kind).runs[0]
    for figures in run.held_out.values():
        assert f"{figures['module']['r2']:.4g}"[:5] in text
    assert "no longer where" not in text
    assert "no samples to look at" not in text
    assert all(attrs.get("alt") for tag, attrs in found.tags if tag == "img")
    assert all(attrs.get("aria-label") or attrs.get("aria-hidden") for tag, attrs in found.tags if tag == "svg")
    assert all(attrs.get("scope") for tag, attrs in found.tags if tag == "th")


@pytest.mark.parametrize(
    ("kind", "titles"),
    [
        ("encoder", ("picture", "the data's latent", "the module's", "error")),
        ("decoder-0", ("original", "the teacher's decoding", "least squares", "the decoder", "error")),
        ("refiner", ("original", "to be refined", "least squares", "the refiner", "error")),
        ("pair", ("original", "the teacher's decoding", "the decoder", "error")),
    ],
)
def test_report__shows_held_out_pictures_with_their_errors(made, tmp_path, kind, titles):
    text, found = page_of([made / "runs" / kind], tmp_path / "a.html")
    for title in titles:
        assert title in text
    assert "Worst: " in text
    assert sum(tag == "img" for tag, _ in found.tags) >= 2 * len(titles)
    text, found = page_of([made / "runs" / kind], tmp_path / "b.html", pictures=0)
    assert not any(tag == "img" for tag, _ in found.tags)


def test_report__shows_predicted_over_true_numbers_the_worst_first(made, tmp_path):
    text, _ = page_of([made / "runs/plain"], tmp_path / "a.html")
    shown = [float(r2) for r2 in re.findall(r"Output \d, R2 (-?[\d.]+)", text)]
    assert len(shown) == 3
    assert shown == sorted(shown)


def test_report__compares_runs_and_seeds(made, tmp_path):
    runs = [made / "runs" / name for name in ("decoder-0", "decoder-1", "encoder")]
    text, found = page_of(runs, tmp_path / "a.html")
    assert "3 runs compared" in text
    assert "How much the seed matters" in text
    assert "2 seeds" in text
    both = [attrs for tag, attrs in found.tags if tag == "img" and "decoder-1" in (attrs["alt"] or "")]
    assert len(both) == 2  # both held-out pictures
    # Of one folder with all of them, those of the pair included.
    text, _ = page_of([made / "runs"], tmp_path / "b.html")
    assert "pair/decoder" in text
    assert "different data" in text


def test_report__numbers_are_those_of_the_run(made):
    run = read_run(made / "runs/plain", "plain")
    known = floors(run)
    assert known["least squares"] == run.baselines.validation_loss
    losses, shares = dict(run.series("validation_loss")), dict(run.series("validation_r2"))
    for at, loss in losses.items():
        assert loss / (1 - shares[at]) == pytest.approx(known["mean"], rel=1e-5)
    first = loss_charts(run, {"backprop": 0.02})[0]
    assert any(name == "backprop: 0.02000" for _, name in first.legend)
    stack = read_run(made / "runs/stack", "stack")
    titles = {chart.title for chart in state_charts(stack)}
    assert {"Trust", "Step size of the affine map", "Step size", "Units grown and replaced"} <= titles
    assert [count for _, count in stack.series("units")][-1] > 0
    assert together_charts({"a": run, "b": stack}, {})[0].title.startswith("Validation loss")


@pytest.mark.parametrize(
    ("losses", "r2", "told"),
    [((0.1, 0.0999, 0.0998), 0.9, True), ((0.1, 0.05, 0.04), 0.9, False), ((0.1, 0.1, 0.1), 0.0, False)],
)
def test_report__says_why_a_curve_is_flat(tmp_path, losses, r2, told):
    config = make_config(write_plain(tmp_path / "plain.h5"), tmp_path / "run")
    train(config)
    lines = [
        {"generation": 20 + number, "seconds": 1.0 + number, "samples": 64, "validation_loss": loss, "loss": loss}
        | {"best_validation_loss": loss, "validation_r2": r2, "best_validation_r2": r2}
        for number, loss in enumerate(losses)
    ]
    (tmp_path / "run" / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    text, _ = page_of([tmp_path / "run"], tmp_path / "page.html")
    sentence = "from the first report, after 20 generations, to the best one it fell by 0.2 %"
    assert (sentence in text) is told


def test_report__names_what_is_beside_a_search(tmp_path):
    (tmp_path / "log").write_text('{"generation": 1, "seconds": 1.0, "validation_loss": 0.5}\n')
    assert known_beside(["a=0.25", f"b={tmp_path / 'log'}"]) == {"a": 0.25, "b": [(1.0, 0.5)]}
    with pytest.raises(ConfigError, match="write backprop=0.0123"):
        known_beside(["backprop"])
    with pytest.raises(ConfigError, match="neither a number nor a file"):
        known_beside(["backprop=nowhere"])
    (tmp_path / "log").write_text("{}\n")
    with pytest.raises(FileFormatError, match="line 1 of"):
        known_beside([f"b={tmp_path / 'log'}"])
    (tmp_path / "log").write_text('{"generation": 1}\n')
    with pytest.raises(FileFormatError, match="no line with seconds"):
        known_beside([f"b={tmp_path / 'log'}"])


# ---------------------------------------------------------------- names that are no HTML


def test_report__takes_no_name_for_html(tmp_path):
    data = write_pictures(tmp_path / "data.h5")
    shutil.copy(data, tmp_path / f"{NASTY.replace('/', '_')}.h5")
    data = tmp_path / f"{NASTY.replace('/', '_')}.h5"
    run = tmp_path / "<img src=x onerror=alert(1)>"
    train(make_config(data, run))
    text, found = page_of([run], tmp_path / "a.html")
    assert "<script>document.title" in text
    assert not any(attrs.get("src") == "x" for _, attrs in found.tags)
    text, _ = page_of([run, run], tmp_path / "b.html")
    assert "<img src=x onerror=alert(1)>" in text


def test_report__shows_control_characters_as_escapes(tmp_path):
    data, run = write_plain(tmp_path / "pairs.h5"), tmp_path / "a\x1b[31m\u202eb"
    train(make_config(data, run))
    report([run], tmp_path / "a.html")
    content = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "\x1b" not in content
    assert "\u202e" not in content
    assert r"a\x1b[31m\u202eb" in content


# ---------------------------------------------------------------- what is missing or damaged


def test_report__of_an_interrupted_run(tmp_path):
    data = write_pictures(tmp_path / "data.h5")
    train(make_config(data, tmp_path / "run"), should_stop=stop_after(3))
    text, _ = page_of([tmp_path / "run"], tmp_path / "a.html")
    assert "it was interrupted, and can be resumed" in text
    assert "Held-out figures are made at the end of a run" in text
    for name in ("module.safetensors", "checkpoint.safetensors"):
        (tmp_path / "run" / name).unlink()
    text, _ = page_of([tmp_path / "run"], tmp_path / "b.html")
    assert "There is no module yet" in text
    (tmp_path / "run/log.jsonl").unlink()
    (tmp_path / "run/sessions.jsonl").unlink()
    text, _ = page_of([tmp_path / "run"], tmp_path / "c.html")
    assert "no generation yet" in text
    assert "There is no log of this search" in text
    assert "did not write down what was asked" in text


def test_report__of_a_run_whose_data_are_elsewhere(made, tmp_path):
    run, data = tmp_path / "run", tmp_path / "data.h5"
    shutil.copy(made / "data.h5", data)
    train(make_config(data, run))
    data.rename(tmp_path / "moved.h5")
    text, _ = page_of([run], tmp_path / "a.html")
    assert "data.h5 is no longer where it was; name it with --h5" in text
    text, _ = page_of([run], tmp_path / "a.html", h5=[tmp_path / "moved.h5"])
    assert "Worst: " in text
    other = write_pictures(tmp_path / "other.h5", seed=1)
    text, _ = page_of([run], tmp_path / "a.html", h5=[other])
    assert "is not what this run was trained on" in text
    other.write_bytes(b"hello")
    text, _ = page_of([run], tmp_path / "a.html", h5=[other])
    assert "The data cannot be read" in text
    # The report is for others: no path from the root is in it.
    assert str(tmp_path) not in (tmp_path / "a.html").read_text().replace(str(other), "")


def test_report__leaves_damaged_files_out_and_says_so(made, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(made / "runs/plain", run)
    lines = (run / "log.jsonl").read_text().splitlines()
    lines[1] = lines[1][: len(lines[1]) // 2]
    odd = json.loads(lines[2]) | {"trust": "high", "step": None, "accepted": [], "units": {}}
    (run / "log.jsonl").write_text("\n".join([*lines[:2], json.dumps(odd), *lines[3:]]) + '\n{"gener')
    (run / "baselines.safetensors").write_bytes(b"hello")
    text, _ = page_of([run], tmp_path / "a.html")
    assert f"1 of {len(lines)} lines of the log are damaged and left out" in text
    assert "The baselines cannot be read" in text
    (run / "module.safetensors").write_bytes(b"hello")
    (run / "sessions.jsonl").write_text("[1]\n")
    (run / "log.jsonl").unlink()
    (run / "log.jsonl").mkdir()
    text, _ = page_of([run], tmp_path / "b.html")
    for sentence in ("The module cannot be read", "What was asked for cannot be read", "The log cannot be read"):
        assert sentence in text


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "holds no run; name one that `ola train` made"),
        ("{", "is no JSON"),
        ('{"library_name": "olacore"}', "holds no settings of a run"),
        ('{"strategy": 3, "loss": "mse", "seed": 0}', "is damaged"),
    ],
)
def test_find_runs__refuses_folders_of_something_else(tmp_path, content, sentence):
    (tmp_path / "run").mkdir()
    if content is not None:
        (tmp_path / "run/config.json").write_text(content)
    with pytest.raises(FileFormatError, match=sentence):
        find_runs(tmp_path / "run")


def test_find_runs__refuses_what_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("hello")
    with pytest.raises(FileFormatError, match="it is a file"):
        find_runs(tmp_path / "file")
    with pytest.raises(FileFormatError, match="there is no such folder"):
        find_runs(tmp_path / "nothing")
    with pytest.raises(ConfigError, match="at least one run folder"):
        report([], tmp_path / "a.html")


# ---------------------------------------------------------------- the command, and a browser


def test_command__writes_a_file_and_replaces_it_only_when_told_to(made, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert re.search(r"report.html has [\d,]+ bytes", ola("report", made / "runs/plain").stdout)
    check_refusal("already there; give --force", "report", made / "runs/plain")
    ola("report", made / "runs/plain", "--force", "--beside", "backprop=0.1", "--pictures", "2")
    assert "backprop: 0.1000" in Path("report.html").read_text()
    check_refusal("there is no folder", "report", made / "runs/plain", "-o", "no/where.html")
    check_refusal("holds no run", "report", made, "-o", "b.html") if not (made / "runs").exists() else None
    check_refusal("there is no such folder", "report", "missing", "-o", "b.html")
    assert not Path("b.html").exists()


def test_command__says_how_the_run_is_made_again(made, tmp_path):
    run = read_run(made / "runs/encoder", "encoder")
    again = asked(make_config(made / "data.h5", made / "runs/encoder"))
    assert run.asked == json.loads(json.dumps(again))
    text, _ = page_of([made / "runs/encoder"], tmp_path / "a.html")
    line = re.search(r"ola train --module encoder --h5 data.h5 .*?--out encoder", text)
    assert line
    assert "--border 0" in line.group()
    assert "--population 4" in line.group()


def test_page__opens_without_a_request_wide_and_narrow(made, tmp_path):
    names = {"one": ["encoder"], "several": ["decoder-0", "decoder-1", "plain"]}
    for name, runs in names.items():
        report([made / "runs" / run for run in runs], tmp_path / f"{name}.html")
    with open_browser() as browser:
        page = browser.new_page()
        wrong: list[str] = []
        page.on("request", lambda one: wrong.append(one.url))
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        for name in names:
            page.goto((tmp_path / f"{name}.html").as_uri())
            for width in (1400, 390):
                page.set_viewport_size({"width": width, "height": 900})
                assert page.evaluate("document.documentElement.scrollWidth") <= width
                assert page.evaluate("[...document.images].every(one => one.complete && one.naturalWidth > 0)")
                boxes = page.evaluate(f"{VISIBLE}.map(one => one.clientHeight)")
                assert boxes
                assert min(boxes) > 100
                assert page.evaluate(OVERLAPS) == []
        assert [one for one in wrong if not one.startswith(("data:", "file:"))] == []
        assert {one for one in wrong if one.startswith("file:")} == {
            (tmp_path / f"{name}.html").as_uri() for name in names
        }


VISIBLE = "[...document.querySelectorAll('figure > svg')].filter(svg => svg.checkVisibility())"
# Charts whose labels of ticks touch.
OVERLAPS = f"""{VISIBLE}.flatMap(svg => {{
  const boxes = [...svg.querySelectorAll('text')].map(text => text.getBoundingClientRect());
  return boxes.flatMap((a, i) => boxes.slice(i + 1).filter(b =>
    a.left < b.right && b.left < a.right && a.top + 2 < b.bottom && b.top + 2 < a.bottom).map(b => svg.ariaLabel));
}})"""

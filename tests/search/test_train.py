"""Training from end to end: what a run leaves behind, when it stops, and one clear sentence for every bad input."""

from __future__ import annotations

import json
from dataclasses import replace

import h5py
import numpy as np
import pytest

from olacore.data import open_dataset, write_pairs
from olacore.errors import ConfigError, DataError, ShapeError
from olacore.kernels.layout import CHUNK
from olacore.modules.module import load
from olacore.quality.baselines import Baselines
from olacore.quality.evaluation import evaluate
from olacore.search.checkpoint import load_checkpoint
from olacore.search.observers import Started
from olacore.search.train import train
from tests.support.makers import JIT, SPACE, make_config, module_bytes, plain_pairs, story, write_pictures, write_plain
from tests.support.searches import by_line

needs_jit = pytest.mark.skipif(not JIT, reason="too many products without the JIT")
strategies = pytest.mark.parametrize("strategy", ["rows", "classic"])


# ---------------------------------------------------------------- what a run leaves behind


@strategies
def test_train__writes_what_it_returns(plain, tmp_path, strategy):
    lines = []
    result = train(make_config(plain, tmp_path / "run", strategy=strategy), (by_line(lines.append),))
    assert result.folder == tmp_path / "run"
    assert {path.name for path in result.folder.iterdir()} == {
        "config.json", "log.jsonl", "sessions.jsonl", "checkpoint.safetensors", "module.safetensors",
        "baselines.safetensors",
    }  # fmt: skip
    assert [json.loads(text) for text in (result.folder / "log.jsonl").read_text().splitlines()] == lines
    module = load(result.folder / "module.safetensors")
    np.testing.assert_array_equal(module.weights, result.module.weights)
    assert module.training == result.module.training
    with open_dataset(plain) as data:
        baselines = Baselines.load(result.folder / "baselines.safetensors")
        assert evaluate(module, data, baselines) == result.figures
        assert module.training["data"] == data.digest()
    for name, figures in module.training["held_out"].items():
        assert figures["loss"] == pytest.approx(result.figures[name]["loss"], rel=1e-5)
    config = json.loads((result.folder / "config.json").read_text())
    assert (config["strategy"], config["population"], config["seed"]) == (strategy, 4, 0)


@strategies
def test_train__reports_trust_between_0_and_1_and_the_best_loss_so_far(plain, tmp_path, strategy):
    train(make_config(plain, tmp_path / "run", strategy=strategy, generations=20))
    lines = story(tmp_path / "run")
    assert [line["generation"] for line in lines] == [1, *range(2, 21, 2)]
    for line in lines:
        low, middle, high = line["trust"]
        assert 0 <= low <= middle <= high <= 1
        assert 0 <= line["accepted"] <= 1
    # The best is chosen by the standardised loss, which weighs outputs of different scales alike.
    for n, line in enumerate(lines):
        assert line["best_validation_loss"] in [earlier["validation_loss"] for earlier in lines[: n + 1]]
    assert lines[-1]["best_validation_loss"] < lines[0]["validation_loss"]


@strategies
def test_train__plans_the_memory_that_the_search_holds(plain, tmp_path, strategy, caplog):
    events = []
    with caplog.at_level("INFO", "olacore.search.loop"):
        train(make_config(plain, tmp_path / "run", strategy=strategy), (events.append,))
    (started,) = (event for event in events if isinstance(event, Started))
    state = load_checkpoint(tmp_path / "run" / "checkpoint.safetensors")[0]
    held = [array for name, array in state.items() if name.startswith("state_")]
    assert started.memory["population"] == sum(array.nbytes for array in held)
    # 160 training samples of 5 inputs and 3 targets, in blocks of 80, packed in chunks.
    assert started.memory["block"] == 4 * (CHUNK * 5 + 80 * 3)
    assert started.memory["validation samples"] == 4 * (CHUNK * 5 + 20 * 3)
    assert all(name in caplog.text for name in started.memory)


def test_train__writes_nothing_of_time_or_place_into_the_module(plain, tmp_path):
    train(make_config(plain, tmp_path / "run"))
    content = module_bytes(tmp_path / "run")
    assert b"seconds" not in content
    assert str(tmp_path).encode() not in content
    assert plain.name.encode() not in content


def test_train__an_interrupted_run_has_a_module_and_no_figures(plain, tmp_path):
    result = train(make_config(plain, tmp_path / "run"), should_stop=lambda: True)
    assert (result.stopped, result.figures) == ("interrupted", {})
    assert load(result.folder / "module.safetensors").training["generations"] == 1


# ---------------------------------------------------------------- how well


def test_train__rows_come_within_5_percent_of_least_squares(tmp_path):
    path = write_plain(tmp_path / "p.h5", 600)
    figures = train(make_config(path, tmp_path / "run", generations=40, block=8192)).figures
    assert figures["module"]["loss"] < 1.05 * figures["least_squares"]["loss"]
    assert figures["module"]["loss"] < 0.5 * figures["mean"]["loss"]


def test_train__classic_lowers_its_loss(plain, tmp_path):
    config = make_config(plain, tmp_path / "run", strategy="classic", generations=100, population=20)
    figures = train(replace(config, options={"sigma": 0.05}, report_every=1)).figures
    losses = [line["best_validation_loss"] for line in story(tmp_path / "run")]
    assert losses[-1] < 0.9 * losses[0]
    assert figures["module"]["loss"] < 0.8 * figures["mean"]["loss"]


@needs_jit
@pytest.mark.parametrize(
    "changes",
    [
        {"module": "encoder", "border": 0},
        {"module": "encoder", "border": 4},
        {"module": "decoder", "window": 3},
        {"module": "encoder", "view": "global"},
        {"module": "decoder", "view": "global"},
    ],
    ids=lambda changes: "-".join(map(str, changes.values())),
)
def test_train__every_view_learns_from_pictures(tmp_path, changes):
    path = write_pictures(tmp_path / "p.h5", (8, 2, 2), (64, 64), recon=True)
    given = {"generations": 6, "options": {"shrinkage": 0.1}} | changes
    result = train(make_config(path, tmp_path / "run", **given))
    assert result.module.space == SPACE
    losses = [line["best_validation_loss"] for line in story(tmp_path / "run")]
    assert losses[-1] <= losses[0]
    assert ("psnr" in result.figures["module"]) == (changes["module"] == "decoder")
    if changes.get("view") != "global":
        assert result.figures["module"]["loss"] < result.figures["mean"]["loss"]


def test_train__on_several_files_sees_the_rows_of_all(tmp_path):
    paths = tuple(write_plain(tmp_path / f"{n}.h5", 50, seed=n) for n in (0, 1))
    result = train(replace(make_config(paths[0], tmp_path / "run", generations=2), h5=paths))
    assert result.module.training["rows"] == 80


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_train__plain_pairs_of_every_type_from_end_to_end(tmp_path, dtype):
    path = write_plain(tmp_path / "p.h5", 300, dtype)
    result = train(make_config(path, tmp_path / "run", generations=20))
    assert (result.module.view.inputs, result.module.view.outputs) == (5, 3)
    assert result.figures["module"]["r2"] > 0.6
    with open_dataset(path) as data:
        held_out = data.read(("inputs", "targets"), data.indices("held-out"))
    scaling = result.module.scaling
    x = (held_out["inputs"] - scaling.input_mean) / scaling.input_scale
    answer = np.tanh(x @ result.module.weights.T + result.module.biases)
    error = answer * scaling.target_scale + scaling.target_mean - held_out["targets"]
    loss = (error**2).mean()
    assert result.figures["module"]["loss"] == pytest.approx(loss, rel=1e-3)


def test_train__any_users_pairs_need_no_schema_and_no_split(tmp_path):
    x, y = plain_pairs(100)
    with h5py.File(tmp_path / "mine.h5", "w") as file:
        file["inputs"], file["targets"] = x, y
    assert train(make_config(tmp_path / "mine.h5", tmp_path / "run")).module.training["rows"] == 80


@pytest.mark.parametrize("rows", [3, 4])
def test_train__a_handful_of_rows_is_enough_to_run(tmp_path, rows):
    result = train(make_config(write_plain(tmp_path / "p.h5", rows), tmp_path / "run", generations=2))
    assert np.isfinite(result.module.weights).all()


def test_train__says_that_samples_are_few(tmp_path, caplog):
    train(make_config(write_plain(tmp_path / "few.h5", 11), tmp_path / "few", generations=1))
    assert "there are 9 training samples for 5 inputs: with so few" in caplog.text
    caplog.clear()
    train(make_config(write_plain(tmp_path / "many.h5", 100), tmp_path / "many", generations=1))
    assert "training samples for" not in caplog.text


def test_train__inputs_that_never_change_are_no_fault(tmp_path):
    x, y = plain_pairs(100)
    write_pairs(tmp_path / "p.h5", np.full_like(x, 3), y)
    figures = train(make_config(tmp_path / "p.h5", tmp_path / "run")).figures
    assert figures["module"]["loss"] == pytest.approx(figures["mean"]["loss"], rel=0.1)


# ---------------------------------------------------------------- when to stop


def test_stop__after_generations(plain, tmp_path):
    result = train(make_config(plain, tmp_path / "run", generations=7))
    assert (result.stopped, result.module.training["generations"]) == ("generations", 7)


@pytest.mark.parametrize(("passes", "generations"), [(0.3, 1), (1, 2), (2.5, 5)])
def test_stop__after_passes(plain, tmp_path, passes, generations):
    result = train(make_config(plain, tmp_path / "run", generations=None, passes=passes, block=80))
    assert (result.stopped, result.module.training["generations"]) == ("passes", generations)


def test_stop__after_time(plain, tmp_path):
    result = train(make_config(plain, tmp_path / "run", generations=None, seconds=1e-9))
    assert (result.stopped, result.module.training["generations"]) == ("time", 1)


def test_stop__at_a_loss(plain, tmp_path):
    result = train(make_config(plain, tmp_path / "run", generations=None, until_loss=0.1))
    assert result.stopped == "loss"
    assert result.module.training["validation_loss"] <= 0.1
    assert all(line["best_validation_loss"] > 0.1 for line in story(tmp_path / "run")[:-1])


def test_stop__when_frozen(tmp_path):
    x, y = plain_pairs(120)
    write_pairs(tmp_path / "noise.h5", x, np.random.default_rng(0).normal(size=y.shape))
    config = make_config(tmp_path / "noise.h5", tmp_path / "run", generations=None, seconds=1e6, patience=3)
    assert train(config).stopped == "frozen"
    losses = [line["validation_loss"] for line in story(tmp_path / "run")]
    assert min(losses[-3:]) >= min(losses[:-3]) * (1 - 1e-4)
    fixed = train(replace(config, out=tmp_path / "fixed", seconds=None, generations=2 * len(losses) + 10))
    assert fixed.stopped == "generations"


def test_stop__with_no_limit_at_all_after_a_minute_or_when_frozen(tmp_path):
    config = make_config(tmp_path, tmp_path, generations=None)
    assert (config.settled.seconds, config.freezes) == (60, True)
    assert replace(config, passes=1).settled.seconds is None
    assert not replace(config, passes=1).freezes
    assert not replace(config, patience=0).freezes


# ---------------------------------------------------------------- bad data and settings


@pytest.mark.parametrize(("field", "bad"), [("inputs", np.nan), ("targets", np.inf), ("inputs", -np.inf)])
def test_train__nan_and_inf_are_counted_located_and_refused(tmp_path, field, bad):
    x, y = plain_pairs(50)
    for row in (3, 44):
        {"inputs": x, "targets": y}[field][row, 1] = bad
    write_pairs(tmp_path / "p.h5", x, y)
    with pytest.raises(DataError, match=r"2 of 50 rows hold NaN or inf in inputs or targets \(first at 3, 44\)"):
        train(make_config(tmp_path / "p.h5", tmp_path / "run"))


def test_train__skip_nonfinite_is_training_without_those_rows(tmp_path):
    x, y = plain_pairs(60)
    split = np.repeat(np.arange(3, dtype=np.uint8), 20)
    keep = np.ones(60, bool)
    keep[[5, 25, 45]] = False
    write_pairs(tmp_path / "clean.h5", x[keep], y[keep], split[keep])
    x[5, 0], y[25, 1], x[45, 2] = np.nan, np.inf, 1e300  # beyond float32, one in each split
    write_pairs(tmp_path / "bad.h5", x, y, split)
    config = make_config(tmp_path / "clean.h5", tmp_path / "a", options={"shrinkage": 0.1})
    clean = train(config)
    skipped = train(replace(config, h5=(tmp_path / "bad.h5",), out=tmp_path / "b", skip_nonfinite=True))
    np.testing.assert_array_equal(skipped.module.weights, clean.module.weights)
    assert skipped.figures == clean.figures


@pytest.mark.parametrize("module", ["encoder", "decoder"])
def test_train__nan_in_latents_is_refused_or_skipped(tmp_path, module):
    path = write_pictures(tmp_path / "p.h5", (3, 1, 1), (8, 8))
    with h5py.File(path, "r+") as file:
        file["latents"][1, 3, 0, 0] = np.nan
    config = make_config(path, tmp_path / "run", module=module, generations=1, options={"shrinkage": 0.1})
    with pytest.raises(DataError, match=r"1 of 5 rows hold NaN or inf in latents \(first at 1\); give --skip"):
        train(config)
    assert train(replace(config, skip_nonfinite=True)).module.training["rows"] == 2


def test_train__says_which_split_has_no_rows(tmp_path):
    x, y = plain_pairs(20)
    for missing, sentence in ((0, "at least one row to stream"), (1, "hold no validation rows")):
        write_pairs(tmp_path / f"{missing}.h5", x, y, np.full(20, 1 - missing, np.uint8))
        with pytest.raises(DataError, match=sentence):
            train(make_config(tmp_path / f"{missing}.h5", tmp_path / f"run{missing}"))
    write_pairs(tmp_path / "two.h5", x, y, np.arange(20, dtype=np.uint8) % 2)
    assert train(make_config(tmp_path / "two.h5", tmp_path / "run")).figures == {}


@needs_jit
def test_train__a_thumbnail_needs_pictures_of_64(pictures, tmp_path):
    with pytest.raises(ShapeError, match="multiples of 64; got 24 x 16"):
        train(make_config(pictures, tmp_path / "run", module="decoder", view="global"))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"population": 0}, "population must be at least 1; got 0"),
        ({"block": 0}, "block must be at least 1; got 0"),
        ({"report_every": 0}, "report_every must be at least 1; got 0"),
        ({"patience": -1}, "patience must be at least 0; got -1"),
        ({"seed": -1}, "seed must be at least 0; got -1"),
        ({"seed": 99999999999999999999999}, "seed must be at most 4611686018427387903; got 99999999999999999999999"),
        ({"population": 10**30}, "population must be at most 2147483647; got 10{30}"),
        ({"passes": float("inf")}, "passes must be at most 2147483647; got inf"),
        ({"seconds": 1e300}, "seconds must be at most 2147483647; got 1e\\+300"),
        ({"generations": 10**30}, "generations must be at most 2147483647; got 10{30}"),
        ({"generations": 0}, "generations must be above 0; got 0"),
        ({"passes": -1.0}, "passes must be above 0; got -1.0"),
        ({"seconds": float("nan")}, "seconds must be above 0; got nan"),
        ({"until_loss": 0.0}, "until_loss must be above 0; got 0.0"),
        ({"resume": True, "force": True}, "resume and force exclude each other"),
        ({"h5": ()}, "needs at least one data set file"),
        ({"strategy": "luck"}, "there is no strategy 'luck'"),
        ({"loss": "l2"}, "the loss must be mse, mae, huber, .*my_losses.py:function, or a function"),
        ({"output_weights": (1, -2, 1)}, "the weight of an output must be above 0"),
        ({"weights": "int4"}, "weights must be float32, float16 or int8; got 'int4'"),
        (
            {"weights": "int8", "strategy": "classic"},
            "classic evolves float32 or float16 weights; got 'int8'",
        ),
        ({"options": {"luck": 1}}, "the strategy rows has no option 'luck'"),
        ({"options": {"audit": "all"}}, "option audit of the strategy rows must be int; got 'all'"),
    ],
)
def test_config__names_a_setting_that_cannot_be(tmp_path, changes, sentence):
    with pytest.raises(ConfigError, match=sentence):
        make_config(tmp_path, tmp_path, **changes)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"module": "mirror"}, "there is no kind of module 'mirror'; there are encoder, decoder, pair, plain"),
        ({"view": "sideways"}, "there is no view of the encoder 'sideways'; there are patch, global"),
        ({"module": None}, "the data hold frames and latents: say which module, with --module, of encoder, decoder"),
        ({"window": 3}, "the patch view of the encoder takes no window; leave it out"),
        ({"module": "decoder", "border": 3}, "the patch view of the decoder takes no border; leave it out"),
        ({"view": "global", "border": 3}, "the global view of the encoder takes no border; leave it out"),
        ({"border": 65}, "border must be 0 to 64 pixels; got 65"),
        ({"module": "decoder", "window": 4}, "window must be an odd number from 1 to 15; got 4"),
    ],
)
def test_train__names_a_view_that_cannot_be(pictures, tmp_path, changes, sentence):
    with pytest.raises(ConfigError, match=sentence):
        train(make_config(pictures, tmp_path / "run", **changes))


# ---------------------------------------------------------------- losses and int8


@needs_jit
@pytest.mark.parametrize("loss", ["mae", "huber", "cosine"])
def test_train__minimises_the_loss_that_it_is_given(plain, tmp_path, loss):
    result = train(make_config(plain, tmp_path / "run", loss=loss, generations=12))
    assert result.module.training["loss"] == loss
    lines = [json.loads(text) for text in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert lines[-1]["best_validation_loss"] < 0.8 * lines[0]["validation_loss"]


def test_train__int8_module_is_what_was_evolved(plain, tmp_path):
    result = train(make_config(plain, tmp_path / "run", weights="int8"))
    module = load(tmp_path / "run" / "module.safetensors")
    assert module.stored == "int8"
    np.testing.assert_array_equal(module.weights, result.module.weights)


def test_train__weighs_the_outputs_in_the_loss_that_it_reports(plain, tmp_path):
    given = {"generations": 1, "options": {"shrinkage": 0.1}}
    even, heavy = (
        train(make_config(plain, tmp_path / name, output_weights=shares, **given)).module
        for name, shares in (("even", ()), ("heavy", (1, 100, 1)))
    )
    assert even.training["validation_loss"] != heavy.training["validation_loss"]


def test_train__refuses_a_wrong_number_of_output_weights(plain, tmp_path):
    with pytest.raises(ConfigError, match="there are 3 outputs, and output weights for 2 of them"):
        train(make_config(plain, tmp_path / "run", output_weights=(1, 2)))


def test_train__reports_the_first_generations_one_by_one(plain, tmp_path):
    lines = []
    train(make_config(plain, tmp_path / "run", generations=21, report_every=10), (by_line(lines.append),))
    assert [line["generation"] for line in lines] == [1, 2, 4, 8, 10, 20]


# ---------------------------------------------------------------- units of the targets


def test_train__shows_losses_in_the_units_of_the_targets(tmp_path):
    """The same search on targets of another scale: the same weights, and losses by the square of the scale."""
    x, y = plain_pairs(200)
    for name, scale in (("one", 1), ("ten", 8)):
        write_pairs(tmp_path / f"{name}.h5", x, scale * y)
        train(make_config(tmp_path / f"{name}.h5", tmp_path / name))
    one, ten = (story(tmp_path / name) for name in ("one", "ten"))
    for small, large in zip(one, ten, strict=True):
        for loss in ("loss", "validation_loss", "best_validation_loss"):
            assert large[loss] == pytest.approx(64 * small[loss], rel=1e-3)
        assert large["validation_r2"] == pytest.approx(small["validation_r2"], abs=1e-4)
    module = load(tmp_path / "ten")
    assert module.training["validation_loss"] == pytest.approx(ten[-1]["best_validation_loss"], rel=1e-4)
    small, large = (Baselines.load(tmp_path / name / "baselines.safetensors") for name in ("one", "ten"))
    assert large.validation_loss == pytest.approx(64 * small.validation_loss, rel=1e-3)


@needs_jit
@pytest.mark.parametrize(
    "changes", [{}, {"stack": 2, "generations": 20}, {"loss": "mae"}], ids=["rows", "stack", "mae"]
)
def test_train__shows_the_loss_of_what_the_module_answers(tmp_path, changes):
    path = write_plain(tmp_path / "p.h5", 400)
    module = train(make_config(path, tmp_path / "run", **({"weights": "float32"} | changes))).module
    with open_dataset(path) as data:
        known = data.read(("inputs", "targets"), data.indices("validation"))
    errors = np.abs(module.predict(known["inputs"]) - known["targets"])
    loss = errors.mean() if module.training["loss"] == "mae" else np.square(errors).mean()
    assert module.training["validation_loss"] == pytest.approx(loss, rel=1e-4)
    spread = known["targets"] - known["targets"].mean(0)
    r2 = 1 - np.square(errors).sum() / np.square(spread).sum()
    assert module.training["validation_r2"] == pytest.approx(r2, rel=1e-4)


def test_train__until_loss_is_in_the_units_of_the_targets(tmp_path):
    x, y = plain_pairs(200)
    write_pairs(tmp_path / "p.h5", x, 100 * y)
    result = train(make_config(tmp_path / "p.h5", tmp_path / "run", generations=None, until_loss=1000))
    assert (result.stopped, result.module.training["validation_loss"] <= 1000) == ("loss", True)

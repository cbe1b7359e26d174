"""Least squares and the mean, against NumPy's own solver."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import save_file

from olacore.blocks import Block, every_row, rows_of
from olacore.data import open_dataset, write_pairs
from olacore.errors import DataError, FileFormatError
from olacore.quality.baselines import EDGE, RIDGES, Baselines, fit_baselines, fit_to_data, validation_samples
from olacore.views.patch import PatchEncoder
from olacore.views.plain import Plain
from olacore.views.scaling import Scaling
from tests.support.makers import make_module, plain_pairs, threads, write_pictures, write_plain


def block_of(x: np.ndarray, y: np.ndarray) -> Block:
    """Plain arrays as a block."""
    view = Plain(x.shape[1], y.shape[1])
    arrays = {"inputs": x.astype(np.float32), "targets": y.astype(np.float32)}
    return view.gather(every_row(arrays, 1), Scaling.identity(view.inputs, view.outputs))


def split(rows: int, at: int, **changes) -> tuple[Block, Block]:
    x, y = plain_pairs(rows, **changes)
    y *= 0.8  # inside tanh's range
    return block_of(x[:at], y[:at]), block_of(x[at:], y[at:])


def wide(x: np.ndarray) -> np.ndarray:
    return np.hstack([x, np.ones((len(x), 1))]).astype(np.float64)


def every_fit(train: Block, validation: Block) -> dict[tuple[str, float], float]:
    """Validation loss of each closed form, by `lstsq` on a system with the ridge as extra rows."""
    (x, y), (vx, vy) = rows_of(train), rows_of(validation)
    found = {}
    for link, aim in (("clip", y), ("tanh", np.arctanh(np.clip(y, -EDGE, EDGE)))):
        for ridge in RIDGES:
            strength = np.sqrt(ridge * (x.astype(np.float64) ** 2).sum() / x.shape[1])
            extra = strength * np.eye(x.shape[1], x.shape[1] + 1)
            a = np.vstack([wide(x), extra])
            b = np.vstack([aim, np.zeros((x.shape[1], y.shape[1]))])
            answer = wide(vx) @ np.linalg.lstsq(a, b, rcond=None)[0]
            answer = np.tanh(answer) if link == "tanh" else np.clip(answer, -1, 1)
            found[link, ridge] = float(((answer - vy) ** 2).mean())
    return found


@pytest.mark.parametrize(("rows", "inputs", "noise"), [(400, 5, 0.1), (60, 20, 0.4), (300, 1, 0.01)])
def test_fit_baselines__is_the_best_of_all_closed_forms_on_validation(rows, inputs, noise):
    train, validation = split(rows, rows // 2, inputs=inputs, noise=noise)
    best = fit_baselines([train], validation)
    losses = every_fit(train, validation)
    assert best.validation_loss == pytest.approx(min(losses.values()), rel=1e-4)
    assert losses[best.link, best.ridge] == pytest.approx(min(losses.values()), rel=1e-4)
    loss = ((best.predict(validation) - validation.targets) ** 2).mean()
    assert loss == pytest.approx(best.validation_loss, rel=1e-6)


def test_fit_baselines__plain_least_squares_is_lstsq():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (300, 4))
    y = np.clip(x @ rng.uniform(-0.2, 0.2, (4, 2)) + 0.1, -1, 1)  # a straight line: clip fits it exactly, tanh cannot
    train = block_of(x, y)
    best = fit_baselines([train], train)
    assert (best.link, best.ridge) == ("clip", 0)
    solution = np.linalg.lstsq(wide(x), y, rcond=None)[0]
    np.testing.assert_allclose(best.weights, solution[:-1].T, atol=1e-5)
    np.testing.assert_allclose(best.biases, solution[-1], atol=1e-5)


def test_fit_baselines__a_ridge_is_chosen_where_rows_are_few_and_noisy():
    train, validation = split(400, 24, inputs=20, noise=0.5)
    assert fit_baselines([train], validation).ridge > 0
    assert fit_baselines([train], train).ridge == 0  # by the training rows none would ever be


def test_fit_baselines__rows_may_come_in_any_blocks():
    whole, validation = split(500, 400)
    x, y = rows_of(whole)
    parts = [block_of(x[a:b], y[a:b]) for a, b in ((0, 1), (1, 150), (150, 400))]
    one, several = fit_baselines([whole], validation), fit_baselines(parts, validation)
    assert (one.rows, one.link, one.ridge) == (several.rows, several.link, several.ridge)
    np.testing.assert_allclose(several.weights, one.weights, atol=1e-5)


def test_fit_baselines__mean_is_that_of_the_training_targets():
    train, validation = split(300, 200)
    best = fit_baselines([train], validation)
    np.testing.assert_allclose(best.mean, train.targets.mean(1), atol=1e-6)
    assert best.rows == 200


def test_fit_baselines__inputs_that_never_change_leave_the_mean():
    y = plain_pairs(50)[1] * 0.8
    train = block_of(np.zeros((50, 3)), y)
    best = fit_baselines([train], train)
    np.testing.assert_allclose(best.predict(train)[:, 0], y.mean(0), atol=0.02)


def test_fit_baselines__same_bits_for_any_number_of_threads():
    train, validation = split(600, 400, inputs=40)
    with threads(1):
        one = fit_baselines([train], validation)
    with threads(2):
        two = fit_baselines([train], validation)
    np.testing.assert_array_equal(one.weights, two.weights)
    assert one.validation_loss == two.validation_loss


def test_predict__passes_through_its_link():
    train, _ = split(40, 20)
    x, _ = rows_of(train)
    weights, biases = 3 * np.ones((3, 5), np.float32), np.ones(3, np.float32)
    raw = (x @ weights.T + biases).T
    for link, expected in (("clip", np.clip(raw, -1, 1)), ("tanh", np.tanh(raw))):
        found = Baselines(weights, biases, biases, link, 0, 1, 0).predict(train)
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_load__gives_back_what_was_saved(tmp_path):
    train, validation = split(100, 50)
    best = fit_baselines([train], validation)
    best.save(tmp_path / "b")
    found = Baselines.load(tmp_path / "b")
    for name, value in vars(best).items():
        np.testing.assert_array_equal(getattr(found, name), value)
    found.save(tmp_path / "c")
    assert (tmp_path / "b").read_bytes() == (tmp_path / "c").read_bytes()


def test_load__refuses_a_file_that_is_damaged_or_foreign(tmp_path):
    path = tmp_path / "b"
    fit_baselines([split(100, 50)[0]], split(100, 50)[1]).save(path)
    data = path.read_bytes()
    for content in (b"", b"text" * 9, *(data[:size] for size in range(0, len(data), 31))):
        path.write_bytes(content)
        with pytest.raises(FileFormatError, match="b (holds no baselines|is no file of baselines|is damaged)"):
            Baselines.load(path)
    save_file({"weights": np.zeros(3)}, path)
    with pytest.raises(FileFormatError, match="b holds 'weights' as 'F64'; expected F32"):
        Baselines.load(path)
    save_file({"weights": np.zeros(3, np.float32)}, path)
    with pytest.raises(FileFormatError, match="b (holds no baselines|is no file of baselines|is damaged)"):
        Baselines.load(path)
    make_module(Plain(5, 3), None).save(path)
    with pytest.raises(FileFormatError, match="b (holds no baselines|is no file of baselines|is damaged)"):
        Baselines.load(path)
    with pytest.raises(FileFormatError, match="cannot read the file of baselines .*nowhere: No such file"):
        Baselines.load(tmp_path / "nowhere")


def test_fit_to_data__is_fit_baselines_on_the_training_rows(tmp_path):
    path = write_plain(tmp_path / "p.h5", 300)
    view = Plain(5, 3)
    with open_dataset(path) as data:
        items = {name: data.indices(name) for name in ("train", "validation")}
        rows = data.read(("inputs", "targets"), items["train"])
        scaling = Scaling.fit(rows["inputs"], rows["targets"], None)
        found = fit_to_data(data, view, scaling, items, seed=3)
        assert found.rows == len(items["train"])
        whole = view.gather(every_row(rows, 1), scaling)
        validation = view.gather(validation_samples(data, view, items["validation"], seed=3), scaling)
        assert validation.rows == len(items["validation"])
    np.testing.assert_allclose(found.weights, fit_baselines([whole], validation).weights, atol=1e-4)


def test_fit_to_data__needs_rows_of_both_splits(tmp_path):
    x, y = (a.astype(np.float32) for a in plain_pairs(6))
    view = Plain(5, 3)
    for value, sentence in ((0, "hold no validation rows"), (1, "at least one row to stream")):
        path = tmp_path / f"{value}.h5"
        write_pairs(path, x, y, np.full(6, value, np.uint8))
        with open_dataset(path) as data:
            items = {name: data.indices(name) for name in ("train", "validation")}
            with pytest.raises(DataError, match=sentence):
                fit_to_data(data, view, Scaling.identity(5, 3), items, 0)


def test_validation_samples__are_the_same_for_the_same_seed(tmp_path):
    view = PatchEncoder(4, border=0)
    with open_dataset(write_pictures(tmp_path / "p.h5")) as data:
        found = [validation_samples(data, view, data.indices("validation"), seed) for seed in (1, 1, 2)]
        targets = [view.gather_truth(raw) for raw in found]
    np.testing.assert_array_equal(targets[0], targets[1])
    assert not np.array_equal(targets[0], targets[2])

"""The Wiener filter of a denoiser of sites: what it is, what samples see of it, and what is refused."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from olacore.data import open_dataset
from olacore.errors import ConfigError, DataError, ShapeError
from olacore.media.wiener import NAMES, WienerFilter
from olacore.modules.plain import windows_of
from olacore.quality.evaluation import whole_items
from olacore.views import find_view, view_from_dict, wiener
from olacore.views.noisy import OF_FILTER, Window
from olacore.views.scaling import Scaling
from tests.support.caption_samples import LEVELS, SITES, replace_rows, write_captioned, write_denoised
from tests.support.kernel_cases import few
from tests.support.set_samples import beyond_float16, filtered

NUMBERS = 4 * SITES**2
VIEW = filtered(4, 8, 1.0, window=3, text_window=1, certain=True)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    splits = {"train": 40, "validation": 4, "held-out": 4}
    with open_dataset(write_captioned(tmp_path_factory.mktemp("filter") / "c.h5", splits)) as dataset:
        yield dataset


def made(data, **settings) -> Window:
    return find_view("denoiser", "window").of(data, {"seed": 0, "level": 0.5, **settings})


def latents(seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    return tuple(np.random.default_rng(seed).normal(0, 2, (2, count, 4, SITES, SITES)).astype(np.float16))


def three(*thresholds: float) -> dict[str, np.ndarray]:
    return {"thresholds": np.float16(thresholds), "gains": np.float16([[0.2], [0.5], [0.9]]) * np.ones(5, np.float16)}


@given(seed=st.integers(0, 99), components=st.integers(1, 8), level=st.floats(0.1, 10))
@few
def test_fit__is_the_best_linear_estimate(seed, components, level):
    draw = np.random.default_rng(seed)
    residuals = draw.standard_normal((40, 8)) @ draw.standard_normal((8, 8)) + draw.standard_normal(8)
    found = WienerFilter.fit(
        lambda: ((part, np.empty(0)) for part in (residuals[:7], residuals[7:])), components, level
    )
    covariance = np.cov(residuals.T, bias=True)
    best = covariance @ np.linalg.inv(covariance + level**2 * np.eye(8))
    gains = np.linalg.eigvalsh(best)[::-1][:components]
    assert found.thresholds.shape == (0,)
    np.testing.assert_allclose(found.gains, [gains], atol=1e-3)
    np.testing.assert_allclose(found.mean, residuals.mean(0), atol=5e-3)
    seen = found.directions.astype(np.float64)
    # Along its own axes it is the best estimate; directions of 8 numbers are rounded to 1 in 254.
    np.testing.assert_allclose(seen @ best @ seen.T, np.diag(gains), atol=0.03)
    if components == 8:
        np.testing.assert_allclose(seen.T @ np.diag(found.gains[0]) @ seen, best, atol=0.03)


@given(seed=st.integers(0, 99), level=st.floats(0.1, 10))
@few
def test_fit__has_gains_for_captions_that_are_like_others_and_for_those_that_are_not(seed, level):
    draw = np.random.default_rng(seed)
    nearest = draw.permutation(np.linspace(0.4, 1, 60))
    sure = nearest >= np.float16(np.median(nearest))
    axes, _ = np.linalg.qr(draw.standard_normal((6, 6)))
    residuals = draw.standard_normal((60, 6)) * np.arange(6, 0, -1) @ axes * np.where(sure, 0.2, 1.5)[:, None]
    found = WienerFilter.fit(lambda: [(residuals[:9], nearest[:9]), (residuals[9:], nearest[9:])], 6, level)
    np.testing.assert_array_equal(found.thresholds, [np.float16(np.median(nearest))])
    for number, some in enumerate((~sure, sure)):
        spreads = np.square((residuals - residuals.mean(0))[some] @ found.directions.T).mean(0)
        np.testing.assert_allclose(found.gains[number], spreads / (spreads + level**2), atol=0.02)
    certainty = np.stack([nearest, nearest - 1], 1).astype(np.float32)
    np.testing.assert_array_equal(found.gains_of(certainty, 60), found.gains[sure.astype(int)])
    np.testing.assert_array_equal(found.gains_of(None, 2), found.gains[[0, 0]])


def test_gains__of_a_threshold_are_those_from_it_on():
    found = replace(VIEW.filter, **three(-65504, 65504))
    certainty = np.float32([[-65504, 1], [65503, -1], [65504, 0]])
    np.testing.assert_array_equal(found.gains_of(certainty, 3), found.gains[[1, 1, 2]])


@pytest.mark.parametrize(("others", "classes"), [(0, 1), (1, 1), (24, 1), (25, 2), (49, 2), (51, 1), (100, 1)])
def test_fit__has_no_class_of_a_few_captions(others, classes):
    residuals, nearest = np.random.default_rng(0).standard_normal((100, 3)), np.full(100, 1.0)
    nearest[:others] = 0.5
    assert WienerFilter.fit(lambda: [(residuals, nearest)], 2, 1.0).gains.shape == (classes, 2)


def test_fit__the_axes_do_not_depend_on_the_sign_of_eigenvectors(monkeypatch):
    residuals = np.random.default_rng(0).standard_normal((40, 8))

    def fitted():
        return WienerFilter.fit(lambda: [(residuals, np.empty(0))], 5, 1.0)

    found, eigh = fitted(), np.linalg.eigh
    monkeypatch.setattr(np.linalg, "eigh", lambda matrix: (eigh(matrix)[0], -eigh(matrix)[1]))
    assert fitted() == found
    assert (found.axes.max(1) == 127).all()


def test_fit__of_what_has_no_axes_is_refused(monkeypatch):
    def fails(matrix):
        raise np.linalg.LinAlgError("Eigenvalues did not converge")

    monkeypatch.setattr(np.linalg, "eigh", fails)
    with pytest.raises(DataError, match=r"^a Wiener filter cannot be fitted \(Eig.* converge\); look for huge values"):
        WienerFilter.fit(lambda: [(np.ones((4, 2)), np.empty(0))], 1, 1.0)


@given(seed=st.integers(0, 99), count=st.integers(1, 9))
@few
def test_estimates__of_a_latent_are_the_same_whichever_others_there_are(seed, count):
    noisy, means = latents(seed, count)
    certainty = np.random.default_rng(seed).uniform(0.5, 1, (count, 2)).astype(np.float32)
    found = wiener.estimates_of(VIEW.filter, noisy, means, certainty, np.arange(count))
    np.testing.assert_allclose(found, VIEW.filter.clean(noisy, means, certainty), rtol=2e-3, atol=1e-3)
    alone = wiener.estimates_of(VIEW.filter, noisy, means, certainty, np.array([count - 1]))
    np.testing.assert_array_equal(alone[-1], found[-1])


def test_estimates__of_the_largest_numbers_stay_finite():
    latent = beyond_float16(VIEW.filter, (1, 4, SITES, SITES)).astype(np.float16)
    ours, twin = VIEW.filter, VIEW.filter.clean
    for found in (wiener.estimates_of(ours, *latent, None, np.arange(1)), twin(*latent, None)):
        assert np.abs(found).max() == 65504


def test_fit__reads_training_rows_part_by_part(data, monkeypatch):
    view = made(data, wiener=7)
    assert (view.wiener, view.height, view.width, view.filter.axes.shape) == (7, SITES, SITES, (7, NUMBERS))
    rows = data.read(["latents", "text_means", "certainty"], data.indices("train"))
    residuals = (rows["latents"].astype(np.float64) - rows["text_means"]).reshape(-1, NUMBERS)
    expected = WienerFilter.fit(lambda: [(residuals, rows["certainty"][:, 0])], 7, 0.5)
    assert expected.gains.shape == (2, 7)
    monkeypatch.setattr(wiener, "ROWS", 7)
    for found in (view.filter, made(data, wiener=7).filter):
        np.testing.assert_allclose(found.gains, expected.gains, atol=1e-3)
        np.testing.assert_allclose(found.directions, expected.directions, atol=0.02)
        np.testing.assert_allclose(found.mean, expected.mean, atol=1e-3)


@pytest.mark.parametrize("text_window", [1, 3])
def test_window__sees_the_estimate_behind_the_text_mean(data, text_window):
    view, items = made(data, wiener=5, text_window=text_window), np.arange(6)
    raw, sites = next(whole_items(view, data, items, view.fields_in(data)))
    seen = np.empty((1, view.inputs, 256), np.float32)
    view.cut_inputs(raw, Scaling.identity(view.inputs, 4), seen)
    seen = seen[0].T[: len(items) * sites]
    noisy, means = view.made(raw)["noisy"], raw.arrays["text_means"]
    estimates = view.filter.clean(noisy, means, raw.arrays["certainty"])
    parts = [windows_of(one, side) for one, side in ((noisy, 5), (means, text_window), (estimates, text_window))]
    np.testing.assert_allclose(seen[:, : sum(part.shape[1] for part in parts)], np.hstack(parts), atol=4e-3)
    np.testing.assert_array_equal(seen[:, -4:-2], np.repeat(raw.arrays["certainty"], sites, 0))
    without = made(data, text_window=text_window)
    assert view.inputs == without.inputs + 4 * text_window**2
    plain = np.empty((1, without.inputs, 256), np.float32)
    without.cut_inputs(raw, Scaling.identity(without.inputs, 4), plain)
    first = 4 * (25 + text_window**2)
    np.testing.assert_array_equal(plain[0].T[: len(seen), :first], seen[:, :first])


def test_stream__the_estimate_is_of_the_noise_of_the_pass(data):
    view, items = made(data, wiener=5), np.arange(6)
    with view.stream(data, items, 20, 0) as stream:
        blocks = [next(stream) for _ in range(2 * stream.blocks_per_pass)]
    whole, _ = next(whole_items(view, data, items, view.fields_in(data)))
    for block in blocks:
        expected = view.estimates(block.arrays, block.arrays["noisy"], np.arange(6))
        np.testing.assert_array_equal(block.arrays["estimates"], expected)
    np.testing.assert_array_equal(blocks[0].arrays["estimates"], view.made(whole)["estimates"])
    assert (blocks[-1].arrays["estimates"] != blocks[0].arrays["estimates"]).mean() > 0.8


def test_pass_bytes__are_those_of_what_is_made(data, tmp_path):
    path = write_denoised(tmp_path / "rows.h5", optional=("text_means", "noisy"))
    with open_dataset(path) as stored:
        for dataset, settings in itertools.product((data, stored), ({}, {"wiener": 5})):
            view = made(dataset, **settings)
            raw, _ = next(whole_items(view, dataset, view.items(dataset)[:3], view.fields_in(dataset)))
            new = [array.nbytes for name, array in view.made(raw).items() if name not in raw.arrays]
            assert 3 * view.pass_bytes(dataset) == sum(new)


def test_view__survives_a_dict_with_its_arrays():
    again = view_from_dict(VIEW.to_dict(), VIEW.tensors)
    assert again == VIEW
    assert hash(again) == hash(VIEW)
    other = replace(VIEW.filter, gains=VIEW.filter.gains / 2)
    assert replace(VIEW, filter=other) != VIEW
    assert VIEW.filter != VIEW.tensors
    assert not {*OF_FILTER} & {*Window(4, 8, 1.0).to_dict()}
    assert Window(4, 8, 1.0).tensors == {}


@pytest.mark.parametrize(
    ("changes", "tensors", "sentence"),
    [
        ({}, {}, "window view of the denoiser carries axes, gains, mean, thresholds; got none"),
        ({"wiener": 0}, None, "carries none; got axes, gains, mean, thresholds"),
        ({"wiener": 4}, None, "Wiener filter of 4 components .* got a text window of 1 and 5 axes of 36 numbers"),
        ({"height": 4}, None, "latents of 4 x 3 sites"),
        ({"wiener": 0, "width": 0}, {}, "without a Wiener filter is for latents of any size, .*; got 3 x 0"),
        ({"text_window": 0}, None, "no window of a text mean"),
        ({"wiener": -1}, None, "wiener must be a whole number"),
        ({}, {"axes": np.zeros((5, NUMBERS), np.int8)}, "axes that are not 0"),
        ({}, {"axes": np.ones((5, NUMBERS), np.uint8)}, "a Wiener filter needs axes .* got axes uint8"),
        ({}, {"axes": np.ones((5, NUMBERS - 1), np.int8)}, r"got axes int8 \(5, 35\)"),
        ({}, {"gains": np.full((2, 5), 1.5, np.float16)}, "must be 0 to 1"),
        ({}, {"gains": np.full((2, 5), np.nan, np.float16)}, "must be 0 to 1"),
        ({}, {"gains": np.ones((2, 4), np.float16)}, r"gains float16 \(2, 4\)"),
        ({}, {"gains": np.ones(5, np.float16)}, r"gains float16 \(5,\)"),
        ({}, {"thresholds": np.zeros(2, np.float16)}, r"thresholds float16 \(2,\)"),
        ({}, {"thresholds": np.full(1, np.nan, np.float16)}, "thresholds of a Wiener filter must be finite and rise"),
        ({}, three(65504, -65504), "thresholds of a Wiener filter must be finite and rise"),
        ({"certain": False}, None, "a view that is told of certainty"),
        ({}, {"mean": np.full(NUMBERS, np.inf, np.float16)}, "a finite mean"),
    ],
)
def test_view__refuses_arrays_that_do_not_fit(changes, tensors, sentence):
    given = tensors if tensors == {} else VIEW.tensors | (tensors or {})
    with pytest.raises((ValueError, DataError, ShapeError), match=sentence):
        view_from_dict(VIEW.to_dict() | changes, given)


def test_filter__of_a_view_without_one():
    assert WienerFilter.of_view(Window(4, 8, 1.0).to_dict(), {}) is None
    assert WienerFilter.of_view(VIEW.to_dict(), VIEW.tensors) == VIEW.filter
    assert {*VIEW.tensors} == {*NAMES}


def test_filter__that_cannot_be_is_refused(data, monkeypatch):
    for settings in ({"text_window": 0}, {"unconditional": True}):
        with pytest.raises(ConfigError, match="leave --wiener out where there is none"):
            made(data, wiener=4, **settings)
    with pytest.raises(ConfigError, match="of 37 components .* 36 numbers and 40 pictures; give --wiener 36 at most"):
        made(data, wiener=37)
    with pytest.raises(ShapeError, match="answers latents of 2 x 2 sites, and the data's have 3 x 3"):
        filtered(4, 8, 0.5, (2, 2)).check(data)
    monkeypatch.setattr(wiener, "MOST_NUMBERS", 35)
    with pytest.raises(ConfigError, match="latents of 35 numbers at most; the data's have 36"):
        made(data, wiener=4)


def test_fit__sees_training_rows_alone(tmp_path):
    ours, other = (write_captioned(tmp_path / f"{name}.h5") for name in "ab")
    replace_rows(other)
    found = []
    for path in (ours, other):
        with open_dataset(path) as dataset:
            found.append(made(dataset, wiener=6).filter)
    assert found[0] == found[1]


def test_fit__leaves_rows_out_that_hold_nan(data, monkeypatch):
    read, bad = data.read, data.indices("train")[0]

    def spoilt(fields, rows, **more):
        found = read(fields, rows, **more)
        if "latents" in found:
            found["latents"] = np.where((rows == bad)[:, None, None, None], np.float16(np.nan), found["latents"])
        return found

    monkeypatch.setattr(data, "read", spoilt)
    assert np.isfinite(made(data, wiener=4).filter.gains).all()


def test_fit__needs_a_row():
    with pytest.raises(DataError, match="there are none without NaN or inf"):
        WienerFilter.fit(lambda: [(np.empty((0, 3)), np.empty(0))], 1, 1.0)


def test_fit__reads_each_picture_once_of_those_that_count(tmp_path, monkeypatch, caplog):
    """Rows of all levels have the same latents."""
    read, residuals = [], wiener.residuals_of
    monkeypatch.setattr(wiener, "residuals_of", lambda data, rows: read.append(rows) or residuals(data, rows))
    splits, each = {"train": 30, "validation": 2}, len(LEVELS)
    with open_dataset(write_denoised(tmp_path / "rows.h5", splits, ("text_means", "certainty"))) as dataset:
        for count in (30, 21):
            with caplog.at_level("INFO"):
                wiener.fit_filter(dataset, np.arange(dataset.count if count == 30 else count * each), 6, 1.0)
            np.testing.assert_array_equal(read.pop(0), np.arange(0, count * each, each))
            read.clear()
        with pytest.raises(ConfigError, match="30 pictures; give --wiener 29 at most"):
            wiener.fit_filter(dataset, np.arange(dataset.count), 30, 1.0)
    assert "Wiener filter of 6 components of 36 numbers, of 30 training rows in 2 classes of certainty" in caplog.text

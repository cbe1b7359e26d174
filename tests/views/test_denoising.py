"""Views of text and of noisy latents: what is cut, which rows count, and which data are refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from olacore.blocks import RawBlock, every_row, noise_of, rows_of
from olacore.data import open_dataset
from olacore.errors import ConfigError, DataError, ShapeError
from olacore.quality.evaluation import usable_items, whole_items
from olacore.views import View, find_view, view_from_dict
from olacore.views.noise import noisy_latents
from olacore.views.noisy import Whole, Window
from olacore.views.prompt import Prompt
from olacore.views.scaling import Scaling
from olacore.views.words import Words
from tests.support.caption_samples import LEVELS, SITES, WIDTH, write_captioned, write_denoised
from tests.support.makers import write_pictures, write_plain


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("captions")
    return {
        "captioned": write_captioned(folder / "c.h5"),
        "bare": write_captioned(folder / "b.h5", optional=()),
        "answered": write_denoised(folder / "d.h5", optional=("answers", "plain_answers", "text_means")),
        "stored": write_denoised(folder / "s.h5", optional=("answers", "noisy")),
        "unanswered": write_denoised(folder / "u.h5", optional=("text_means",)),
        "pictures": write_pictures(folder / "p.h5", (2, 1, 1), (24, 24)),
        "plain": write_plain(folder / "q.h5"),
    }


@pytest.fixture
def data(files, request):
    with open_dataset(files[request.param]) as dataset:
        yield dataset


def on(name: str):
    return pytest.mark.parametrize("data", [name], indirect=True)


def made(view: str, dataset, kind: str = "denoiser", **settings) -> View:
    return find_view(kind, view).of(dataset, {"seed": 0, **settings})


def first(view: View, dataset, items: np.ndarray | None = None) -> tuple[RawBlock, dict[str, np.ndarray]]:
    """All samples of some items, and their latents as they are."""
    items = np.arange(5) if items is None else items
    raw, _ = next(whole_items(view, dataset, items, view.fields_in(dataset)))
    return raw, dataset.read(("latents",), items)


def cut(view: View, raw: RawBlock) -> tuple[np.ndarray, np.ndarray]:
    return rows_of(view.gather(raw, Scaling.identity(view.inputs, view.outputs)))


@pytest.mark.parametrize(
    "view",
    [
        Words(6, 64),
        Words(6, 64, tokens=5),
        Prompt(4, 8, 0.0, 3, 3, WIDTH),
        Whole(4, 8, 0.5, 3, 3, WIDTH),
        Whole(4, 8, 0.5, 3, 3, unconditional=True),
        Whole(4, 8, 0.5, 3, 3, WIDTH, truth=0.25),
        Window(4, 8, 2.0, window=7, text_window=1, certain=True),
        Window(4, 8, 2.0, text_window=0, unconditional=True),
    ],
)
def test_views__survive_a_dict(view):
    assert view_from_dict(view.to_dict()) == view


@on("captioned")
def test_words__captions_of_the_same_words_are_the_same_sample(data):
    view = made("words", data, "text", buckets=64)
    raw, _ = first(view, data)
    x, y = cut(view, raw)
    np.testing.assert_allclose(np.linalg.norm(x, axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(y, raw.arrays["embeddings"])
    same = replace(raw, arrays={**raw.arrays, "captions": np.array([b"A RED heart."] * 5)})
    np.testing.assert_array_equal(cut(view, same)[0], np.repeat(x[:1], 5, 0))


@on("captioned")
def test_text__maps_embeddings_to_the_latents(data):
    view = made("text", data)
    raw, known = first(view, data)
    x, y = cut(view, raw)
    np.testing.assert_array_equal(x, raw.arrays["embeddings"])
    np.testing.assert_array_equal(y.reshape(known["latents"].shape), known["latents"])


@on("captioned")
def test_whole__noise_is_drawn_anew_in_each_pass_at_the_level(data):
    view = made("whole", data, level=1.5)
    raw, known = first(view, data, np.arange(30))
    x, y = cut(view, raw)
    latents = known["latents"].reshape(30, -1).astype(np.float32)
    noise = (x[:, :-WIDTH] - latents) / 1.5
    assert abs(noise.mean()) < 0.1 > abs(noise.std() - 1)
    np.testing.assert_array_equal(y, latents)
    np.testing.assert_array_equal(x[:, -WIDTH:], raw.arrays["embeddings"])
    np.testing.assert_array_equal(cut(view, raw)[0], x)
    for changed in ({"pass_": 1}, {"seed": 1}):
        assert (cut(view, replace(raw, **changed))[0][:, :-WIDTH] != x[:, :-WIDTH]).mean() > 0.9


@on("answered")
def test_whole__a_teacher_s_answers_come_with_their_noise(data):
    view = made("whole", data, level=LEVELS[1])
    items = view.items(data)
    np.testing.assert_array_equal(items, np.arange(1, data.count, 2))
    raw, known = first(view, data, items[:5])
    seeds = data.read(("noise_seeds",), items[:5])["noise_seeds"]
    noise = noise_of(seeds, known["latents"].shape[1:])
    latents = known["latents"].astype(np.float32)
    x, y = cut(view, replace(raw, pass_=3))
    np.testing.assert_allclose(x[:, :-WIDTH].reshape(latents.shape), latents + LEVELS[1] * noise, atol=4e-3)
    np.testing.assert_allclose(y.reshape(latents.shape), latents + 0.1 * noise, atol=2e-3)
    alone = made("whole", data, level=LEVELS[1], unconditional=True)
    x_alone, y_alone = cut(alone, first(alone, data, items[:5])[0])
    np.testing.assert_array_equal(x_alone, x[:, :-WIDTH])
    np.testing.assert_allclose(y_alone.reshape(latents.shape), latents - 1, atol=2e-3)


@on("stored")
def test_whole__takes_the_noisy_latents_that_are_stored(data):
    view = made("whole", data, level=LEVELS[0])
    assert "noise_seeds" not in view.fields_in(data)
    raw, _ = first(view, data, view.items(data)[:5])
    stored = data.read(("noisy",), view.items(data)[:5])["noisy"].reshape(5, -1)
    np.testing.assert_array_equal(cut(view, raw)[0][:, :-WIDTH], stored)


@on("unanswered")
def test_whole__rows_that_nobody_answered_all_count(data):
    view = made("whole", data, level=0.25)
    assert len(view.items(data)) == data.count
    assert view.fields_in(data) == ("embeddings", "latents")


@given(
    view=st.sampled_from([Window, Whole, Prompt]),
    truth=st.floats(0, 1, width=32) | st.sampled_from([0.0, 0.5, 1.0]),
    seed=st.integers(0, 99),
    rows=st.sampled_from([1, 17]),
)
def test_targets__are_answers_and_latents_in_shares(view, truth, seed, rows):
    draw = np.random.default_rng(seed)
    whole = {} if view is Window else {"height": 3, "width": 2, "embedding": WIDTH}
    cut_by = view(4, 8, 1.0, truth=truth, **whole)
    arrays = {name: draw.normal(0, 2, (5, 4, 3, 2)).astype(np.float16) for name in ("answers", "latents")}
    item, site = draw.integers(0, 5, rows, np.int32), draw.integers(0, 6 if view is Window else 1, rows, np.int32)
    mean, scale = draw.normal(size=cut_by.outputs), draw.uniform(0.5, 2, cut_by.outputs)
    scaling = Scaling(*(part.astype(np.float32) for part in (*np.ones((2, cut_by.inputs)), mean, scale)))
    found = cut_by.gather_targets(RawBlock(arrays, np.arange(5), item, site, 0), scaling)
    mixed = (1 - truth) * arrays["answers"].astype(np.float64) + truth * arrays["latents"].astype(np.float64)
    flat = mixed.reshape(5, 4, 6)[item, :, site] if view is Window else mixed[item].reshape(rows, -1)
    # Both shares are standardised, weighed and added in float32, of numbers up to 30.
    np.testing.assert_allclose(found, ((flat - mean) / scale).T, rtol=1e-5, atol=2e-5)
    if truth in (0, 1):
        alone = RawBlock({"latents": arrays["latents" if truth else "answers"]}, np.arange(5), item, site, 0)
        np.testing.assert_array_equal(found, replace(cut_by, truth=0.0).gather_targets(alone, scaling))


@pytest.mark.parametrize("view", ["text", "whole", "window"])
@on("answered")
def test_truth__is_read_where_it_counts(data, view):
    fields = {}
    for truth in (None, 0.5, 1.0):
        made_with = made(view, data, level=LEVELS[0], **({} if truth is None else {"truth": truth}))
        fields[truth] = {*made_with.fields_in(data)}
        np.testing.assert_array_equal(made_with.items(data), made(view, data, level=LEVELS[0]).items(data))
        assert made_with.to_dict().get("truth") == truth
    assert fields[0.5] == fields[None] | {"latents"}
    assert fields[1.0] == fields[0.5] - {"answers"}
    with pytest.raises(ConfigError, match=r"truth must be a share from 0 to 1; got 1\.5"):
        made(view, data, level=LEVELS[0], truth=1.5)


@on("answered")
def test_truth__without_text_is_beside_the_answers_to_no_prompt(data):
    view = made("whole", data, level=LEVELS[1], unconditional=True, truth=0.25)
    raw, known = first(view, data, view.items(data)[:5])
    latents = known["latents"].astype(np.float32)  # these answers are the latents less 1
    np.testing.assert_allclose(cut(view, raw)[1].reshape(latents.shape), latents - 0.75, atol=2e-3)


@on("unanswered")
def test_truth__where_nobody_answered(data):
    for view, level in (("text", {}), ("whole", {"level": 0.5}), ("window", {"level": 0.5})):
        with pytest.raises(
            ConfigError, match="beside a teacher's answers, and the data hold none: .* leave --truth out"
        ):
            made(view, data, truth=0.5, **level)
    # One that learnt elsewhere is measured by the latents, as any other.
    view = replace(made("whole", data, level=0.5), truth=0.5)
    raw, known = first(view, data)
    np.testing.assert_array_equal(cut(view, raw)[1], known["latents"].reshape(5, -1))


@on("captioned")
def test_window__sees_noise_text_mean_certainty_and_place(data):
    view = made("window", data, level=0.5)
    raw, known = first(view, data, np.arange(3))
    x, y = cut(view, raw)
    padded = [
        np.pad(part.astype(np.float32), ((0, 0), (0, 0), (border, border), (border, border)), mode="edge")
        for part, border in ((noisy_latents(raw, 0.5), 2), (raw.arrays["text_means"], 1))
    ]
    for row, (item, site) in enumerate(zip(raw.item, raw.site, strict=True)):
        top, left = (int(n) for n in np.divmod(site, SITES))
        windows = [
            part[item, :, top : top + side, left : left + side].ravel()
            for part, side in zip(padded, (5, 3), strict=True)
        ]
        place = [(2 * top + 1) / SITES - 1, (2 * left + 1) / SITES - 1]
        expected = np.concatenate([*windows, raw.arrays["certainty"][item], place])
        np.testing.assert_allclose(x[row], expected, atol=1e-6)
        np.testing.assert_array_equal(y[row], known["latents"][item, :, top, left])


@on("captioned")
def test_window__answers_become_latents_of_any_size(data):
    view = made("window", data, level=0.5)
    arrays = {"noisy": np.zeros((2, 4, 2, 5), np.float16)}
    raw = every_row(arrays, view.site_count(arrays))
    out = view.empty(arrays)
    view.assemble(np.arange(80, dtype=np.float32).reshape(4, 20), raw, Scaling.identity(view.inputs, 4), out)
    np.testing.assert_array_equal(out, np.arange(80).reshape(4, 2, 2, 5).swapaxes(0, 1))


@on("captioned")
def test_stream__blocks_of_a_pass_have_the_noise_that_measuring_has(data):
    view, items = made("window", data, level=0.5), np.arange(6)
    with view.stream(data, items, 20, 0) as stream:
        blocks = [next(stream) for _ in range(2 * stream.blocks_per_pass)]
    half = len(blocks) // 2
    whole, _ = next(whole_items(view, data, items, view.fields_in(data)))
    expected = noisy_latents(whole, view.level)
    for block in blocks[:half]:
        np.testing.assert_array_equal(block.arrays["noisy"], expected)
    assert (blocks[half].arrays["noisy"] != expected).mean() > 0.9
    assert blocks[0].arrays["noisy"] is blocks[half - 1].arrays["noisy"]


@on("captioned")
def test_whole_items__noise_is_of_the_row_wherever_it_comes(data):
    view = made("window", data, level=0.5)
    batches = [raw for raw, _ in whole_items(view, data, np.arange(20), view.fields_in(data))]
    noisy = np.concatenate([noisy_latents(raw, 0.5) for raw in batches])
    alone, _ = next(whole_items(view, data, np.array([13]), view.fields_in(data)))
    np.testing.assert_array_equal(noisy_latents(alone, 0.5)[0], noisy[13])


def test_views__of_no_sense_are_refused():
    for view, name, value in (
        (Window(4, level=1.0), "level", -1.0),
        (Window(4, level=1.0), "certain", 2),
        (Window(4, level=1.0), "truth", 1.5),
        (Prompt(4, 8, 0.0, 3, 3, WIDTH), "truth", -0.5),
        (Whole(4, 8, 1.0, 3, 3, WIDTH), "embedding", 0),
        (Prompt(4, 8, 0.0, 3, 3, WIDTH), "height", 0),
        (Words(6), "width", 0),
        (Words(6), "tokens", 1 << 30),
    ):
        with pytest.raises(ValueError, match=name):
            view_from_dict(view.to_dict() | {name: value})


@on("answered")
def test_level__is_one_of_the_data(data):
    with pytest.raises(ConfigError, match=r"several noise levels; say which with --level, of 0\.5, 2\.0"):
        made("text", data)
    view = made("window", data, level=3)
    with pytest.raises(DataError, match=r"no row of the data has the level 3; they have 0\.5, 2\.0"):
        usable_items(data, view, False)
    items = usable_items(data, replace(view, level=0.5), False)
    assert [len(part) for part in items.values()] == [30, 6, 6]


@on("captioned")
def test_level__is_asked_for_where_noise_is_added_and_nowhere_else(data):
    for name in ("whole", "window"):
        with pytest.raises(ConfigError, match=f"the {name} view of the denoiser needs a noise level"):
            made(name, data)
    with pytest.raises(ConfigError, match="the text view of the denoiser adds no noise"):
        made("text", data, level=1)


@pytest.mark.parametrize(
    ("name", "settings", "sentence"),
    [
        ("whole", {"level": -1.0}, "level must be above 0, 1000 at most; got -1.0"),
        ("whole", {"level": float("nan")}, "level must be above 0"),
        ("window", {"level": 1, "window": 4}, "window must be an odd number from 1 to 15; got 4"),
        ("window", {"level": 1, "text_window": 2}, "text_window must be an odd number"),
        ("window", {"level": 1, "text_window": 3, "unconditional": True}, "no window of a text mean"),
    ],
)
@on("captioned")
def test_views__refuse_settings_out_of_range(data, name, settings, sentence):
    with pytest.raises(ConfigError, match=sentence):
        made(name, data, **settings)
    with pytest.raises(ConfigError, match="buckets must be 16 to 65536; got 4"):
        made("words", data, "text", buckets=4)


@on("bare")
def test_window__text_means_that_are_missing_are_named(data):
    with pytest.raises(ShapeError, match=r"needs text_means, .*--text-window 0"):
        made("window", data, level=1)
    assert made("window", data, level=1, text_window=0).inputs == 4 * 25 + 2
    with pytest.raises(ShapeError, match="needs text_means, which the data do not hold"):
        Window(4, level=1.0).check(data)


@on("pictures")
def test_views__captions_that_are_missing_are_named(data):
    for kind, name, settings in (("text", "words", {}), ("denoiser", "text", {}), ("denoiser", "whole", {"level": 1})):
        with pytest.raises(ShapeError, match=f"the {name} view .* needs captions with embeddings, .* frames, latents"):
            made(name, data, kind, **settings)


@on("plain")
def test_views__plain_pairs_are_refused(data):
    with pytest.raises(ShapeError, match="plain pairs"):
        made("text", data)


def test_denoisers__of_answers_alone_say_nothing_of_truth():
    # Modules that were made before keep their digests.
    assert [*Prompt(4, 8, 0.0, 3, 3, 7).to_dict()][2:] == [
        "channels",
        "factor",
        "level",
        "height",
        "width",
        "embedding",
    ]


def test_words__of_one_embedding_say_nothing_of_tokens():
    # Modules that were made before there were tokens keep their digests.
    assert [*Words(6).to_dict()] == ["kind", "name", "width", "buckets"]


@on("captioned")
def test_check__names_sizes_that_differ(data):
    with pytest.raises(ShapeError, match="embeddings of 7 numbers, and the data's have 6"):
        Words(7).check(data)
    with pytest.raises(ShapeError, match="embeddings of 7 numbers, and the data's have 6"):
        Prompt(4, 8, 0.0, 3, 3, 7).check(data)
    with pytest.raises(ShapeError, match="latents of 3 x 4 sites, and the data's have 3 x 3"):
        Whole(4, 8, 1.0, 3, 4, WIDTH).check(data)

"""Text means by folds: a row has no part in its own caption's mean; what is near; the file that is written."""

from pathlib import Path

import numpy as np
import pytest

from bench.studies.text_means import KnownTexts, fit_and_ask, make_file, text_means
from olacore.data import open_dataset
from olacore.data.texts import certainty
from olacore.errors import ConfigError, DataError
from teachers.jobs.text_means import read_text_means
from tests.support.captioned_samples import make
from tests.support.data_samples import write_latents


def texts_of(count: int = 12, held_out: int = 2) -> KnownTexts:
    random = np.random.default_rng(0)
    units = random.standard_normal((count, 3))
    counts = np.array([1.0 + number % 3 for number in range(count)])
    counts[count - held_out :] = 0
    groups = np.arange(count)
    groups[1] = 0
    latents = random.standard_normal((count, 5)) * (counts > 0)[:, None]
    captions = [f"caption {number}" for number in range(count)]
    return KnownTexts(captions, units.astype(np.float32), counts, groups, np.arange(count), latents)


def test_text_means__a_row_has_no_part_in_its_own_caption_s(tmp_path: Path) -> None:
    texts = texts_of()
    before = text_means(texts, 4, 2.0, 0.3, 0)
    texts.latents[1] += 5
    after = text_means(texts, 4, 2.0, 0.3, 0)
    # Caption 0 shares its picture.
    np.testing.assert_array_equal(after[:2], before[:2])
    assert np.all(np.abs(after[-2:] - before[-2:]).max(1) > 1e-3)
    assert np.sum(np.abs(after - before).max(1) > 1e-9) >= 6


def test_text_means__others_come_from_all_training_rows() -> None:
    texts = texts_of()
    found = text_means(texts, 4, 2.0, 0.3, 0)[-2:]
    np.testing.assert_array_equal(found, fit_and_ask(texts, np.arange(10), np.array([10, 11]), 2.0, 0.3))


def test_fit__rows_of_one_caption_count_as_often_as_they_are() -> None:
    texts = texts_of()
    each = np.repeat(np.arange(12), texts.counts.astype(int))
    numbers = np.arange(len(each))
    single = KnownTexts([], texts.embeddings[each], np.ones(len(each)), each, numbers, texts.latents[each])
    found = fit_and_ask(texts, np.arange(10), np.array([3]), 2.0, 0.3)
    place = np.flatnonzero(each == 3)[:1]
    np.testing.assert_allclose(found, fit_and_ask(single, np.arange(len(each)), place, 2.0, 0.3), rtol=1e-8)


def test_certainty__is_the_similarity_to_other_pictures_captions() -> None:
    texts = texts_of()
    found = certainty(texts)
    for number in (0, 5, 11):
        others = [one for one in range(10) if texts.groups[one] != texts.groups[number]]
        near = sorted((float(texts.units[number] @ texts.units[one]) for one in others), reverse=True)
        np.testing.assert_allclose(found[number], [near[0], np.mean(near[:8])], rtol=1e-6)


def test_file__has_every_caption(tmp_path: Path) -> None:
    path = make(tmp_path / "a.h5")
    make_file(path, tmp_path / "means.npz", 2, 2.0, 0.3, 0)
    captions, arrays = read_text_means(tmp_path / "means.npz", (2, 2, 2))
    assert captions == ["a red heart", "a fox", "an orange fox", "animal"]
    with open_dataset(path) as data:
        texts = KnownTexts.read(data)
        latents = data.read(["latents"], np.array([0, 1, 3, 4]))["latents"].astype(np.float64)
    assert texts.counts.tolist() == [2, 2, 2, 2]
    assert texts.groups.tolist() == [0, 1, 1, 1]
    # With two groups, the mean of one is what the other's rows say.
    np.testing.assert_allclose(texts.latents[0], latents[[0, 2]].mean(0).reshape(-1))
    np.testing.assert_allclose(arrays["text_means"][1:], latents[[0, 2]].mean(0)[None].repeat(3, 0), atol=2e-3)
    with pytest.raises(ConfigError, match="folds must be 2 to 2, .*; got 3"):
        make_file(path, tmp_path / "other.npz", 3, 2.0, 0.3, 0)
    with pytest.raises(DataError, match="holds latents"):
        make_file(write_latents(tmp_path / "l.h5"), tmp_path / "other.npz", 2, 2.0, 0.3, 0)

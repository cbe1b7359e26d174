"""Latents of an encoder beside those of a data set."""

import numpy as np
import pytest

from olacore.data import open_dataset
from olacore.errors import ConfigError, DataError, FingerprintError, ShapeError
from olacore.quality.compare.measure import BINS, WORST, compare_latents
from olacore.quality.latent_agreement import LatentAgreement
from olacore.views.patch import PatchDecoder, PatchEncoder
from olacore.views.whole import WholeEncoder
from tests.support.makers import OTHER_SPACE, make_module, write_pictures, write_plain

ENCODER = PatchEncoder(4, border=0)


@pytest.fixture
def dataset(tmp_path):
    with open_dataset([write_pictures(tmp_path / "d.h5", (3, 2, 12))]) as opened:
        yield opened


def test_compare__gives_the_figures_of_one_part_of_the_data(dataset):
    module = make_module(ENCODER)
    seen: list[tuple[int, int]] = []
    made = compare_latents(module, dataset, progress=lambda *done: seen.append(done))
    rows = dataset.read(("frames", "latents"), dataset.indices("held-out"))
    expected = LatentAgreement()
    expected.add(module.encode(rows["frames"]), rows["latents"])
    for name, value in expected.figures().items():
        assert made.figures[name] == pytest.approx(value, rel=1e-9)
    assert made.figures["frames"] == 12
    assert seen == [(8, 12), (12, 12)]
    assert compare_latents(module, dataset, "train").figures["frames"] == 3


def test_compare__counts_every_site_in_its_bin(dataset):
    module = make_module(ENCODER)
    made = compare_latents(module, dataset)
    assert made.counts.shape == (4, BINS, BINS)
    assert (made.counts.sum((1, 2)) == 12 * 16).all()
    rows = dataset.read(("frames", "latents"), dataset.indices("held-out"))
    middles = (made.edges[:, 1:] + made.edges[:, :-1]) / 2
    width = made.edges[:, 1] - made.edges[:, 0]
    mean = (made.counts.sum(2) * middles).sum(1) / (12 * 16)
    assert np.abs(mean - rows["latents"].astype(float).mean((0, 2, 3))).max() < width.max()
    ours = (made.counts.sum(1) * middles).sum(1) / (12 * 16)
    clipped = np.clip(module.encode(rows["frames"]), made.edges[:, 0, None, None], made.edges[:, -1, None, None])
    assert np.abs(ours - clipped.mean((0, 2, 3))).max() < width.max()


def test_compare__names_the_worst_frames_first(dataset):
    made = compare_latents(make_module(ENCODER), dataset)
    errors = [one["l2"] for one in made.figures["worst"]]
    assert errors == sorted(errors, reverse=True)
    assert len(errors) == WORST == len(made.worst)
    first = made.figures["worst"][0]
    assert first["row"] == made.worst[0]
    assert first["source"] == f"{first['row']}.png"


def test_compare__refuses_what_has_no_latents_to_compare(dataset, tmp_path):
    for view in (PatchDecoder(4), WholeEncoder(4)):
        with pytest.raises(ConfigError, match=rf"this is a {view.name} {view.kind}: measure it with `ola eval`"):
            compare_latents(make_module(view), dataset)
    with pytest.raises(FingerprintError, match="use data of the module's own space"):
        compare_latents(make_module(ENCODER, OTHER_SPACE), dataset)
    with open_dataset([write_plain(tmp_path / "p.h5")]) as pairs, pytest.raises(ShapeError, match="plain pairs"):
        compare_latents(make_module(ENCODER), pairs)
    with (
        open_dataset([write_pictures(tmp_path / "few.h5", (3, 2, 0))]) as few,
        pytest.raises(DataError, match="no held-out rows to compare"),
    ):
        compare_latents(make_module(ENCODER), few)

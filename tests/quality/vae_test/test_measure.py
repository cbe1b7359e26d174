"""What is measured on one picture, and its means."""

import numpy as np
import pytest

from olacore.data import open_dataset
from olacore.errors import ShapeError
from olacore.quality.pictures.figures import picture_figures
from olacore.quality.reference.simple import BlockMeans, block_means
from olacore.quality.vae_test.codecs import Lineup, line_up
from olacore.quality.vae_test.measure import VaeTest
from olacore.quality.vae_test.request import Entrants
from tests.support.makers import smooth_pictures, write_pictures
from tests.support.vae_samples import PlainPreview, PlainTeacher, decoder, encoder, paired_decoder


@pytest.fixture
def full():
    ours = encoder()
    teacher = PlainTeacher()
    given = Entrants(ours, paired_decoder(ours), None, decoder(), teacher, 10, PlainPreview())
    return teacher, line_up(given)


@pytest.mark.parametrize("size", [(24, 32), (13, 21), (1, 1), (200, 178)])
def test_measure__takes_pictures_of_any_size(full, size):
    teacher, lineup = full
    picture = smooth_pictures(1, *size)[0]
    made = VaeTest(lineup, 1).measure(picture)
    assert set(made.rows) == {row.name for row in lineup.rows}
    assert set(made.pictures) == {"teacher", lineup.main}
    assert all(shown.shape == picture.shape for shown in made.pictures.values())
    assert all(height % 8 == width % 8 == 0 for _, height, width, _ in teacher.shapes)
    assert np.array_equal(made.pictures["teacher"], np.maximum(picture, 9) - 9)


def test_measure__gives_the_figures_of_the_pictures_that_it_shows(full):
    _, lineup = full
    picture = smooth_pictures(1, 45, 52)[0]
    made = VaeTest(lineup, 1).measure(picture)
    for name, shown in made.pictures.items():
        expected = picture_figures(shown, picture)
        assert {key: made.rows[name][key] for key in expected} == expected
        assert made.rows[name]["encode_ms"] > 0
        assert made.rows[name]["decode_ms"] > 0


def test_measure__compares_a_preview_at_its_own_size_with_the_others_made_as_small(full):
    _, lineup = full
    picture = smooth_pictures(1, 48, 64)[0]
    made = VaeTest(lineup, 1).measure(picture)
    assert set(made.small) == {4}
    target = block_means(picture[None], 4)[0]
    assert made.small[4]["preview network"] == picture_figures(np.full(target.shape, 128, np.uint8), target)
    theirs = block_means(made.pictures["teacher"][None], 4)[0]
    assert made.small[4]["teacher"] == picture_figures(theirs, target)


def test_measure__compares_latents_with_the_teachers(full):
    _, lineup = full
    test = VaeTest(lineup, 1)
    pictures = [smooth_pictures(1, 24, 32, seed)[0] for seed in (1, 2)]
    made = [test.measure(picture) for picture in pictures]
    means = test.means()
    assert set(means["latents"]) == {"encoder"} == set(made[0].latents)
    assert len(means["latents"]["encoder"]["r2_each"]) == 4
    assert means["rows"]["teacher"]["psnr"] == pytest.approx(np.mean([one.rows["teacher"]["psnr"] for one in made]))


def test_measure__without_teacher_compares_no_latents(tmp_path):
    with open_dataset([write_pictures(tmp_path / "d.h5")]) as dataset:
        lineup = line_up(Entrants(encoder(), decoder(), data=dataset))
    test = VaeTest(lineup, 1)
    made = test.measure(smooth_pictures(1, 24, 24)[0])
    assert made.latents == test.means()["latents"] == {}
    assert set(made.small) == {8}
    assert "linear preview" in made.small[8]


def test_measure__doubts_latents_of_another_scale(full):
    _, lineup = full

    class Louder:
        def encode(self, pictures):
            return 40 * encoder().module.encode(pictures)

    lineup.encoders["encoder"] = Louder()
    made = VaeTest(lineup, 1).measure(smooth_pictures(1, 24, 24)[0])
    assert any("organic, paired: the latents lie far" in doubt for doubt in made.doubts)


def test_means__of_nothing_are_empty(full):
    assert VaeTest(full[1]).means() == {"rows": {}, "small": {}, "latents": {}}


def test_measure__refuses_a_decoder_that_makes_other_sizes():
    class Halves(BlockMeans):
        def decode(self, latents):
            return super().decode(latents)[:, ::2, ::2]

    lineup = Lineup(main="none")
    lineup.enter("blocks", BlockMeans(), 0)
    lineup.add("halves", "blocks", Halves(), 0)
    with pytest.raises(ShapeError, match=r"8 times as large as its latents, \(1, 16, 16, 3\); got \(1, 8, 8, 3\)"):
        VaeTest(lineup, 1).measure(np.zeros((16, 16, 3), np.uint8))

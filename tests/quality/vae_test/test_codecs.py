"""Which rows a comparison has."""

import pytest

from olacore.data import open_dataset
from olacore.quality.vae_test.codecs import COMPATIBLE, NO_DATA, PAIRED, line_up
from olacore.quality.vae_test.request import Entrants
from tests.support.makers import OTHER_SPACE, write_pictures
from tests.support.vae_samples import PlainPreview, PlainTeacher, decoder, encoder, paired_decoder

ALL = [
    "teacher",
    "organic, paired",
    "organic, compatible",
    "teacher's latents, compatible decoder",
    "compatible encoder, teacher's decoder",
    "least squares, paired",
    "least squares, compatible",
    "teacher's latents, least squares",
    "linear preview",
    "4 principal components",
    "preview network",
    "block mean",
]


def names(lineup) -> list[str]:
    return [row.name for row in lineup.rows]


def test_line_up__has_every_row_where_everything_is_given(tmp_path):
    ours = encoder()
    with open_dataset([write_pictures(tmp_path / "d.h5")]) as dataset:
        given = Entrants(
            ours, paired_decoder(ours), encoder("E2", seed=4), decoder(), PlainTeacher(), 1000, PlainPreview(), dataset
        )
        lineup = line_up(given)
    assert names(lineup) == ALL
    assert lineup.main == PAIRED
    assert lineup.notes == []
    assert lineup.imitators == ["encoder", "compatible encoder", "least squares"]
    places = {row.name: (row.encoder, lineup.sizes[row.encoder], row.nbytes) for row in lineup.rows}
    small = ours.module.nbytes()
    assert places["teacher"] == ("teacher", 1000, 1000)
    assert places["organic, paired"] == ("encoder", small, given.decoder.module.nbytes())
    assert places["organic, compatible"][0] == "compatible encoder"
    assert places["compatible encoder, teacher's decoder"] == ("compatible encoder", small, 1000)
    assert places["preview network"] == ("teacher", 1000, 123)
    assert places["block mean"] == ("block mean", 0, 0)


def test_line_up__without_teacher_and_data_says_what_is_left_out():
    lineup = line_up(Entrants(encoder(), decoder()))
    assert names(lineup) == ["organic, compatible", "block mean"]
    assert lineup.main == COMPATIBLE
    assert lineup.notes == [NO_DATA]


def test_line_up__without_teacher_previews_our_own_latents(tmp_path):
    with open_dataset([write_pictures(tmp_path / "d.h5")]) as dataset:
        lineup = line_up(Entrants(encoder(), decoder(), data=dataset, preview=PlainPreview()))
    rows = {row.name: row for row in lineup.rows}
    assert rows["linear preview"].encoder == rows["preview network"].encoder == "encoder"
    assert "teacher's latents, least squares" not in rows


def test_line_up__does_not_mix_a_teacher_of_another_space_with_ours():
    ours = encoder()
    lineup = line_up(Entrants(ours, paired_decoder(ours), teacher=PlainTeacher(OTHER_SPACE)))
    assert names(lineup) == ["teacher", "organic, paired", "block mean"]
    assert lineup.imitators == []
    assert any("not the teacher's someone/other" in note for note in lineup.notes)


@pytest.mark.parametrize("with_pair", [True, False])
def test_line_up__shows_as_ours_the_pair_or_the_compatible_codec(with_pair):
    ours = encoder()
    lineup = line_up(Entrants(ours, paired_decoder(ours) if with_pair else decoder()))
    assert lineup.main in names(lineup)
    assert lineup.main == (PAIRED if with_pair else COMPATIBLE)

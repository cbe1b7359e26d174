"""Which modules, teachers and data may be compared with each other."""

from dataclasses import replace

import pytest

from olacore.data import open_dataset
from olacore.errors import ConfigError, FingerprintError
from olacore.modules.identity import Own
from olacore.quality.vae_test.request import Entrants, Given
from olacore.spaces import LatentSpace
from olacore.views.patch import PatchDecoder, PatchEncoder
from olacore.views.whole import WholeEncoder
from tests.support.makers import OTHER_SPACE, SPACE, make_module, write_pictures, write_plain
from tests.support.vae_samples import ENCODER, PlainPreview, PlainTeacher, decoder, encoder, paired_decoder


def test_paired__is_a_decoder_of_the_encoders_own_latents():
    ours = encoder()
    assert Entrants(ours, paired_decoder(ours)).paired
    assert not Entrants(ours, decoder()).paired


def test_compatible__are_by_default_those_that_belong_to_the_teachers_space():
    ours, other = encoder(), encoder("E2", seed=5)
    theirs = decoder()
    assert Entrants(ours, theirs).compatible() == (ours, theirs)
    assert Entrants(ours, paired_decoder(ours)).compatible() == (ours, None)
    assert Entrants(ours, paired_decoder(ours), other, theirs).compatible() == (other, theirs)
    strange = Entrants(ours, paired_decoder(ours), teacher=PlainTeacher(OTHER_SPACE))
    assert strange.compatible() == (None, None)


def test_load__takes_a_file_and_names_the_module_after_it(tmp_path):
    path = tmp_path / "m.safetensors"
    make_module(ENCODER).save(path)
    given = Given.load(str(path))
    assert given.name == str(path)
    assert given.module.makes == make_module(ENCODER).makes


def test_paired__holds_for_what_was_evolved_as_a_pair_and_shares_no_latents_with_the_teacher():
    of_pair = replace(SPACE, maker_sha256="ef" * 32)
    module = make_module(ENCODER, of_pair)
    ours = Given("E", replace(module, own=Own(module.digest, of_pair)))
    entrants = Entrants(ours, decoder(space=of_pair), encoder("E2", seed=5), decoder(), PlainTeacher())
    assert entrants.paired
    assert entrants.compatible() == (entrants.compatible_encoder, entrants.compatible_decoder)


def test_latents__are_of_the_space_that_precompute_names(tmp_path):
    teachers = pytest.importorskip("teachers")
    path = tmp_path / "m.safetensors"
    make_module(ENCODER).save(path)
    assert Given.load(str(path)).latents[0].fingerprint == teachers.OrganicEncoder(path).space.fingerprint


@pytest.mark.parametrize(
    ("make", "error", "sentence"),
    [
        (lambda: Entrants(decoder(), decoder()), ConfigError, "module of kind encoder .* D is a patch decoder"),
        (lambda: Entrants(encoder(), encoder()), ConfigError, "module of kind decoder .* E is a patch encoder"),
        (
            lambda: Entrants(Given("G", make_module(WholeEncoder(4))), decoder()),
            ConfigError,
            "and the patch view; G is a global encoder",
        ),
        (
            lambda: Entrants(encoder(), decoder(space=OTHER_SPACE)),
            FingerprintError,
            "differ: the decoder D has someone/other, the encoder E has E or someone/tiny; give modules that belong "
            "together",
        ),
        (
            lambda: Entrants(encoder(), paired_decoder(encoder(seed=7))),
            FingerprintError,
            "the decoder P has .*, the encoder E has .* or ",
        ),
        (
            lambda: Entrants(encoder(), decoder(), decoder()),
            ConfigError,
            "module of kind encoder",
        ),
        (
            lambda: Entrants(encoder(), decoder(), encoder("E2", OTHER_SPACE), teacher=PlainTeacher()),
            FingerprintError,
            "compatible encoder E2 has someone/other, the teacher has someone/tiny",
        ),
        (
            lambda: Entrants(encoder(), decoder(), None, decoder("D2", OTHER_SPACE)),
            FingerprintError,
            "compatible decoder D2 has someone/other, the encoder has someone/tiny",
        ),
    ],
)
def test_entrants__are_refused_where_they_do_not_fit(make, error, sentence):
    with pytest.raises(error, match=sentence):
        make()


def test_entrants__refuse_data_of_another_space(tmp_path):
    with (
        open_dataset([write_pictures(tmp_path / "o.h5", space=OTHER_SPACE)]) as dataset,
        pytest.raises(FingerprintError, match="data has someone/other, the encoder has someone/tiny"),
    ):
        Entrants(encoder(), decoder(), data=dataset)
    with (
        open_dataset([write_plain(tmp_path / "p.h5")]) as dataset,
        pytest.raises(ConfigError, match="closed forms are fitted to latents, and the data hold plain pairs"),
    ):
        Entrants(encoder(), decoder(), data=dataset)


def test_entrants__refuse_a_preview_network_for_other_channels():
    space = LatentSpace("someone/large", "ef" * 32, 1.0, 0.0, 16)
    views = PatchEncoder(16, border=0), PatchDecoder(16)
    given = [Given(view.kind, make_module(view, space)) for view in views]
    with pytest.raises(ConfigError, match="takes latents of 4 channels; these have 16"):
        Entrants(*given, preview=PlainPreview())

"""Latents that an organic encoder makes while the data are read."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from olacore.data import open_dataset
from olacore.data.encoded import EncodedDataset
from olacore.errors import ConfigError, FileFormatError
from olacore.jit.flags import ONE_AT_A_TIME
from olacore.modules.module import load
from olacore.search.train import train
from olacore.strategies import Rows
from olacore.views.patch import PatchDecoder, PatchEncoder
from olacore.views.whole import WholeEncoder
from tests.support.makers import SPACE, make_config, make_module, write_pictures, write_plain


@pytest.fixture
def pictures(tmp_path):
    return write_pictures(tmp_path / "pictures.h5", (3, 1, 1), (16, 8))


@pytest.fixture
def encoder(tmp_path):
    make_module(PatchEncoder(6, border=0), SPACE.__class__("someone/six", "ab" * 32, 1.0, 0.0, 6)).save(
        tmp_path / "encoder.safetensors"
    )
    return tmp_path / "encoder.safetensors"


def test_encoded__reads_the_encoders_latents_and_leaves_the_rest_as_it_is(pictures, encoder):
    with open_dataset(pictures) as data:
        seen = EncodedDataset(data, load(encoder))
        found = seen.read(("latents", "rows"), np.array([4, 1]))
        frames = data.read(("frames", "rows"), np.array([4, 1]))
        assert seen.latent_shape == (6, 2, 1)
        assert seen.space == load(encoder).makes
        assert seen.digest() != data.digest()
        np.testing.assert_array_equal(seen.read(("frames",), np.array([4, 1]))["frames"], frames["frames"])
    assert [*found] == ["latents", "rows"]
    np.testing.assert_array_equal(found["latents"], load(encoder).encode(frames["frames"]).astype(np.float16))
    np.testing.assert_array_equal(found["rows"], frames["rows"])


def test_train__a_decoder_belongs_to_the_space_of_its_encoder(pictures, encoder, tmp_path, monkeypatch):
    advance = Rows.advance

    def try_lock():
        free.append(ONE_AT_A_TIME.acquire(blocking=False))
        if free[-1]:
            ONE_AT_A_TIME.release()

    def watched(self, *arguments):
        """While the search computes, the thread that reads ahead must not encode: workqueue would abort."""
        other = threading.Thread(target=try_lock)
        other.start()
        other.join()
        return advance(self, *arguments)

    free: list[bool] = []
    monkeypatch.setattr(Rows, "advance", watched)
    config = make_config(pictures, tmp_path / "run", module="decoder", window=1, latents_from=encoder, generations=3)
    module = train(config).module
    assert module.space == load(encoder).makes
    assert module.view.channels == 6
    assert module.space.maker == "organic someone/six"
    assert free
    assert not any(free)


@pytest.mark.parametrize(
    ("view", "sentence"),
    [
        (PatchDecoder(4), "latents come from an encoder of the patch view; this is <Module: patch decoder"),
        (WholeEncoder(4), "latents come from an encoder of the patch view; this is <Module: global encoder"),
    ],
)
def test_encoded__refuses_what_makes_no_latents(pictures, tmp_path, view, sentence):
    make_module(view).save(tmp_path / "other.safetensors")
    config = make_config(pictures, tmp_path / "run", module="decoder", latents_from=tmp_path / "other.safetensors")
    with pytest.raises(ConfigError, match=sentence):
        train(config)
    assert not (tmp_path / "run").exists()


def test_encoded__refuses_an_unknown_name_and_plain_pairs(pictures, encoder, tmp_path):
    with pytest.raises(FileFormatError, match="sd9-encoder is no file and no pretrained module"):
        train(make_config(pictures, tmp_path / "run", module="decoder", latents_from="sd9-encoder"))
    plain = write_plain(tmp_path / "plain.h5", 20)
    with pytest.raises(ConfigError, match="latents come from an encoder only where the data hold frames; these are pl"):
        train(make_config(plain, tmp_path / "run", module="decoder", latents_from=encoder))

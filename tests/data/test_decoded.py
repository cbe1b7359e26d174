"""Data seen with the pictures of a decoder."""

from __future__ import annotations

import numpy as np
import pytest

from olacore.data import open_dataset
from olacore.data.decoded import DecodedDataset
from olacore.data.sample import sample_path
from olacore.errors import ConfigError, FingerprintError, ShapeError
from olacore.modules.module import load
from olacore.quality.evaluation import check_pairing
from olacore.search.train import train
from olacore.views.patch import PatchDecoder, PatchEncoder
from olacore.views.refining import Refiner
from tests.support.makers import JIT, OTHER_SPACE, make_config, make_module, write_pictures, write_plain


def test_read__decodings_are_the_decoder_s(tmp_path):
    decoder = make_module(PatchDecoder(4))
    with open_dataset([write_pictures(tmp_path / "data.h5")]) as file:
        data = DecodedDataset(file, decoder, "m")
        rows = np.array([3, 0, 3])
        found = data.read(["recon", "frames"], rows)
        np.testing.assert_array_equal(found["recon"], decoder.run(file.read(["latents"], rows)["latents"]))
        np.testing.assert_array_equal(found["frames"], file.read(["frames"], rows)["frames"])
        assert data.settings["decoder_sha256"] == decoder.digest
        assert data.digest() not in (
            file.digest(),
            DecodedDataset(file, make_module(PatchDecoder(4, 8, 5)), "n").digest,
        )
        assert data.verify() == []


@pytest.mark.skipif(not JIT, reason="a search")
def test_train__evolves_a_refiner_behind_a_decoder(tmp_path):
    decoder = make_module(PatchDecoder(4))
    decoder.save(tmp_path / "decoder.safetensors")
    data = write_pictures(tmp_path / "data.h5")
    asked = {"module": "refiner", "stack": 4, "generations": 4, "pictures_from": tmp_path / "decoder.safetensors"}
    result = train(make_config(data, tmp_path / "run", **asked))
    assert result.module.training["pictures_sha256"] == decoder.digest
    assert result.module.kind == "refiner"
    with open_dataset([data]) as file:
        found = file.read(["frames", "latents"], file.indices("train"))
    drawn = decoder.run(found["latents"])
    refined = result.module.refine(drawn)
    errors = [np.square(picture.astype(float) - found["frames"]).mean() for picture in (drawn, refined)]
    assert errors[1] < 0.8 * errors[0]
    make_module(PatchDecoder(4, 8, 5)).save(tmp_path / "other.safetensors")
    asked |= {"pictures_from": tmp_path / "other.safetensors"}
    with pytest.raises(ConfigError, match="was started with other data"):
        train(make_config(data, tmp_path / "run", resume=True, **asked | {"generations": 8}))


@pytest.mark.skipif(not JIT, reason="a search")
def test_train__evolves_a_refiner_of_blocks_that_reads_latents(tmp_path):
    decoder = make_module(PatchDecoder(4))
    decoder.save(tmp_path / "decoder.safetensors")
    asked = {"module": "refiner", "generations": 2, "pictures_from": tmp_path / "decoder.safetensors"}
    asked |= {"patch": 8, "border": 0, "context": 1}
    result = train(make_config(write_pictures(tmp_path / "data.h5"), tmp_path / "run", **asked))
    assert result.module.view == Refiner(8, 0, 1, 4)
    with open_dataset([tmp_path / "data.h5"]) as file:
        found = file.read(["frames", "latents"], file.indices("held-out"))
    drawn = decoder.run(found["latents"])
    refined = result.module.refine(drawn, latents=found["latents"])
    joined = load(tmp_path / "run" / "decoder.safetensors")
    np.testing.assert_array_equal(joined.decode(found["latents"]), refined)
    errors = [np.square(picture.astype(float) - found["frames"]).mean() for picture in (drawn, refined)]
    assert errors[1] < 0.8 * errors[0]


@pytest.mark.skipif(not JIT, reason="a search")
def test_train__behind_a_teacher_names_no_decoder(tmp_path):
    """The sample has a `pictures_sha256` of its photographs, which is none of a decoder."""
    result = train(make_config(sample_path(), tmp_path / "run", module="refiner", generations=1))
    with open_dataset([sample_path()]) as file:
        assert "pictures_sha256" in file.settings
        assert "pictures_sha256" not in result.module.training
        check_pairing(result.module, file)


def test_train__refuses_what_decodes_nothing(tmp_path):
    path = tmp_path / "m.safetensors"
    pictures, plain = write_pictures(tmp_path / "pictures.h5"), write_plain(tmp_path / "plain.h5")
    asked = {"module": "refiner", "pictures_from": path}
    make_module(PatchEncoder(4)).save(path)
    with pytest.raises(ConfigError, match="pictures come from a decoder; .* is"):
        train(make_config(pictures, tmp_path / "run", **asked))
    make_module(PatchDecoder(4), OTHER_SPACE).save(path)
    with pytest.raises(FingerprintError, match="latent spaces differ: the decoder .*; take the decoder"):
        train(make_config(pictures, tmp_path / "run", **asked))
    with pytest.raises(ConfigError, match="where data hold frames and latents; this is plain pairs"):
        train(make_config(plain, tmp_path / "run", **asked))
    with pytest.raises(ShapeError, match="the data have no decodings; name the decoder"):
        train(make_config(pictures, tmp_path / "run", module="refiner"))

"""Data seen with the embeddings of a text module."""

from __future__ import annotations

import numpy as np
import pytest

from olacore.data import open_dataset
from olacore.data.embedded import EmbeddedDataset
from olacore.errors import ConfigError
from olacore.search.train import train
from tests.support.caption_samples import WIDTH, captions_of, write_captioned
from tests.support.makers import JIT, make_config, write_pictures
from tests.support.set_samples import modules


def test_read__embeddings_are_the_module_s(tmp_path):
    text = modules()["text"]
    with open_dataset([write_captioned(tmp_path / "data.h5")]) as file:
        data = EmbeddedDataset(file, text)
        rows = np.array([3, 0, 3])
        found = data.read(["embeddings", "latents"], rows)
        captions = captions_of(4)
        np.testing.assert_allclose(found["embeddings"], text.embed([captions[row] for row in rows]), atol=1e-6)
        np.testing.assert_array_equal(found["latents"], file.read(["latents"], rows)["latents"])
        assert data.settings["text_sha256"] == text.digest
        assert data.digest() not in (file.digest(), EmbeddedDataset(file, modules(text=text.view)["text"]).digest)
        assert data.verify() == []


@pytest.mark.skipif(not JIT, reason="a search")
def test_train__says_whose_embeddings_it_read(tmp_path):
    text = modules()["text"]
    text.save(tmp_path / "text.safetensors")
    data = write_captioned(tmp_path / "data.h5")
    asked = {"module": "denoiser", "view": "text", "generations": 2}
    result = train(make_config(data, tmp_path / "run", text_from=tmp_path / "text.safetensors", **asked))
    assert result.module.training["text_sha256"] == text.digest
    assert result.module.view.embedding == WIDTH
    with pytest.raises(ConfigError, match="was started with other data"):
        train(make_config(data, tmp_path / "run", resume=True, **asked | {"generations": 4}))


def test_train__refuses_what_embeds_nothing(tmp_path):
    modules()["decoder"].save(tmp_path / "decoder.safetensors")
    data = write_captioned(tmp_path / "data.h5")
    with pytest.raises(ConfigError, match="come from a text module; .* is a patch decoder"):
        train(make_config(data, tmp_path / "run", module="decoder", text_from=tmp_path / "decoder.safetensors"))
    modules()["text"].save(tmp_path / "text.safetensors")
    pictures = write_pictures(tmp_path / "pictures.h5")
    with pytest.raises(ConfigError, match="where data hold captions; this is latents"):
        train(make_config(pictures, tmp_path / "run", text_from=tmp_path / "text.safetensors"))

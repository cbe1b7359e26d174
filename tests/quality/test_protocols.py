"""Which codecs count as previews: `ola vae-test` asks while it runs."""

import numpy as np
import pytest

from olacore.quality.protocols import PreviewLike
from olacore.quality.reference.simple import BlockMeans, LinearPreview
from tests.support.vae_samples import PlainPreview, PlainTeacher, decoder


@pytest.mark.parametrize("codec", [PlainPreview(), LinearPreview(np.zeros((3, 4)), np.zeros(3))])
def test_preview_like__has_a_small_picture_of_its_own(codec):
    assert isinstance(codec, PreviewLike)
    latents = np.zeros((2, 4, 8, 12), np.float32)
    _, height, width, _ = codec.small(latents).shape
    assert codec.decode(latents).shape == (2, height * codec.factor, width * codec.factor, 3)


@pytest.mark.parametrize("codec", [BlockMeans(), PlainTeacher(), decoder().module])
def test_preview_like__is_no_module_teacher_or_block_mean(codec):
    assert not isinstance(codec, PreviewLike)

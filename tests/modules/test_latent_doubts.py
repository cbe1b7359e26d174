"""Which latents a decoder wonders about."""

import re

import numpy as np
import pytest

from olacore.modules.latent_doubts import doubt_latents
from olacore.modules.module import Module
from olacore.views import View
from olacore.views.patch import PatchDecoder, PatchEncoder
from olacore.views.scaling import Scaling
from olacore.views.whole import WholeDecoder
from tests.support.makers import make_module

MEAN, SPREAD = np.array([0.2, 0.1, 0.0, -0.3]), np.array([0.9, 0.9, 0.7, 0.7])


def decoder(view: View) -> Module:
    """A decoder that was trained on latents of that mean and spread."""
    module = make_module(view)
    repeat = view.inputs // view.channels
    inputs = [np.repeat(values, repeat).astype(np.float32) for values in (MEAN, SPREAD)]
    scaling = Scaling(*inputs, module.scaling.target_mean, module.scaling.target_scale)
    return Module(view, module.space, module.weights, module.biases, scaling)


def latents(scale: float = 1.0, shift: float = 0.0, sites: tuple[int, ...] = (16, 16)) -> np.ndarray:
    shape = (4, *(1 for _ in sites))
    drawn = np.random.default_rng(0).normal(size=(4, *sites)) * SPREAD.reshape(shape) + MEAN.reshape(shape)
    return (scale * drawn + shift).astype(np.float32)


def test_doubt_latents__has_none_about_those_of_its_kind():
    module = decoder(PatchDecoder(4))
    assert doubt_latents(latents(), module) is None
    assert doubt_latents(latents(0.6), module) is None
    assert doubt_latents(np.stack([latents(), latents(1.5)]), module) is None


@pytest.mark.parametrize(
    ("scale", "shift", "sentence"),
    [
        (5.5, 0, r"lie far, 5\.\d spreads off .*spread [45]\.\d.*expected mean 0\.20, 0\.10, 0\.00, -0\.30.*unscaled"),
        (1, 4, "lie far, .*another model"),
        (0.18, 0, r"lie oddly near, 0\.\d+ spreads off .*scaled twice"),
    ],
)
def test_doubt_latents__says_what_is_odd(scale, shift, sentence):
    found = doubt_latents(latents(scale, shift), decoder(PatchDecoder(4, window=5)))
    assert found
    assert re.search(sentence, found)


def test_doubt_latents__of_the_global_view_are_means():
    module = decoder(WholeDecoder(4))
    many = latents(sites=(200,)).T
    assert doubt_latents(many, module) is None
    assert "lie far" in str(doubt_latents(many * 6, module))


def test_doubt_latents__knows_nothing_of_other_modules():
    assert doubt_latents(latents(50), make_module(PatchEncoder(4))) is None


@pytest.mark.parametrize("name", ["taesd", "taesdxl", "taesd3"])
def test_doubt_latents__has_none_about_photographs_of_real_teachers(shared_data, name):
    teachers = pytest.importorskip("teachers")
    pytest.importorskip("diffusers")
    from olacore.media.pictures import crop, read_picture

    folder = shared_data / "models" / name
    if not folder.is_dir():
        pytest.skip(f"needs {folder}")
    teacher = teachers.load_any_teacher(folder, teachers.LoadOptions(self_test=False))
    photos = [crop(read_picture(path), 96) for path in sorted((shared_data / "photos").iterdir())[::40]]
    made = teacher.encode(np.array(photos))
    view = PatchDecoder(made.shape[1], window=1)
    module = make_module(view)
    inputs = [part.astype(np.float32) for part in (made.mean((0, 2, 3)), made.std((0, 2, 3)))]
    scaling = Scaling(*inputs, module.scaling.target_mean, module.scaling.target_scale)
    module = Module(view, None, module.weights, module.biases, scaling)
    assert [doubt_latents(one, module) for one in made] == [None] * len(made)
    if name != "taesd3":
        assert all("lie far" in str(doubt_latents(one / 0.18215, module)) for one in made)

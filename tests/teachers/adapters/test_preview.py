"""Previews: the clean latents of every scheduler, when they are shown, and what is put back."""

from typing import Any

import diffusers
import numpy as np
import pytest
import torch

from teachers.adapters.diffusers import OrganicVAE
from teachers.adapters.preview import clean_latents, olacore_preview
from tests.support.pipeline_samples import LINE
from tests.support.teacher_samples import build_kl

# Of diffusers' own, about NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array_:DeprecationWarning")
STEPS = 5
NOISE = {name: value for name, value in LINE.items() if name.startswith("beta")}
# Levels that the last picture may differ from the final one: where a schedule ends at clean latents, only by rounding.
# TCD ends at the noise of the first step of training; PNDM and DEIS mix in what the network answered before.
SCHEDULERS: list[tuple[str, dict[str, Any], float]] = [
    ("DDIMScheduler", {"clip_sample": False, "set_alpha_to_one": True}, 1),
    ("DDPMScheduler", {"clip_sample": False}, 1),
    ("EulerDiscreteScheduler", {}, 1),
    ("EulerAncestralDiscreteScheduler", {}, 1),
    ("HeunDiscreteScheduler", {}, 1),
    ("LCMScheduler", {}, 1),
    ("TCDScheduler", {}, 3),
    ("DPMSolverMultistepScheduler", {}, 1),
    ("DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++"}, 1),
    ("DPMSolverSinglestepScheduler", {}, 1),
    ("UniPCMultistepScheduler", {}, 1),
    ("PNDMScheduler", {"skip_prk_steps": True, "set_alpha_to_one": True}, 2),
    ("DEISMultistepScheduler", {}, 3),
]


def show(pipe: Any, every: int = 1, steps: int = STEPS, **given: Any) -> tuple[list[tuple[int, int]], Any, Any]:
    """Which steps were shown of how many, the last picture shown, and the final one, in levels."""
    seen: list[tuple[int, int, np.ndarray]] = []
    asked = {"prompt": "a cat", "height": 64, "width": 64, "generator": torch.Generator().manual_seed(0)}
    with olacore_preview(pipe, lambda *told: seen.append(told), every):
        found = pipe(**(asked | given), num_inference_steps=steps, output_type="np").images
    return [one[:2] for one in seen], seen[-1][2], np.rint(found[0] * 255)


@pytest.mark.parametrize(("name", "settings", "most"), SCHEDULERS)
def test_preview__ends_at_the_final_picture(name: str, settings: dict[str, Any], most: float, pipeline_of: Any) -> None:
    pipe = pipeline_of("sd15")
    pipe.scheduler = getattr(diffusers, name)(**NOISE, **settings)
    steps, last, final = show(pipe)
    total = len(pipe.scheduler.timesteps)
    assert steps == [(step, total) for step in range(1, total + 1)]
    assert last.shape == (64, 64, 3)
    assert np.abs(last - final).max() <= most


@pytest.mark.parametrize("name", ["FlowMatchEulerDiscreteScheduler", "FlowMatchHeunDiscreteScheduler"])
def test_preview__knows_flow_matching(name: str, pipeline_of: Any) -> None:
    pipe = pipeline_of("sd3")
    pipe.scheduler = getattr(diffusers, name)(shift=3.0)
    steps, last, final = show(pipe)
    assert len(steps) == len(pipe.scheduler.timesteps)
    assert np.abs(last - final).max() <= 1


def test_preview__every_so_many_steps_and_the_last(pipeline_of: Any) -> None:
    pipe = pipeline_of("sd15")
    pipe.scheduler = diffusers.DDIMScheduler(**LINE)
    assert show(pipe, every=2)[0] == [(2, 5), (4, 5), (5, 5)]
    halved = diffusers.AutoPipelineForImage2Image.from_pipe(pipe)
    halved.set_progress_bar_config(disable=True)
    given = {"image": torch.rand(1, 3, 64, 64), "strength": 0.5, "height": None, "width": None}
    assert show(halved, steps=6, **given)[0] == [(1, 3), (2, 3), (3, 3)]


def test_preview__starts_anew_after_a_run_that_ended_early(pipeline_of: Any) -> None:
    pipe = pipeline_of("sd15")
    pipe.scheduler = diffusers.DDIMScheduler(**LINE)
    seen: list[int] = []

    def stop(step: int, total: int, picture: np.ndarray) -> None:
        seen.append(step)
        if len(seen) == 2:
            raise KeyboardInterrupt

    asked = {"prompt": "a cat", "height": 64, "width": 64, "num_inference_steps": 3}
    with olacore_preview(pipe, stop):
        with pytest.raises(KeyboardInterrupt):
            pipe(**asked)
        pipe(**asked)
    assert seen == [1, 2, 1, 2, 3]


def test_preview__changes_no_picture_and_puts_everything_back(pipeline_of: Any) -> None:
    pipe = pipeline_of("sd15")
    pipe.scheduler = diffusers.DPMSolverMultistepScheduler(**NOISE)
    before = vars(pipe.scheduler).keys()
    asked = {"prompt": "a cat", "height": 64, "width": 64, "num_inference_steps": 3, "output_type": "latent"}
    plain = pipe(**asked, generator=torch.Generator().manual_seed(0)).images
    outer: list[int] = []
    with olacore_preview(pipe, lambda step, *_: outer.append(step)):
        with pytest.raises(RuntimeError, match="enough"), olacore_preview(pipe, lambda *_: 1):
            raise RuntimeError("enough")
        shown = pipe(**asked, generator=torch.Generator().manual_seed(0)).images
    torch.testing.assert_close(shown, plain, rtol=0, atol=0)
    assert outer == [1, 2, 3]
    assert not {"step", "set_timesteps"} & before
    assert not {"step", "set_timesteps"} & vars(pipe.scheduler).keys()


def test_preview__leaves_the_pipelines_own_vae_alone(pipeline_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a pipeline that offloads would move its denoiser away at every step, to make room."""
    pipe = pipeline_of("sd15")
    pipe.scheduler = diffusers.DDIMScheduler(**LINE)
    monkeypatch.setattr(pipe.vae, "decode", lambda *_, **__: pytest.fail("the pipeline's VAE was asked"))
    seen: list[tuple[int, ...]] = []
    with olacore_preview(pipe, lambda step, total, picture: seen.append(picture.shape)):
        hook = pipe.vae.decoder.register_forward_pre_hook(lambda *_: pytest.fail("its decoder was asked"))
        pipe("a cat", height=64, width=64, num_inference_steps=2, output_type="latent")
        hook.remove()
    assert seen == [(64, 64, 3)] * 2


@pytest.mark.parametrize(("scaling", "decoder"), [(0.18215, "sd15-decoder"), (0.13025, "sdxl-decoder")])
def test_preview__finds_the_decoder_of_a_large_vae(scaling: float, decoder: str, pipeline_of: Any) -> None:
    pipe = pipeline_of("sdxl")
    own, pipe.vae = pipe.vae, build_kl(scaling_factor=scaling)
    seen: list[np.ndarray] = []
    latents = torch.randn(1, 4, 4, 4)
    pipe.scheduler.set_timesteps(1)
    with olacore_preview(pipe, lambda *told: seen.append(told[2])):
        # Called by hand, and so asked for an object and not for a tuple.
        clean = pipe.scheduler.step(latents, pipe.scheduler.timesteps[0], latents).pred_original_sample
    pipe.vae = own
    with torch.no_grad():
        expected = OrganicVAE.from_pretrained(decoder).decode(clean).sample[0]
    np.testing.assert_allclose(seen[0], ((expected + 1) * 127.5).permute(1, 2, 0), atol=0.51)


def test_preview__says_what_it_cannot(pipeline_of: Any) -> None:
    pipe = pipeline_of("sdxl")
    own = pipe.vae
    with (
        pytest.raises(ValueError, match="every is a number of steps, 1 or more; got 0"),
        olacore_preview(pipe, print, 0),
    ):
        pass
    pipe.vae = OrganicVAE.from_pretrained("sdxl-encoder")
    with pytest.raises(ValueError, match="has no decoder; give another one as vae"), olacore_preview(pipe, print):
        pass
    pipe.vae = OrganicVAE.from_pretrained("sdxl").to("meta")
    with pytest.raises(ValueError, match="are offloaded; give another one as vae"), olacore_preview(pipe, print):
        pass
    pipe.vae = diffusers.AutoencoderTiny()
    unknown = "no decoder is known for the latents of AutoencoderTiny; give one, such as"
    with pytest.raises(ValueError, match=unknown), olacore_preview(pipe, print):
        pass
    with olacore_preview(pipe, print, vae=own):
        pass
    pipe.vae = own


def test_clean_latents__of_a_stranger_are_not_guessed() -> None:
    class Odd:
        config = diffusers.DDIMScheduler().config

    with pytest.raises(ValueError, match="the clean latents of a step are not known for Odd"):
        clean_latents(Odd(), (torch.zeros(1),), torch.zeros(1), 0, torch.zeros(1))

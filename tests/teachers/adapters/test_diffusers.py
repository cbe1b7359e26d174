"""The organic VAE of diffusers: the numbers of its modules, and pipelines of three families that run with it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import (
    AutoPipelineForImage2Image,
    AutoPipelineForInpainting,
    DiffusionPipeline,
)
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion_img2img import retrieve_latents
from PIL import Image

import olacore
from olacore.exports.base import Part
from olacore.exports.torch_form import torch_form
from olacore.views.patch import PatchDecoder, PatchEncoder
from olacore.views.refining import Refiner
from teachers.adapters.diffusers import OrganicVAE
from tests.support.makers import REFINED_SIZES, REFINERS, make_module, refined_by, smooth_pictures

# Small latents look odd to the check of their statistics.
pytestmark = pytest.mark.filterwarnings("ignore:the latents lie")
FAMILIES = ("sd15", "sdxl", "sd3")
RANDOM = np.random.default_rng(0)


def latents(channels: int, height: int, width: int, count: int = 1) -> np.ndarray:
    """Numbers that float16 has, since modules round latents to it."""
    return RANDOM.normal(size=(count, channels, height, width)).astype(np.float16).astype(np.float32)


def levels(pictures: torch.Tensor) -> np.ndarray:
    """Pictures (B, 3, H, W) in [-1, 1] as (B, H, W, 3) in levels."""
    return ((pictures.detach().float() + 1) * 127.5).round().permute(0, 2, 3, 1).numpy()


def made(*modules: olacore.Module) -> OrganicVAE:
    """A VAE of modules that are not shipped."""
    config, tensors = torch_form([Part.of("m", module) for module in modules])
    vae = OrganicVAE.from_config(config)
    vae.load_state_dict({key: torch.from_numpy(tensor) for key, tensor in tensors.items()})
    return vae.eval()


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (64, 64), (16, 12)])
@pytest.mark.parametrize("family", FAMILIES)
def test_decode__gives_the_pixels_of_the_module(family: str, size: tuple[int, int]) -> None:
    vae, module = OrganicVAE.from_pretrained(family), olacore.load(f"{family}-decoder")
    given = latents(vae.config.latent_channels, *size)
    found = levels(vae.decode(torch.from_numpy(given)).sample)
    assert np.abs(found - module.decode(given)).max() <= 1


@pytest.mark.parametrize("size", [(8, 8), (21, 40), (128, 96)])
@pytest.mark.parametrize("family", FAMILIES)
def test_encode__gives_the_latents_of_the_module(family: str, size: tuple[int, int]) -> None:
    vae, module = OrganicVAE.from_pretrained(family), olacore.load(f"{family}-encoder")
    picture = smooth_pictures(1, *size)
    found = vae.encode(torch.from_numpy(picture).permute(0, 3, 1, 2) / 127.5 - 1).latents
    np.testing.assert_allclose(found.detach(), module.encode(picture), atol=1e-4)


@pytest.mark.parametrize("hidden", [(), (3, 5)])
@pytest.mark.parametrize(("border", "factor"), [(0, 8), (20, 8), (1, 4)])
def test_modules__of_other_shapes_give_the_same(hidden: tuple[int, ...], border: int, factor: int) -> None:
    encoder = make_module(PatchEncoder(4, factor, border), None, hidden=hidden)
    decoder = make_module(PatchDecoder(4, factor, 3), None, hidden=hidden)
    vae = made(encoder, decoder)
    assert 2 ** (len(vae.config.block_out_channels) - 1) == factor
    picture, given = smooth_pictures(1, 16, 24), latents(4, 5, 3)
    x = torch.from_numpy(picture).permute(0, 3, 1, 2) / 127.5 - 1
    np.testing.assert_allclose(vae.encode(x).latents.detach(), encoder.encode(picture), atol=1e-4)
    assert np.abs(levels(vae.decode(torch.from_numpy(given)).sample) - decoder.decode(given)).max() <= 1


@pytest.mark.parametrize(("view", "size"), REFINED_SIZES)
def test_decode__refines_where_the_decoder_carries_a_refiner(view: Refiner, size: tuple[int, int]) -> None:
    module = refined_by(make_module(PatchDecoder(4, 8, 3), hidden=(5,)), view, hidden=(3, 4))
    vae, given = made(module), RANDOM.normal(size=(2 if size[0] < 9 else 1, 4, *size)).astype(np.float32)
    found = vae.decode(torch.from_numpy(given)).sample.detach()
    assert np.abs(levels(found) - module.decode(given)).max() <= 1
    assert np.abs(levels(found) - module.with_refiner(None).decode(given)).max() > 1
    vae.enable_tiling()
    vae.tile_latent_min_size = 4 if size[0] < 9 else 50
    apart = (vae.decode(torch.from_numpy(given)).sample.detach() - found).abs()
    # Sums in another order round a level up instead of down here and there, which the refiner then reads.
    assert apart.max() * 127.5 < 1.1
    assert (apart > 1e-5).float().mean() < 0.01


def test_refiner__is_saved_and_loaded_with_the_rest(tmp_path: Path) -> None:
    module = refined_by(make_module(PatchDecoder(4, 8, 3)), REFINERS[-1], hidden=(6,))
    vae, given = made(module), torch.from_numpy(latents(4, 3, 5))
    vae.save_pretrained(tmp_path)
    found = OrganicVAE.from_pretrained(tmp_path).decode(given).sample
    torch.testing.assert_close(found, vae.decode(given).sample, rtol=0, atol=0)
    half = OrganicVAE.from_pretrained(tmp_path, torch_dtype=torch.bfloat16).decode(given.bfloat16()).sample
    assert half.dtype == torch.bfloat16
    assert half.isfinite().all()
    assert vae.to("meta").decode(given.to("meta")).sample.shape == (1, 3, 24, 40)


def test_tiles_and_slices__give_the_same_without_seams() -> None:
    vae = OrganicVAE.from_pretrained("sd15")
    given, x = torch.from_numpy(latents(4, 13, 9, 2)), torch.rand(2, 3, 104, 75) * 2 - 1
    whole, made = vae.decode(given).sample, vae.encode(x).latents
    vae.enable_tiling()
    vae.enable_slicing()
    vae.tile_latent_min_size = 4
    torch.testing.assert_close(vae.decode(given).sample, whole, rtol=0, atol=1e-5)
    torch.testing.assert_close(vae.encode(x).latents, made, rtol=0, atol=1e-5)
    vae.disable_tiling()
    vae.disable_slicing()
    assert (vae.use_tiling, vae.use_slicing) == (False, False)


@pytest.mark.parametrize(("dtype", "most"), [(torch.float16, 1), (torch.bfloat16, 4)])
def test_half__stays_within_levels(dtype: torch.dtype, most: float) -> None:
    given = torch.from_numpy(latents(4, 16, 16))
    """Of one stage; a second one reads the first one's rounded pixels, and has a test of its own."""
    half = OrganicVAE.from_pretrained("sd15-decoder-small", torch_dtype=dtype)
    assert half.dtype == dtype
    found = half.decode(given.to(dtype)).sample
    assert found.dtype == dtype
    assert (
        np.abs(levels(found) - levels(OrganicVAE.from_pretrained("sd15-decoder-small").decode(given).sample)).max()
        <= most
    )
    assert half.decode(given).sample.dtype == torch.float32  # the type of what is given


def test_device__is_that_of_the_weights() -> None:
    """On the device without numbers, whatever is made elsewhere is an error."""
    vae = OrganicVAE.from_pretrained("sd15").to("meta")
    assert vae.decode(torch.zeros(2, 4, 3, 5, device="meta")).sample.shape == (2, 3, 24, 40)
    assert vae.encode(torch.zeros(2, 3, 20, 40, device="meta")).latents.shape == (2, 4, 3, 5)


def test_encode__answers_in_every_form_that_callers_take() -> None:
    vae, x = OrganicVAE.from_pretrained("sd15"), torch.rand(1, 3, 16, 16) * 2 - 1
    answer = vae.encode(x)
    for found in (
        answer.latent_dist.sample(torch.Generator().manual_seed(0)),
        answer.latent_dist.mode(),
        answer.latent_dist.mean,
        retrieve_latents(answer),
        retrieve_latents(answer, sample_mode="argmax"),
        vae.encode(x, return_dict=False)[0],
    ):
        torch.testing.assert_close(found, answer.latents, rtol=0, atol=0)
    torch.testing.assert_close(vae(x).sample, vae.decode(answer.latents, return_dict=False)[0])


def test_one_module__does_what_it_can() -> None:
    alone = OrganicVAE.from_pretrained("sd15-decoder")
    alone.decode(torch.zeros(1, 4, 2, 2))
    with pytest.raises(ValueError, match="this OrganicVAE has no encoder; load a pair, such as"):
        alone.encode(torch.zeros(1, 3, 16, 16))
    with pytest.raises(ValueError, match="this OrganicVAE has no decoder"):
        OrganicVAE.from_pretrained("sd15-encoder").decode(torch.zeros(1, 4, 2, 2))


def test_names__that_are_unknown_are_refused() -> None:
    with pytest.raises(ValueError, match=r"there are no modules 'sd9'; there are codec16, codec4, sd15"):
        OrganicVAE.from_pretrained("sd9")
    with pytest.raises(ValueError, match="loaded with torch_dtype alone; got device_map"):
        OrganicVAE.from_pretrained("sd15", device_map="auto")


def test_saved__loads_again(tmp_path: Path) -> None:
    vae = OrganicVAE.from_pretrained("sd3")
    vae.save_pretrained(tmp_path / "vae")
    again = OrganicVAE.from_pretrained(tmp_path / "vae", torch_dtype=torch.float16)
    assert again.dtype == torch.float16
    assert {name: value for name, value in again.config.items() if name[0] != "_"} == {
        name: value for name, value in vae.config.items() if name[0] != "_"
    }
    for name, value in vae.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], value.half())


def test_offload__brings_the_weights_when_they_are_needed() -> None:
    accelerate = pytest.importorskip("accelerate")
    vae, given = OrganicVAE.from_pretrained("sd15"), torch.from_numpy(latents(4, 3, 3))
    whole, made = vae.decode(given).sample, vae.encode(torch.zeros(1, 3, 16, 16)).latents
    accelerate.cpu_offload(vae, execution_device=torch.device("cpu"))
    assert vae.decoder.maps.gain.device.type == "meta"
    torch.testing.assert_close(vae.decode(given).sample, whole)
    torch.testing.assert_close(vae.encode(torch.zeros(1, 3, 16, 16)).latents, made)


def run(pipe: Any, output: str = "np", **given: Any) -> Any:
    """Pictures (1, H, W, 3) in [0, 1], or latents."""
    asked = {"prompt": "a cat", "num_inference_steps": 4, "generator": torch.Generator().manual_seed(0)}
    return pipe(**asked, output_type=output, **given).images


@pytest.mark.parametrize("family", FAMILIES)
def test_pipeline__text_to_picture(family: str, pipeline_of: Any) -> None:
    pipe = pipeline_of(family)
    size = {"height": 64, "width": 64}
    found, last = run(pipe, **size), run(pipe, "latent", **size)
    assert found.shape == (1, 64, 64, 3)
    np.testing.assert_allclose(found, levels(pipe.vae.decode(last).sample) / 255, atol=0.51 / 255)
    assert pipe.vae_scale_factor == 8


@pytest.mark.parametrize("family", FAMILIES)
def test_pipeline__picture_to_picture(family: str, pipeline_of: Any) -> None:
    pipe = AutoPipelineForImage2Image.from_pipe(pipeline_of(family))
    pipe.set_progress_bar_config(disable=True)
    picture = Image.fromarray(smooth_pictures(1, 64, 64)[0])
    found, last = run(pipe, image=picture, strength=0.5), run(pipe, "latent", image=picture, strength=0.5)
    np.testing.assert_allclose(found, levels(pipe.vae.decode(last).sample) / 255, atol=0.51 / 255)
    other = run(pipe, image=Image.new("RGB", (64, 64), "red"), strength=0.5)
    assert np.abs(found - other).max() > 0.1  # the picture has gone in


@pytest.mark.parametrize("family", FAMILIES)
def test_pipeline__inpaint(family: str, pipeline_of: Any) -> None:
    pipe = AutoPipelineForInpainting.from_pipe(pipeline_of(family))
    pipe.set_progress_bar_config(disable=True)
    picture = smooth_pictures(1, 64, 64)[0]
    mask = np.zeros((64, 64), np.uint8)
    mask[:, 32:] = 255
    size = {"height": 64, "width": 64}
    found = run(pipe, image=Image.fromarray(picture), mask_image=Image.fromarray(mask), strength=1.0, **size)
    kept = pipe.vae(torch.from_numpy(picture).permute(2, 0, 1)[None] / 127.5 - 1).sample
    # What lies three sites off the mask has been encoded and decoded, and nothing else.
    np.testing.assert_allclose(found[:, :, :8], levels(kept)[:, :, :8] / 255, atol=1.01 / 255)
    assert np.abs(found - levels(kept) / 255)[:, :, 32:].max() > 0.1


def test_pipeline__is_saved_and_loaded_with_it(tmp_path: Path, pipeline_of: Any) -> None:
    pipe = pipeline_of("sd15")
    pipe.save_pretrained(tmp_path / "pipe")
    again = DiffusionPipeline.from_pretrained(tmp_path / "pipe")
    again.set_progress_bar_config(disable=True)
    assert type(again.vae) is OrganicVAE
    size = {"height": 64, "width": 64}
    np.testing.assert_array_equal(run(again, **size), run(pipe, **size))

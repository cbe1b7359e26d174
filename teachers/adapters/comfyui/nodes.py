"""The nodes."""

import copy

import comfy.model_management
import comfy.model_patcher
import comfy.sd
import torch
from comfy_api.latest import ComfyExtension, io

from teachers.adapters.comfyui import families
from teachers.adapters.comfyui.preview import choose

CATEGORY = "olacore"


def family_input() -> io.Combo.Input:
    """Which model's latents they are."""
    return io.Combo.Input("family", options=families.names(), tooltip="The model whose latents they are.")


def on_device(name: str) -> tuple[families.Family, torch.device]:
    """The modules of a family, where ComfyUI has its VAEs compute."""
    device = comfy.model_management.vae_device()
    return families.load(name).to(device), device


class Decode(io.ComfyNode):
    """Latents to pictures."""

    @classmethod
    def define_schema(cls):
        """What it takes and gives."""
        return io.Schema(
            node_id="OlacoreDecode",
            display_name="Organic Decode",
            category=CATEGORY,
            description="Decodes latents with an organic decoder: quick, small, without seams at any size.",
            inputs=[io.Latent.Input("samples"), family_input()],
            outputs=[io.Image.Output()],
        )

    @classmethod
    @torch.no_grad()
    def execute(cls, samples, family):
        """Raw latents (B, C, h, w) to pictures (B, 8h, 8w, 3) in [0, 1]."""
        modules, device = on_device(family)
        pictures = modules.decode(samples["samples"].to(device).float())
        pictures = ((pictures + 1) / 2).movedim(1, -1)
        return io.NodeOutput(pictures.to(comfy.model_management.intermediate_device()))


class Encode(io.ComfyNode):
    """Pictures to latents."""

    @classmethod
    def define_schema(cls):
        """What it takes and gives."""
        return io.Schema(
            node_id="OlacoreEncode",
            display_name="Organic Encode",
            category=CATEGORY,
            description="Encodes pictures with an organic encoder; sides are rounded up to multiples of 8.",
            inputs=[io.Image.Input("pixels"), family_input()],
            outputs=[io.Latent.Output()],
        )

    @classmethod
    @torch.no_grad()
    def execute(cls, pixels, family):
        """Pictures (B, H, W, 3 or more) in [0, 1] to raw latents (B, C, H/8, W/8)."""
        modules, device = on_device(family)
        latents = modules.encode(pixels[..., :3].movedim(-1, 1).to(device).float() * 2 - 1)
        return io.NodeOutput({"samples": latents.to(comfy.model_management.intermediate_device())})


class LoadVAE(io.ComfyNode):
    """A VAE for all nodes that take one."""

    @classmethod
    def define_schema(cls):
        """What it takes and gives."""
        return io.Schema(
            node_id="OlacoreVAELoader",
            display_name="Load Organic VAE",
            category=CATEGORY,
            description="A VAE of an organic encoder and decoder, for all nodes that take a VAE.",
            inputs=[family_input()],
            outputs=[io.Vae.Output()],
        )

    @classmethod
    def execute(cls, family):
        """A VAE of ComfyUI, which loads, offloads, batches and tiles as always, around the family's modules."""
        # The one that computes nothing, so that what a VAE has of its own stays ComfyUI's.
        vae = comfy.sd.VAE(sd={"pixel_space_vae": torch.tensor(1.0)})
        modules = copy.deepcopy(families.load(family)).to(vae.patcher.offload_device)
        vae.first_stage_model, vae.vae_dtype, vae.size = modules, torch.float32, None
        devices = {"load_device": vae.patcher.load_device, "offload_device": vae.patcher.offload_device}
        vae.patcher = comfy.model_patcher.ModelPatcher(modules, **devices)
        vae.downscale_ratio = vae.upscale_ratio = modules.factor
        vae.latent_channels, vae.latent_dim, vae.output_channels = modules.settings["latent_channels"], 2, 3
        vae.process_input = lambda image: image * 2 - 1
        vae.process_output = lambda image: image.add(1).div(2).clamp(0, 1)
        # Bytes, of all numbers that are held at once: three times the pixels, with a refiner six times, and the hidden
        # units of a site.
        times = 6 if modules.settings.get("refiner") else 3
        vae.memory_used_decode = lambda shape, dtype: 4 * shape[2] * shape[3] * (times * 192 + 512)
        vae.memory_used_encode = lambda shape, dtype: 4 * shape[2] * shape[3] * (3 * 3 + 8)
        return io.NodeOutput(vae)


class Preview(io.ComfyNode):
    """The switch for previews of a model."""

    @classmethod
    def define_schema(cls):
        """What it takes and gives."""
        return io.Schema(
            node_id="OlacorePreview",
            display_name="Organic Preview",
            category=CATEGORY,
            description="Sampling this model shows full pictures by an organic decoder, every so many steps; or not.",
            inputs=[
                io.Model.Input("model"),
                io.Boolean.Input("on", default=True),
                io.Int.Input("every", default=1, min=1, max=1000, tooltip="Steps between pictures."),
            ],
            outputs=[io.Model.Output()],
        )

    @classmethod
    def execute(cls, model, on, every):
        """The model, with the choice."""
        return io.NodeOutput(choose(model, on, every))


class Olacore(ComfyExtension):
    """The pack."""

    async def get_node_list(self):
        """All nodes."""
        return [Decode, Encode, LoadVAE, Preview]

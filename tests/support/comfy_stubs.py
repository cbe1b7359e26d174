"""What a pack of nodes sees of ComfyUI, in as few lines as its contracts take, to be run where ComfyUI is not.

The file needs torch and PIL alone: tests copy it into the folder of a process in which olacore cannot be imported.
"""

import asyncio
import importlib.util
import sys
from types import ModuleType, SimpleNamespace

import torch
from PIL import Image


def module(name, **parts):
    """A module of that name, found by imports."""
    made = ModuleType(name)
    vars(made).update(parts)
    sys.modules[name] = made
    if "." in name:
        setattr(sys.modules[name.rpartition(".")[0]], name.rpartition(".")[2], made)
    return made


class ModelPatcher:
    """A model with options that copies have for themselves."""

    def __init__(self, model, load_device, offload_device):
        self.model, self.load_device, self.offload_device = model, load_device, offload_device
        self.model_options = {"transformer_options": {}}

    def clone(self):
        """A copy with the same model and options of its own."""
        made = type(self)(self.model, self.load_device, self.offload_device)
        made.model_options = {**self.model_options, "transformer_options": {}}
        return made


class VAE:
    """The flow of pixels and latents through a VAE of ComfyUI; the one of pixel space has ratios of 1."""

    def __init__(self, sd):
        assert {*sd} == {"pixel_space_vae"}, "the stub knows no other"
        self.first_stage_model = torch.nn.Identity()
        self.device = torch.device("cpu")
        self.vae_dtype, self.output_device = torch.bfloat16, torch.device("cpu")
        self.patcher = ModelPatcher(self.first_stage_model, self.device, self.device)
        self.downscale_ratio = self.upscale_ratio = 1
        self.latent_channels, self.latent_dim, self.output_channels = 3, 2, 3
        self.process_input = lambda image: image * 2.0 - 1.0
        self.process_output = lambda image: image.add_(1.0).div_(2.0).clamp_(0.0, 1.0)
        self.memory_used_encode = self.memory_used_decode = lambda shape, dtype: 0
        self.size = 1

    def throw_exception_if_invalid(self):
        """Nothing is wrong."""

    def decode(self, samples_in):
        """Raw latents to pictures (B, H, W, 3) in [0, 1]."""
        assert self.patcher.model is self.first_stage_model
        assert self.memory_used_decode(samples_in.shape, self.vae_dtype) > 0
        samples = samples_in.to(self.vae_dtype).to(self.device)
        return self.process_output(self.first_stage_model.decode(samples).to(self.output_device).float()).movedim(1, -1)

    def encode(self, pixel_samples):
        """Pictures (B, H, W, 3) in [0, 1], cut to whole patches around the middle, to raw latents."""
        for axis in (1, 2):
            size = pixel_samples.shape[axis]
            kept = size // self.downscale_ratio * self.downscale_ratio
            pixel_samples = pixel_samples.narrow(axis, (size - kept) // 2, kept)
        pixels = pixel_samples.movedim(-1, 1)
        assert self.memory_used_encode(pixels.shape, self.vae_dtype) > 0
        return self.first_stage_model.encode(self.process_input(pixels).to(self.vae_dtype)).float()


class LatentPreviewer:
    """What a previewer is."""

    def decode_latent_to_preview(self, x0):
        """Clean latents to a picture."""

    def decode_latent_to_preview_image(self, preview_format, x0):
        """What the browser is sent."""
        return ("JPEG", self.decode_latent_to_preview(x0), 512)


class TAESDPreviewerImpl(LatentPreviewer):
    """Of a file that the user has."""


class Latent2RGBPreviewer(LatentPreviewer):
    """Of constants."""

    def decode_latent_to_preview(self, x0):
        """A picture of an eighth of the size."""
        return Image.new("RGB", (x0.shape[-1], x0.shape[-2]))


class NodeOutput:
    """What a node gives."""

    def __init__(self, *result):
        self.result = result


class ComfyNode:
    """What a node is."""


class Schema(SimpleNamespace):
    """What a node says of itself."""

    def __init__(self, node_id, display_name, category, description, inputs, outputs):
        super().__init__(**{name: value for name, value in locals().items() if name not in ("self", "__class__")})


def io_type(name, *widget):
    """A type of inputs and outputs; inputs take these settings beside their id."""

    class Input:
        def __init__(self, id, tooltip=None, **settings):
            assert {*settings} <= {*widget}, settings
            self.io_type, self.id, self.tooltip = name, id, tooltip
            vars(self).update(settings)

    class Output:
        def __init__(self):
            self.io_type = name

    return SimpleNamespace(Input=Input, Output=Output)


class ComfyExtension:
    """What a pack is."""

    async def on_load(self):
        """Nothing to do."""

    async def get_node_list(self):
        """The nodes."""
        raise NotImplementedError


def install():
    """Make the modules; return the arguments of the command line and the names of files in `models/vae_approx/`."""
    args, approximate = SimpleNamespace(preview_method="auto"), []
    shown = []

    def get_previewer(device, latent_format):
        if args.preview_method == "none":
            return None
        names = sys.modules["folder_paths"].get_filename_list("vae_approx")
        found = any(name.startswith(latent_format.taesd_decoder_name) for name in names)
        return TAESDPreviewerImpl() if args.preview_method == "taesd" and found else Latent2RGBPreviewer()

    def prepare_callback(model, steps, x0_output_dict=None):
        previewer = sys.modules["latent_preview"].get_previewer(model.load_device, model.model.latent_format)

        @torch.inference_mode
        def callback(step, x0, x, total_steps):
            shown.append(previewer.decode_latent_to_preview_image("JPEG", x0) if previewer else None)

        return callback

    cpu = torch.device("cpu")
    module("comfy")
    module("comfy.model_management", vae_device=lambda: cpu, intermediate_device=lambda: cpu)
    module("comfy.model_patcher", ModelPatcher=ModelPatcher)
    module("comfy.sd", VAE=VAE)
    module("folder_paths", get_filename_list=lambda folder: approximate)
    module(
        "latent_preview",
        LatentPreviewer=LatentPreviewer,
        TAESDPreviewerImpl=TAESDPreviewerImpl,
        Latent2RGBPreviewer=Latent2RGBPreviewer,
        get_previewer=get_previewer,
        prepare_callback=prepare_callback,
    )
    number = ("default", "min", "max")
    io = SimpleNamespace(
        Latent=io_type("LATENT"),
        Image=io_type("IMAGE"),
        Vae=io_type("VAE"),
        Model=io_type("MODEL"),
        Combo=io_type("COMBO", "options", "default"),
        Boolean=io_type("BOOLEAN", "default"),
        Int=io_type("INT", *number),
        Schema=Schema,
        ComfyNode=ComfyNode,
        NodeOutput=NodeOutput,
    )
    module("comfy_api")
    module("comfy_api.latest", io=io, ComfyExtension=ComfyExtension)
    return args, approximate, shown


def load_pack(folder):
    """Load a pack as ComfyUI does, and return its nodes by id."""
    name = str(folder).replace(".", "_x_")
    spec = importlib.util.spec_from_file_location(name, f"{folder}/__init__.py")
    pack = importlib.util.module_from_spec(spec)
    sys.modules[name] = pack
    spec.loader.exec_module(pack)

    async def nodes():
        extension = await pack.comfy_entrypoint()
        assert isinstance(extension, ComfyExtension)
        await extension.on_load()
        return await extension.get_node_list()

    found = asyncio.run(nodes())
    assert all(issubclass(node, ComfyNode) for node in found)
    return {node.define_schema().node_id: node for node in found}


def sampled(model, x0, steps):
    """What is shown while a model is sampled whose clean latents are these at every step."""
    callback = sys.modules["latent_preview"].prepare_callback(model, steps)
    for step in range(steps):
        callback(step, x0, x0, steps)

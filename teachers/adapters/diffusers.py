"""A VAE for pipelines of diffusers, made of organic modules: `pipe.vae = OrganicVAE.from_pretrained("sd15")`.

It stands in for the autoencoder of the family that its modules were cloned from: its latents are those of the model in
the denoiser's own scale, so that its scaling factor is 1 and its shift 0. SPDX-License-Identifier: Apache-2.0
"""

import importlib
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.autoencoders.vae import AutoencoderMixin, DecoderOutput, DiagonalGaussianDistribution
from diffusers.models.modeling_utils import ModelMixin
from diffusers.utils import BaseOutput
from diffusers.utils.accelerate_utils import apply_forward_hook

from teachers.adapters.convolutions import PatchDecoder, PatchEncoder


@dataclass
class OrganicEncoderOutput(BaseOutput):
    """What `encode` gives.

    Parameters
    ----------
    latents : (B, C, h, w)
    latent_dist : the same as a distribution without variance
    """

    latents: torch.Tensor
    latent_dist: DiagonalGaussianDistribution


class OrganicVAE(ModelMixin, AutoencoderMixin, ConfigMixin):
    """An organic encoder and decoder, or one of them.

    Parameters
    ----------
    latent_channels : channels of a latent
    decoder_window, decoder_hidden : sites along a side that a patch is decoded from, and units of the hidden maps; None
        without a decoder
    encoder_border, encoder_hidden : pixels around a patch that its latent is made from, and units of the hidden maps;
        None without an encoder
    refiner : of the decoder's pictures, the settings of `PatchRefiner`; None without one
    block_out_channels : of their number, pipelines compute the pixels along a side of a latent site, 2^(number - 1)
    in_channels, out_channels : 3, of pictures in RGB
    scaling_factor, shift_factor, force_upcast : as pipelines read them; latents are in the denoiser's scale already
    auto_map : where a folder says that this file is beside it; diffusers reads it

    Attributes
    ----------
    tile_latent_min_size : sites along a side of a tile, after `enable_tiling()`; tiles leave no seams
    """

    @register_to_config
    def __init__(
        self,
        latent_channels: int = 4,
        decoder_window: int | None = 5,
        decoder_hidden: tuple[int, ...] = (256,),
        encoder_border: int | None = 4,
        encoder_hidden: tuple[int, ...] = (320,),
        block_out_channels: tuple[int, ...] = (64, 64, 64, 64),
        in_channels: int = 3,
        out_channels: int = 3,
        scaling_factor: float = 1.0,
        shift_factor: float = 0.0,
        force_upcast: bool = False,
        auto_map: dict[str, str] | None = None,
        refiner: dict | None = None,
    ):
        super().__init__()
        factor = 2 ** (len(block_out_channels) - 1)
        self.decoder = self.encoder = None
        if decoder_window is not None:
            self.decoder = PatchDecoder(latent_channels, decoder_window, decoder_hidden, factor, refiner)
        if encoder_border is not None:
            self.encoder = PatchEncoder(latent_channels, encoder_border, encoder_hidden, factor)
        self.use_tiling = self.use_slicing = False
        self.tile_latent_min_size = 64

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path, **options):
        """Load a folder or hub id as every model of diffusers, or modules that come with olacore.

        Parameters
        ----------
        pretrained_model_name_or_path : a folder or hub id; or "sd15", "sdxl", "sd3" for the pair of modules of olacore,
            or the name of one of them, such as "sd15-decoder"
        options : of `ModelMixin.from_pretrained`; with a name, `torch_dtype` alone

        Raises
        ------
        ValueError  if there is no folder of that name, and olacore or its module is not there either
        """
        name = str(pretrained_model_name_or_path)
        if "/" in name or Path(name).exists():
            return super().from_pretrained(pretrained_model_name_or_path, **options)
        try:
            # By its name, since diffusers looks for what a file that comes with weights imports.
            exports = importlib.import_module("olacore.exports.diffusers_folder")
        except ImportError as error:
            raise ValueError(f"there is no folder {name!r}; modules of that name come with olacore.") from error
        dtype = options.pop("torch_dtype", None) or torch.float32
        if options:
            raise ValueError(f"modules of olacore are loaded with torch_dtype alone; got {', '.join(options)}.")
        config, tensors = exports.shipped_form(name)
        model = cls.from_config(config)
        model.load_state_dict({key: torch.from_numpy(value).to(dtype) for key, value in tensors.items()}, assign=True)
        return model.eval()

    @apply_forward_hook
    def encode(self, x: torch.Tensor, return_dict: bool = True):
        """Pictures (B, 3, H, W) in [-1, 1] to latents (B, C, h, w); an `OrganicEncoderOutput`, or a tuple of latents.

        Raises
        ------
        ValueError  if it was loaded without an encoder
        """
        latents = self._each(self.encoder, "encoder", x)
        if not return_dict:
            return (latents,)
        exact = DiagonalGaussianDistribution(torch.cat([latents, torch.zeros_like(latents)], 1), deterministic=True)
        return OrganicEncoderOutput(latents=latents, latent_dist=exact)

    @apply_forward_hook
    def decode(self, z: torch.Tensor, return_dict: bool = True, generator: torch.Generator | None = None):
        """Latents (B, C, h, w) to pictures (B, 3, H, W) in [-1, 1], a `DecoderOutput` or a tuple; nothing is drawn.

        Raises
        ------
        ValueError  if it was loaded without a decoder
        """
        pictures = self._each(self.decoder, "decoder", z)
        return DecoderOutput(sample=pictures) if return_dict else (pictures,)

    def forward(self, sample: torch.Tensor, return_dict: bool = True):
        """Encode and decode pictures."""
        return self.decode(self.encode(sample).latents, return_dict=return_dict)

    def _each(self, part, name, x):
        if part is None:
            raise ValueError(f'this OrganicVAE has no {name}; load a pair, such as OrganicVAE.from_pretrained("sd15").')
        tile = self.tile_latent_min_size if self.use_tiling else None
        items = x.split(1) if self.use_slicing else (x,)
        return torch.cat([part(item, tile) for item in items]).to(x.dtype)

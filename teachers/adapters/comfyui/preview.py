"""Previews while sampling: the full picture that the model is heading for, by an organic decoder."""

import copy
import functools
from contextvars import ContextVar

import latent_preview
import torch
from PIL import Image

from teachers.adapters.comfyui import families

# Of a model, what the node for previews says: a pair of whether and every how many steps.
OPTION = "olacore_preview"
_asked: ContextVar[tuple[bool, int] | None] = ContextVar("olacore_preview", default=None)


class OrganicPreviewer(latent_preview.LatentPreviewer):
    """Shows the first of a batch, at the first step and then every so many.

    Parameters
    ----------
    decoder : of latents in the denoiser's scale
    every : steps
    """

    def __init__(self, decoder: torch.nn.Module, every: int = 1):
        self.decoder, self.every, self.step = decoder, every, 0

    def decode_latent_to_preview_image(self, preview_format, x0):
        """What ComfyUI shows after a step; None for nothing new."""
        self.step += 1
        return None if (self.step - 1) % self.every else super().decode_latent_to_preview_image(preview_format, x0)

    @torch.no_grad()
    def decode_latent_to_preview(self, x0):
        """Clean latents (B, C, h, w), or (B, C, frames, h, w), to a picture."""
        first = x0[:1, :, 0] if x0.ndim == 5 else x0[:1]
        self.decoder = self.decoder.to(first.device)
        pixels = (self.decoder(first, families.TILE)[0] + 1) * 127.5
        return Image.fromarray(pixels.round().to(torch.uint8).permute(1, 2, 0).cpu().numpy())


def choose(model, on: bool, every: int):
    """A copy of a model that is sampled with or without these previews."""
    chosen = model.clone()
    chosen.model_options[OPTION] = (on, every)
    return chosen


def install() -> None:
    """Put the previewer before ComfyUI's own, which has no place for one; once, however often the pack is loaded."""
    if getattr(latent_preview, OPTION, False):
        return
    plain_previewer, plain_callback = latent_preview.get_previewer, latent_preview.prepare_callback

    @functools.wraps(plain_previewer)
    def get_previewer(device, latent_format, *arguments, **named):
        plain = plain_previewer(device, latent_format, *arguments, **named)
        asked = _asked.get()
        on, every = asked or (not isinstance(plain, getattr(latent_preview, "TAESDPreviewerImpl", ())), 1)
        # No previewer: ComfyUI is told to show none. A TAESD is there because somebody put it there.
        if plain is None or not on:
            return plain
        name = families.previewing(getattr(latent_format, "taesd_decoder_name", None))
        return plain if name is None else OrganicPreviewer(copy.deepcopy(families.load(name).part("decoder")), every)

    @functools.wraps(plain_callback)
    def prepare_callback(model, *arguments, **named):
        token = _asked.set(getattr(model, "model_options", {}).get(OPTION))
        try:
            return plain_callback(model, *arguments, **named)
        finally:
            _asked.reset(token)

    latent_preview.get_previewer, latent_preview.prepare_callback = get_previewer, prepare_callback
    setattr(latent_preview, OPTION, True)

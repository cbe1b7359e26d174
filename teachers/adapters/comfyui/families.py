"""The modules beside this file: for each family of models a file of weights, which says what it is."""

import json
from functools import cache
from pathlib import Path

import torch
from safetensors import safe_open
from torch import nn

from teachers.adapters.convolutions import PatchDecoder, PatchEncoder

FOLDER = Path(__file__).parent
# Sites along a side that are computed at once; tiles leave no seams, and bound the memory.
TILE = 128


def names() -> list[str]:
    """Families that there are files of, such as "sd15"."""
    return sorted(path.stem for path in FOLDER.glob("*.safetensors"))


class Family(nn.Module):
    """An organic VAE whose latents are raw, as ComfyUI hands them around.

    Parameters
    ----------
    name : of the file
    settings : what the file says: shapes; `scaling` and `shift`, by which a denoiser's latents are (raw - shift) *
        scaling; and `preview`, the name that ComfyUI has for the family's small decoder
    """

    def __init__(self, name: str, settings: dict):
        super().__init__()
        self.name, self.settings = name, settings
        channels, factor = settings["latent_channels"], 2 ** (len(settings["block_out_channels"]) - 1)
        self.factor = factor
        self.decoder = self.encoder = None
        if settings["decoder_window"] is not None:
            self.decoder = PatchDecoder(
                channels, settings["decoder_window"], settings["decoder_hidden"], factor, settings.get("refiner")
            )
        if settings["encoder_border"] is not None:
            self.encoder = PatchEncoder(channels, settings["encoder_border"], settings["encoder_hidden"], factor)

    def decode(self, raw: torch.Tensor, **_: object) -> torch.Tensor:
        """Raw latents (B, C, h, w) to pictures (B, 3, 8h, 8w) in [-1, 1].

        Raises
        ------
        ValueError  if there is no decoder, or the latents are of another model
        """
        decoder, channels = self.part("decoder"), self.settings["latent_channels"]
        if raw.ndim != 4 or raw.shape[1] != channels:
            raise ValueError(
                f"latents of {self.name} are (batch, {channels}, height, width); got {tuple(raw.shape)}: choose the "
                "family of the model that they come from."
            )
        return decoder((raw - self.settings["shift"]) * self.settings["scaling"], TILE)

    def encode(self, pictures: torch.Tensor, **_: object) -> torch.Tensor:
        """Pictures (B, 3, H, W) in [-1, 1] to raw latents (B, C, H/8, W/8), sides rounded up.

        Raises
        ------
        ValueError  if there is no encoder
        """
        return self.part("encoder")(pictures, TILE) / self.settings["scaling"] + self.settings["shift"]

    def part(self, kind: str) -> nn.Module:
        """The encoder or the decoder, of latents in the denoiser's scale.

        Raises
        ------
        ValueError  if there is none
        """
        found: nn.Module | None = getattr(self, kind)
        if found is None:
            raise ValueError(f"this pack of olacore has no {kind} of {self.name}; export it with one.")
        return found


@cache
def load(name: str) -> Family:
    """The modules of a family, float32, once for all nodes.

    Raises
    ------
    ValueError  if there are none, or the file is damaged
    """
    try:
        with safe_open(FOLDER / f"{name}.safetensors", "pt") as file:
            family = Family(name, json.loads(file.metadata()["olacore"]))
            family.load_state_dict({key: file.get_tensor(key).float() for key in file.keys()})  # noqa: SIM118
    except Exception as error:
        raise ValueError(f"cannot load the modules {name!r} of olacore: {error}") from error
    return family.eval().requires_grad_(False)


def previewing(decoder_name: str | None) -> str | None:
    """The family whose decoder stands in for the one that ComfyUI has this name for; None if there is none."""
    for name in names():
        with safe_open(FOLDER / f"{name}.safetensors", "pt") as file:
            settings = json.loads(file.metadata()["olacore"])
        if decoder_name is not None and settings["preview"] == decoder_name and settings["decoder_window"] is not None:
            return name
    return None

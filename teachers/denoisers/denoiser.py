"""A pipeline's network as a teacher: it tells what a noisy latent was before the noise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from olacore.errors import DataError
from olacore.spaces import LatentSpace
from teachers.denoisers.conditions import Condition, Family
from teachers.denoisers.schedule import Schedule
from teachers.network import sound

# Prompts whose conditions are kept; neighbours of one caption follow each other.
KEPT = 64


class DenoiserTeacher:
    """The network of a pipeline with its text encoders.

    Every item is asked about alone, so that an answer does not depend on the others.

    Parameters
    ----------
    name : of the pipeline
    pipeline : of diffusers, on its device
    family : how it is asked
    schedule : its noise levels
    space : the latent space of its autoencoder
    fingerprint : SHA-256 over the network's weights
    plain : whether it is also asked without a prompt, which guidance needs
    proved : whether it passes its self-test; what is skipped is said in the data set

    Attributes
    ----------
    reads : the clean latents, captions, levels and noise of the items
    writes : the clean latents that it finds; also those without the prompt
    """

    reads = ("latents", "captions", "sigmas", "noise")
    batch = 8

    def __init__(
        self,
        name: str,
        pipeline: Any,
        family: Family,
        schedule: Schedule,
        space: LatentSpace,
        fingerprint: str,
        *,
        plain: bool = False,
        proved: bool = True,
    ) -> None:
        self.name, self.pipeline, self.family, self.schedule, self.space = name, pipeline, family, schedule, space
        self.fingerprint, self.plain, self.proved = fingerprint, plain, proved
        self.writes = ("answers", "plain_answers") if plain else ("answers",)
        self.network = getattr(pipeline, family.network)
        self._conditions: dict[tuple[str, int], Condition] = {}

    @property
    def settings(self) -> dict[str, Any]:
        """Names the teacher, so that answers of two are never mixed."""
        return {
            "denoiser": self.name,
            "denoiser_sha256": self.fingerprint,
            "family": self.family.name,
            "predicts": self.schedule.prediction,
            "self_test": self.proved,
        }

    def answer(self, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Take away the noise.

        Parameters
        ----------
        arrays : latents (n, C, h, w) and noise of their shape, or in their place what they make, noisy (n, C, h, w);
            sigmas (n,) and captions (n,) text

        Returns
        -------
        the clean latents that it finds, (n, C, h, w) float32, with the captions and, if it is `plain`, without any

        Raises
        ------
        ConfigError  if the teacher does not know a level
        DataError  if an answer is not finite
        """
        sigmas = np.asarray(arrays["sigmas"], np.float64)
        if "noisy" in arrays:
            noisy = np.asarray(arrays["noisy"], np.float32)
        else:
            latents, noise = (np.asarray(arrays[name], np.float32) for name in ("latents", "noise"))
            noisy = latents + sigmas.reshape(len(latents), 1, 1, 1).astype(np.float32) * noise
        captions = [str(caption) for caption in arrays["captions"]]
        found = {"answers": self.clean_each(noisy, sigmas, captions)}
        if self.plain:
            found["plain_answers"] = self.clean_each(noisy, sigmas, [""] * len(captions))
        return found

    def clean_each(self, noisy: np.ndarray, sigmas: np.ndarray, captions: list[str]) -> np.ndarray:
        """What noisy latents (n, C, h, w) were before noise of n levels, given n captions.

        Raises
        ------
        ConfigError, DataError  as `answer` does
        """
        items = zip(noisy, sigmas.tolist(), captions, strict=True)
        clean = np.stack([self.clean(one, sigma, caption) for one, sigma, caption in items])
        if not np.isfinite(clean).all():
            raise DataError(f"{self.name} answers with NaN or inf; check its weights and the noise levels.")
        return clean

    def clean(self, noisy: np.ndarray, sigma: float, caption: str) -> np.ndarray:
        """What one noisy latent (C, h, w) was before noise of a level, given a caption."""
        side = noisy.shape[-1] * self.space.factor
        condition = self._condition(caption, side)
        device = next(self.network.parameters()).device
        sample = torch.from_numpy(np.ascontiguousarray(noisy, np.float32))[None].to(device)
        with torch.no_grad(), sound(f"the network of {self.name} does not work on latents of this size"):
            step = torch.tensor([self.schedule.timestep(sigma)], device=device)
            fed = {self.family.sample: self.schedule.feed(sample, sigma), "timestep": step}
            answer = self.network(**fed, **condition, return_dict=False)[0]
            # Some networks say how sure they are as well, in as many channels again.
            return self.schedule.clean(answer[:, : len(noisy)], sample, sigma)[0].float().cpu().numpy()

    def _condition(self, caption: str, side: int) -> Condition:
        key = caption, side
        if key not in self._conditions:
            while len(self._conditions) >= KEPT:
                del self._conditions[next(iter(self._conditions))]
            with torch.no_grad(), sound(f"the text encoders of {self.name} cannot read a prompt"):
                self._conditions[key] = self.family.condition(self.pipeline, caption, side)
        return self._conditions[key]

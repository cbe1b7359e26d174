"""
A photograph there and back
===========================

Encoders and decoders that come with the package, on a photograph that was held out: the private codec, and the
compatible pair of Stable Diffusion 1.5.
"""

import matplotlib.pyplot as plt
import numpy as np

import olacore
from olacore.data.sample import sample_path

with olacore.open_dataset(sample_path()) as data:
    held_out = np.flatnonzero(data.split == 2)
    photograph = data.read(["frames"], held_out[2:3])["frames"][0]  # (256, 256, 3) uint8

pictures = {"original": photograph}
for name in ("codec4", "sd15"):
    latents = olacore.load(f"{name}-encoder").encode(photograph)  # (4, 32, 32) float32
    pictures[name] = olacore.load(f"{name}-decoder").decode(latents)  # (256, 256, 3) uint8

figure, axes = plt.subplots(1, 3, figsize=(8, 3))
for axis, (name, picture) in zip(axes, pictures.items(), strict=True):
    error = float(np.mean((picture.astype(float) - photograph) ** 2))
    axis.imshow(picture)
    axis.set_title(name if not error else f"{name}: {10 * np.log10(255**2 / error):.1f} dB", fontsize=9)
    axis.axis("off")
figure.tight_layout()

# %%
# Four channels of the compatible latent, which Stable Diffusion's denoiser would see.

figure, axes = plt.subplots(1, 4, figsize=(8, 2.2))
for number, (axis, channel) in enumerate(zip(axes, latents, strict=True)):
    axis.imshow(channel, cmap="gray")
    axis.set_title(f"channel {number}", fontsize=8)
    axis.axis("off")
figure.tight_layout()

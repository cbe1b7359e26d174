"""Modules inside other programs of torch: a VAE of diffusers and its previews, and a pack of nodes for ComfyUI.

`convolutions` needs torch alone. The exporters of `olacore/exports/` copy these files out, so that what they write
needs nothing of olacore.
"""

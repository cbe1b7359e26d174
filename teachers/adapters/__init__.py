"""Modules inside other programs of torch: a VAE of diffusers and its previews, the text encoder of a pipeline, and a
pack of nodes for ComfyUI.

`convolutions` needs torch alone. The exporters of `olacore/exports/` copy files from here, so that what they write
needs nothing of olacore.
"""

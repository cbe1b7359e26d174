"""Nodes for ComfyUI: organic decoders, encoders and VAEs, and previews by them. torch is all that they need."""


async def comfy_entrypoint():
    """What ComfyUI asks for once it has found the pack."""
    from teachers.adapters.comfyui.nodes import Olacore
    from teachers.adapters.comfyui.preview import install

    install()
    return Olacore()

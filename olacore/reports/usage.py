"""What a module is, and the lines that use it, in Python and on the command line."""

from __future__ import annotations

import json
import shlex

from olacore.foreign.names import counted
from olacore.modules.identity import ROLES
from olacore.modules.module import Module
from olacore.reports.parts import Code, Facts, Part
from olacore.reports.words import size

# By kind: what stands before the call in Python, the call, and the lines of the command line.
PYTHON = {
    "encoder": ("from PIL import Image\n", 'latent = module.encode(Image.open("photo.jpg"))  # (C, h, w) float32'),
    "decoder": ("import numpy as np\n", 'picture = module.decode(np.load("latent.npy"))  # (H, W, 3) uint8'),
    "refiner": ("from PIL import Image\n", 'better = module.refine(Image.open("decoded.png"))  # (H, W, 3) uint8'),
    "text": ("", 'embedding = module.embed("a red fox")  # float32'),
    "denoiser": ("", "latents = module.denoise({given})  # (n, C, h, w) float32"),
    "plain": ("import numpy as np\n", 'answers = module.predict(np.load("inputs.npy"))  # (n, {outputs}) float32'),
}
COMMANDS = {
    "encoder": ("ola encode photo.jpg --encoder {name} -o latent.npz", "ola compare {name} --h5 data.h5"),
    "decoder": ("ola decode latent.npz --decoder {name} -o picture.png", "ola export {name} --to onnx -o decoder.onnx"),
}
ANY = ("ola eval {name} --h5 data.h5", "ola inspect {name}")


def module_facts(module: Module) -> Facts:
    """What a module is."""
    layers = " to ".join(f"{layer:,}" for layer in module.layers)
    spaces = {role: getattr(module, role) for role in ROLES}
    items = [
        (
            "kind",
            module.view.title if module.kind in module.view.title.split() else f"{module.view.title} {module.kind}",
        ),
        ("numbers in and out of each map", layers),
        ("weights and biases", f"{module.parameters:,}, stored as {module.stored}"),
        ("file", size(module.nbytes())),
    ]
    if module.components is not None:
        items.append(("components of its targets", f"{module.components:,}"))
    items += [(f"latents that it {role}", space.maker) for role, space in spaces.items() if space is not None]
    items.append(("digest", module.digest[:16]))
    return Facts(items)


def usage(module: Module, name: str) -> list[Part]:
    """Lines that use a module.

    Parameters
    ----------
    name : file or run folder, as the lines name it
    """
    before, call = PYTHON[module.kind]
    given = ", ".join(f"{field}={field}" for field in getattr(module.view, "given", ()))
    call = call.replace("{given}", given).replace("{outputs}", str(module.view.outputs))
    lines = f"import olacore\n{before}\nmodule = olacore.load({json.dumps(name, ensure_ascii=False)})\n{call}"
    commands = [line.replace("{name}", shlex.quote(name)) for line in (*COMMANDS.get(module.kind, ()), *ANY)]
    return [Code(lines, "In Python"), Code("\n".join(commands), "On the command line")]


def shape_in_words(module: Module) -> str:
    """Kind and shape of a module, for tables."""
    hidden = sum(layer.units for layer in module.hidden)
    return f"{module.kind}, {counted(hidden, 'hidden unit')}" if hidden else f"{module.kind}, affine"


def outputs_in_words(module: Module) -> str:
    """What a module does, in a few words."""
    hidden = sum(layer.units for layer in module.hidden)
    form = f"a stack with {counted(hidden, 'hidden unit')}" if hidden else "one affine map behind a tanh"
    kind = "a plain module" if module.kind == "plain" else f"{'an' if module.kind[0] in 'aeiou' else 'a'} {module.kind}"
    return f"{kind} of {size(module.nbytes())}, {form}"

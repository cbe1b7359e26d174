"""What may not move: short searches and the shipped modules, as arrays."""

from __future__ import annotations

import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

import olacore
from olacore.data import open_dataset
from tests.support.places import SAMPLE

# A short search of every strategy, on the shipped sample.
SEARCHES: dict[str, dict[str, Any]] = {
    "rows-encoder": {"module": "encoder", "generations": 6},
    "rows-decoder-int8": {"module": "decoder", "generations": 4, "weights": "int8", "population": 5},
    "rows-decoder-mae": {"module": "decoder", "generations": 4, "loss": "mae", "population": 8, "block": 2048},
    "rows-global-encoder": {"module": "encoder", "view": "global", "generations": 3},
    "classic-decoder": {"module": "decoder", "generations": 4, "strategy": "classic", "population": 6},
    "stack-decoder": {"module": "decoder", "generations": 20, "stack": 8, "weights": "float32"},
    "stack-encoder": {"module": "encoder", "generations": 50, "stack": 4, "border": 0, "weights": "float16"},
    "pair": {"module": "pair", "generations": 12, "weights": "float32"},
    "pair-stack": {"module": "pair", "stack": 6, "passes": 8, "loss": "contrast", "weights": "float16"},
}


def searched(name: str, folder: Path) -> dict[str, np.ndarray]:
    """Tensors of every module that a search leaves, by file and name."""
    config = olacore.TrainConfig(h5=(SAMPLE,), seed=3, out=folder / name, **SEARCHES[name])
    olacore.train(config)
    found = {}
    for path in sorted((folder / name).rglob("module.safetensors")):
        module = olacore.load(path)
        where = path.parent.relative_to(folder).as_posix()
        found |= {f"{where}/weights": module.weights, f"{where}/biases": module.biases}
        for number, layer in enumerate(module.hidden):
            found |= {
                f"{where}/hidden_{number}_weights": layer.weights,
                f"{where}/hidden_{number}_biases": layer.biases,
            }
        found |= {f"{where}/{key}": part for key, part in module.scaling.tensors.items()}
    return found


def shipped(name: str) -> np.ndarray:
    """What a shipped module answers to a held-out picture of the sample: latents, or the pixels of a latent."""
    module = olacore.load(name)
    with open_dataset([SAMPLE]) as dataset:
        rows = dataset.read(("frames", "latents"), dataset.indices("held-out")[:1])
    if module.kind == "encoder":
        return module.encode(rows["frames"][0])[:, :16, :16]
    latent = rows["latents"][0, :, :16, :16].astype(np.float32)
    return module.decode(np.tile(latent, (module.view.channels // len(latent), 1, 1)))


def machine() -> str:
    """What equal bytes are promised on."""
    flags = Path("/proc/cpuinfo")
    text = flags.read_text(encoding="utf-8") if flags.exists() else ""
    model = next((line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")), "")
    # A virtual machine may call processors of any width alike; wider vectors add in another order.
    model += ", AVX-512" if " avx512f " in text else ""
    return f"{model or platform.processor()}, numba {version('numba')}, numpy {version('numpy')}"

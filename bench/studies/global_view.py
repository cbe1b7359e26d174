"""The global view beside ridge regression of the same shape and beside the picture's mean colour alone.

python -m bench.studies.global_view DATA.h5 [SECONDS]: evolve the global encoder, and print held-out figures of all.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from olacore.data import Dataset, open_dataset
from olacore.media.frames import spatial_mean
from olacore.quality.baselines import Baselines
from olacore.quality.metrics import Metrics
from olacore.search.config import TrainConfig
from olacore.search.train import train


def mean_colour_figures(dataset: Dataset, mean: np.ndarray) -> dict[str, Any]:
    """Held-out figures of least squares from the three numbers of a picture's mean colour to the latent's mean."""
    colours, latents = {}, {}
    for split in ("train", "held-out"):
        rows = dataset.read(("frames", "latents"), dataset.indices(split))
        seen = rows["frames"].mean((1, 2), dtype=np.float64)
        colours[split] = np.hstack([seen, np.ones((len(seen), 1))])
        latents[split] = spatial_mean(rows["latents"])
    solution = np.linalg.lstsq(colours["train"], latents["train"], rcond=None)[0]
    metrics = Metrics(mean, pixels=False)
    predicted = (colours["held-out"] @ solution).T.astype(np.float32)
    metrics.add(predicted, latents["held-out"].T, len(latents["held-out"]))
    return metrics.figures()


def main(h5: Path, seconds: float) -> None:
    """Evolve, measure, print."""
    with tempfile.TemporaryDirectory() as folder:
        config = TrainConfig("encoder", (h5,), view="global", seconds=seconds, out=Path(folder) / "run")
        result = train(config)
        baselines = Baselines.load(Path(folder) / "run" / "baselines.safetensors")
    scaling = result.module.scaling
    mean = scaling.restore_targets(baselines.mean[:, None].copy())[:, 0]
    with open_dataset([h5]) as dataset:
        figures = {**result.figures, "mean colour": mean_colour_figures(dataset, mean)}
        rows = len(dataset.indices("train"))
    print(f"{rows} training pictures; shrinkage {result.module.training['options']['shrinkage']}")
    for name, values in figures.items():
        row = "  ".join(f"{key} {values[key]:.4f}" for key in ("l2", "cosine", "cosine_centered"))
        print(f"{name:14s} {row}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 20.0)

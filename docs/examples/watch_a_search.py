"""
A search, watched
=================

Callbacks are called with every event of a search. Here they keep the validation loss, of an affine map and of a stack,
on pairs that no affine map can tell.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import olacore
from olacore.data import write_pairs
from olacore.search.observers import Validated

folder = Path(tempfile.mkdtemp())
rng = np.random.default_rng(0)
inputs = rng.normal(size=(1500, 8))
targets = np.tanh(inputs @ rng.normal(size=(8, 16)) / 2) @ rng.normal(size=(16, 3)) / 4
write_pairs(folder / "pairs.h5", inputs, targets)

curves = {}
for name, more in (("affine", {"generations": 30}), ("stack", {"stack": 24, "generations": 40})):
    curve = curves.setdefault(name, [])
    config = olacore.TrainConfig(None, (folder / "pairs.h5",), out=folder / name, report_every=2, **more)
    olacore.train(config, callbacks=[lambda event, c=curve: isinstance(event, Validated) and c.append(event.loss)])

# %%
# The stack evolves the affine map first. Its hidden units then join, and take what an affine map leaves.

figure, axis = plt.subplots(figsize=(7, 3.2))
for name, curve in curves.items():
    axis.plot(np.arange(1, len(curve) + 1) * 2, curve, label=name)
axis.axhline(float(targets[1200:1350].var()), color="gray", linestyle=":", label="mean of the targets")
axis.set(xlabel="generation", ylabel="validation loss", yscale="log")
axis.legend()
figure.tight_layout()

"""The figures of the organic VAE: training, backprop beside it, quality of whole photographs, speed.

`python -m bench.ovae --data DIR --out FILE` does what is missing and writes JSON, tables and curves.
"""

PARTS = ("train", "backprop", "quality", "speed", "report")

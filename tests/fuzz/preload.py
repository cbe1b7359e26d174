"""What a process is forked from has loaded: what takes long, so that one that died is replaced at once."""

import os
from importlib import import_module

# One case at a time and one thread for it; before anything that reads these is loaded.
for name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
os.environ["MPLBACKEND"] = "agg"
os.environ["HF_HUB_OFFLINE"] = "1"

for module in ("h5py", "numba", "matplotlib.pyplot", "PIL.Image", "bench.speed.suite", "tests.fuzz.worker"):
    import_module(module)

"""What a process is forked from has loaded: everything heavy, so that one that died is replaced at once."""

import os
from contextlib import suppress
from importlib import import_module

# One case at a time and one thread for it; before anything that reads these is loaded.
for name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
os.environ["MPLBACKEND"] = "agg"
os.environ["HF_HUB_OFFLINE"] = "1"

HEAVY = (
    "torch",
    "diffusers",
    "av",
    "h5py",
    "matplotlib.pyplot",
    "PIL.Image",
    "cli",
    "bench.speed.suite",
    "tests.fuzz.worker",
)
for module in HEAVY:
    with suppress(ImportError):  # what an extra brings; its kinds are left out then
        import_module(module)

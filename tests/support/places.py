"""Where things are that tests read."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "datasets" / "sample.h5"
# Real photographs, videos and models, which only some checkouts lie beside.
SHARED = ROOT.parent / "shared" / "data"

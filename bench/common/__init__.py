"""What all benchmarks share: clocks, the machine, kept measurements, targets, tables, curves and reports."""

from pathlib import Path

# Reports that are kept with the code.
RESULTS = Path(__file__).resolve().parents[1] / "results"

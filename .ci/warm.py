"""Compile every kernel once, as it is measured at a small size."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from bench.speed.compute_cases import codec_cases, product_cases, unit_cases
from bench.speed.kernels import SMALL, moving_cases
from bench.speed.memory_cases import gather_cases

# The demo runs at the same time: what it needs last comes first.
late = [*reversed([*codec_cases(SMALL.n)]), *unit_cases(SMALL), *gather_cases(SMALL.n)]
for case in [*late, *moving_cases(SMALL), *product_cases(SMALL)]:
    case.action()

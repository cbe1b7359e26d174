"""Compile every kernel once, as it is measured at a small size."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from bench.speed.compute_cases import codec_cases, product_cases
from bench.speed.kernels import SMALL, moving_cases

# The demo, which may run at the same time, begins with products and ends with codecs.
for case in [*reversed([*codec_cases(SMALL.n)]), *moving_cases(SMALL), *product_cases(SMALL)]:
    case.action()

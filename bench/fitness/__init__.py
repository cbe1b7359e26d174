"""Searches for a fitness beside those of other libraries: `python -m bench.fitness --json FILE`."""

"""Comparison of searches on equal terms: loss against CPU-seconds, for our strategies, other people's and backprop.

`python -m bench.peers --out FOLDER` runs what is missing there and writes tables, a plot and JSON.
"""

"""Which sources decide about what is kept: with any of them it is measured anew."""

# The course of a search.
SEARCH = (
    "olacore/blocks.py",
    "olacore/kernels/**/*.py",
    "olacore/losses/**/*.py",
    "olacore/strategies/**/*.py",
    "olacore/search/**/*.py",
    "olacore/views/**/*.py",
    "olacore/data/encoded.py",
    "olacore/data/stream.py",
)
# What is learnt by backprop.
BACKPROP = (
    "olacore/blocks.py",
    "teachers/comparison/backprop.py",
    "bench/common/clock.py",
    "bench/ovae/learning.py",
    "olacore/views/**/*.py",
)
# What is read off pictures.
PICTURES = ("olacore/quality/**/*.py", "bench/ovae/quality.py")
# How long encoding and decoding take.
SPEED = ("olacore/modules/**/*.py", "olacore/kernels/**/*.py", "bench/ovae/speed.py")

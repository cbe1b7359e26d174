"""Losses by name; what they compile stands in `olacore.kernels`."""

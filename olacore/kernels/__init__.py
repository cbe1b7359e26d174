"""Compiled kernels, one purpose a file; `olacore.embed.checked` holds their checked public forms.

Kernels never check and never raise: arrays are C-contiguous and writable, of float32 where nothing else is said,
and fit each other.
"""

"""Organic modules as parts of other programs, under torch."""

"""The large networks that olacore clones: the only package that uses torch, and only once one is loaded."""

from teachers.photographs import PictureRule
from teachers.precompute import Summary, precompute
from teachers.protocol import Teacher, load_teacher

__all__ = ["PictureRule", "Summary", "Teacher", "load_teacher", "precompute"]

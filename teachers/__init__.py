"""The large networks that olacore clones: the only package that uses torch and PyAV, and only once one is needed."""

from teachers.feed import default_workers
from teachers.loading import LoadOptions, load_any_teacher, load_teacher
from teachers.organic import OrganicEncoder
from teachers.photographs import PictureRule
from teachers.precompute import Summary, precompute
from teachers.protocol import Encoder, PairMaker, Teacher
from teachers.survey import VideoRule
from teachers.target import check_target

__all__ = [
    "Encoder",
    "LoadOptions",
    "OrganicEncoder",
    "PairMaker",
    "PictureRule",
    "Summary",
    "Teacher",
    "VideoRule",
    "check_target",
    "default_workers",
    "load_any_teacher",
    "load_teacher",
    "precompute",
]

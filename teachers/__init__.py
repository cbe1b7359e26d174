"""The large networks that olacore clones: the only package that uses torch and PyAV, and only once one is needed."""

from teachers.autoencoders.load import LoadOptions, load_any_teacher, load_teacher
from teachers.collect.crops import PictureRule
from teachers.collect.survey import VideoRule
from teachers.jobs.decode_ahead import default_workers
from teachers.jobs.output_path import check_target
from teachers.jobs.run import Summary, precompute
from teachers.own.organic import OrganicEncoder
from teachers.protocol import Encoder, PairMaker, Teacher

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

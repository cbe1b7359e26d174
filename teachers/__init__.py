"""The large networks that olacore clones: the only package that uses torch and PyAV, and only once one is needed.

Names are looked up when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from teachers.autoencoders.load import LoadOptions, load_any_teacher, load_teacher
    from teachers.collect.crops import PictureRule
    from teachers.collect.survey import VideoRule
    from teachers.jobs.decode_ahead import default_workers
    from teachers.jobs.output_path import check_target
    from teachers.jobs.run import Summary, precompute
    from teachers.own.organic import OrganicEncoder
    from teachers.protocol import Encoder, PairMaker, Teacher

_HOMES = {
    "Encoder": "teachers.protocol",
    "LoadOptions": "teachers.autoencoders.load",
    "OrganicEncoder": "teachers.own.organic",
    "PairMaker": "teachers.protocol",
    "PictureRule": "teachers.collect.crops",
    "Summary": "teachers.jobs.run",
    "Teacher": "teachers.protocol",
    "VideoRule": "teachers.collect.survey",
    "check_target": "teachers.jobs.output_path",
    "default_workers": "teachers.jobs.decode_ahead",
    "load_any_teacher": "teachers.autoencoders.load",
    "load_teacher": "teachers.autoencoders.load",
    "precompute": "teachers.jobs.run",
}

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


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'teachers' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)

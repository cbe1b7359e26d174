"""Views by kind of module and name; importing this package makes all of ours known."""

from olacore.views import patch, pictures, plain, whole, words, word_table  # isort: skip
from olacore.views import prompt, noisy, refining  # isort: skip
from olacore.views.base import VIEWS, View, add_view, find_view, view_from_dict
from olacore.views.scaling import Scaling

__all__ = [
    "VIEWS",
    "Scaling",
    "View",
    "add_view",
    "find_view",
    "noisy",
    "patch",
    "pictures",
    "plain",
    "prompt",
    "refining",
    "view_from_dict",
    "whole",
    "word_table",
    "words",
]

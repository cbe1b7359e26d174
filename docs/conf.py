"""Settings of the documentation site: `sphinx-build -W -b html docs BUILD`, without network."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from docs.extension import commands, docstrings, links, reference  # noqa: E402
from olacore.version import __version__  # noqa: E402

project, author, copyright = "olacore", "The olacore founders", "The olacore founders; Apache-2.0"
version = release = __version__
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["search.md", "extension", "examples", "gallery/sg_execution_times.rst", "sg_execution_times.rst"]
html_theme = "furo"
html_title = f"olacore {release}"
html_show_sphinx = html_copy_source = html_show_sourcelink = False
html_theme_options = {"top_of_page_buttons": []}
html_static_path: list[str] = ["static"]
html_css_files = ["site.css"]
highlight_language = "sh"
pygments_style, pygments_dark_style = "friendly", "monokai"

myst_heading_anchors = 4
# A class that two rooms have under one name; docstrings name it by that alone.
suppress_warnings = ["config.cache", "ref.python"]

# Stubs are not needed: a room is one page.
autosummary_generate = False
autodoc_typehints_format = "short"
default_role = "py:obj"
numpydoc_show_class_members = False

sphinx_gallery_conf: dict[str, Any] = {
    "examples_dirs": "examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"\.py$",
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "min_reported_time": 1e9,
    "abort_on_example_error": True,
    "plot_gallery": True,
}


def setup(app: Any) -> None:
    """Add what is ours."""
    app.connect("builder-inited", lambda app: reference.write(app))
    app.connect("autodoc-process-docstring", docstrings.process, priority=100)
    app.add_directive("ola-commands", commands.CommandsDirective)
    app.add_transform(links.Outside)

"""Links of a page that lead out of the documentation's folder.

Files that are part of the site under another name become links to that page, other files downloads; a folder, which no
site can show, is named by its place in the repository.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms import SphinxTransform

ROOT = Path(__file__).resolve().parents[2]
PAGES = {"README": "index", "CONTRIBUTING": "contributing", "CHANGELOG": "changelog"}


class Outside(SphinxTransform):
    """Changes links to pages and folders outside."""

    default_priority = 5

    def apply(self, **extra: Any) -> None:
        """Change those of a page."""
        page = Path(self.env.doc2path(self.env.docname))
        for link in list(self.document.findall(addnodes.pending_xref)):
            target = str(link.get("reftarget"))
            place = (page.parent / target).resolve()
            if not place.is_relative_to(ROOT):
                continue
            outside = place.relative_to(ROOT).as_posix()
            if outside in PAGES:  # MyST has taken the suffix and the anchor away
                link["reftarget"] = PAGES[outside]
            elif place.is_dir():
                text = link.astext()
                shown = nodes.literal("", outside)
                link.replace_self([shown] if text == outside else [*link.children, nodes.Text(" ("), shown, nodes.Text(")")])

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
# By their place in the repository without suffix. A page that is called search would be Sphinx's own.
PAGES = {
    "README": "index",
    "CONTRIBUTING": "contributing",
    "CHANGELOG": "changelog",
    "docs/search": "search-in-full",
}


class Outside(SphinxTransform):
    """Changes links to pages and folders outside."""

    default_priority = 5

    def apply(self, **extra: Any) -> None:
        """Change those of a page."""
        here = Path(self.env.doc2path(self.env.docname)).parent
        for link in list(self.document.findall(addnodes.pending_xref)):
            target = str(link.get("reftarget"))
            # MyST has found out which page is meant already, and named it from the folder of all pages.
            place = ((Path(self.env.srcdir) if link.get("refdomain") == "doc" else here) / target).resolve()
            if not place.is_relative_to(ROOT):
                continue
            outside = place.relative_to(ROOT).as_posix()
            if outside in PAGES:
                link["reftarget"] = PAGES[outside]
            elif place.is_dir():
                shown = [nodes.literal("", outside)]
                if link.astext() != outside:
                    shown = [*link.children, nodes.Text(" ("), *shown, nodes.Text(")")]
                link.replace_self(shown)

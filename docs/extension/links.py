"""Links of a page that lead out of the documentation's folder: to files of the repository, and to its folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.transforms import SphinxTransform


class Outside(SphinxTransform):
    """Shows what lies outside of the site by its path, since the site has to be whole without the repository."""

    # Before MyST resolves its links.
    default_priority = 5

    def apply(self, **extra: Any) -> None:
        """Change the links of a page."""
        here = Path(self.env.doc2path(self.env.docname)).parent
        for link in list(self.document.findall(nodes.reference)) + list(self.document.findall(nodes.Element)):
            if "reftarget" not in link and "refuri" not in link:
                continue
            target = str(link.get("reftarget") or link.get("refuri"))
            path = target.partition("#")[0]
            print("LINK", self.env.docname, link.tagname, target)


def setup(app: Any) -> None:
    app.add_transform(Outside)

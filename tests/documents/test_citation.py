"""`CITATION.cff` is what version 1.2.0 of the format asks for."""

import re
from typing import Any

import pytest
import yaml

from olacore import __version__
from tests.support.places import ROOT

# Of the format's schema: keys that a file must have, those that it may have, and what an author has.
REQUIRED = {"authors", "cff-version", "message", "title"}
OPTIONAL = {
    *("abstract", "commit", "contact", "date-released", "doi", "identifiers", "keywords", "license", "license-url"),
    *("preferred-citation", "references", "repository", "repository-artifact", "repository-code", "type", "url"),
    "version",
}
PERSON, ENTITY = {"family-names", "given-names", "alias", "name-particle", "name-suffix"}, {"name"}
BOTH = {"address", "city", "country", "email", "fax", "orcid", "post-code", "region", "tel", "website", "affiliation"}


@pytest.fixture(scope="module")
def citation() -> dict[str, Any]:
    """What the file says."""
    found = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def test_citation__has_the_keys_of_the_format(citation):
    assert citation["cff-version"] == "1.2.0"
    assert set(citation) >= REQUIRED
    assert set(citation) <= REQUIRED | OPTIONAL
    assert citation["type"] in ("software", "dataset")
    texts = [citation[key] for key in ("message", "title", "abstract", "license", "version")]
    assert all(isinstance(text, str) and text.strip() for text in texts)


def test_citation__names_authors_and_keywords_once(citation):
    assert citation["authors"]
    for author in citation["authors"]:
        assert set(author) <= PERSON | BOTH or set(author) <= ENTITY | BOTH
        assert set(author) & (PERSON | ENTITY)
    assert len(set(citation["keywords"])) == len(citation["keywords"]) > 0


def test_citation__is_of_this_version_and_licence(citation):
    assert citation["version"] == __version__
    setup = (ROOT / "setup.cfg").read_text(encoding="utf-8")
    assert re.search(rf"^license = {re.escape(citation['license'])}$", setup, re.M)
    assert [author["name"] for author in citation["authors"]] == re.findall(r"^author = (.*)$", setup, re.M)

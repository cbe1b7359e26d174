"""Which long lines of Markdown are found."""

from importlib.util import module_from_spec, spec_from_file_location

import pytest

from tests.support.places import ROOT

spec = spec_from_file_location("check_markdown", ROOT / ".ci" / "check_markdown.py")
check_markdown = module_from_spec(spec)
spec.loader.exec_module(check_markdown)

LONG = "a word " * 20
ADDRESS = "https://example.org/" + "a" * 100


@pytest.mark.parametrize(
    "line",
    [
        "a" * 101,
        f"| {LONG} | 1 |",
        f"  > | {LONG} |",
        ADDRESS,
        f"- [name]({ADDRESS})",
        f"12. {ADDRESS}",
        f"> {ADDRESS}",
        f"## The page {ADDRESS} and what is on it",
        f"```\n{LONG}\n```",
        f"  ~~~~ text\n{LONG}\n~~~\n{LONG}\n~~~~~",
        "x " * 50,
    ],
)
def test_long_lines__lets_pass_what_cannot_be_broken(line):
    assert list(check_markdown.long_lines(f"short\n{line}\nshort")) == []


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        (LONG, [1]),
        (f"short\n\n- {LONG}\n  {LONG}", [3, 4]),
        (f"# {LONG}", [1]),
        (f"See {ADDRESS}", [1]),
        (f"[{LONG}]({ADDRESS})", [1]),
        (f"```\n{LONG}\n```\n{LONG}", [4]),
        (f"```\n~~~\n```\n{LONG}", [4]),
        (f"```\n```text\n{LONG}\n```\n{LONG}", [5]),
        (f"```code```\n{LONG}", [2]),
        ("x" + "é" * 50 + " " + "x" * 49, [1]),
    ],
)
def test_long_lines__finds_what_can(text, numbers):
    assert list(check_markdown.long_lines(text)) == numbers


def test_main__names_file_and_line(tmp_path):
    for name in ("a/README.md", ".venv/c.md", "build/lib/d.md"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(f"short\n{LONG}")
    with pytest.raises(SystemExit, match=r"^lines of Markdown have at most 100 characters; wrap a/README\.md:2$"):
        check_markdown.main(tmp_path)
    (tmp_path / "a" / "README.md").write_text("short")
    check_markdown.main(tmp_path)


def test_main__finds_nothing_here():
    check_markdown.main(ROOT)

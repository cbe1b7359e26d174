"""Tables for a console, and numbers in them."""

import io

import pytest
from rich.console import Console

from bench.common.tables import Table, figure, number, to_rich


def shown(*parts) -> str:
    console = Console(width=60, record=True, file=io.StringIO())
    for part in to_rich(parts):
        console.print(part)
    return console.export_text()


def test_rich__has_title_head_and_rows():
    lines = shown(Table(["name", "n"], [["a", "1"], ["b", "22"]], "Sizes")).splitlines()
    assert lines[0].strip() == "Sizes"
    assert lines[2].split() == ["┃", "name", "┃", "n", "┃"]
    assert "│ a    │  1 │" in lines
    assert "│ b    │ 22 │" in lines


def test_rich__text_stands_on_the_left():
    assert "│ a    │ 1  │" in shown(Table(["name", "n"], [["a", "1"], ["b", "22"]], left=(0, 1))).splitlines()


def test_to_rich__takes_brackets_for_what_they_are():
    text = shown("note [bold]", Table(["[red]"], [["[4]"]], "[title]"))
    for words in ("note [bold]", "[red]", "[4]", "[title]"):
        assert words in text


@pytest.mark.parametrize(
    ("value", "text"),
    [(12345.6, "12,346"), (1126.2, "1,126"), (999.96, "1000"), (12.3456, "12.35"), (-0.052617, "-0.05262"), (0, "0")],
)
def test_number__has_four_digits_and_no_exponent(value, text):
    assert number(value) == text


def test_figure__has_three_digits_and_no_exponent():
    assert [figure(value) for value in (12345.6, 123.4, 12.345, 0.01234)] == ["12,346", "123", "12.3", "0.0123"]


def test_number__shows_a_dash_for_what_is_not_there():
    assert number(None) == figure(None) == "-"

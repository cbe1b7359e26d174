"""Tables and JSON on standard output."""

import json

from olacore.commands.show import number, print_figures, print_json


def test_print_figures__has_a_row_for_each_and_the_numbers_alone(capsys):
    print_figures({"module": {"r2": 0.51234, "note": "x"}, "mean": {"r2": 0.0, "note": "y"}}, "held out")
    title, *rows = capsys.readouterr().out.splitlines()
    assert title.strip() == "held out"
    assert [row.split() for row in rows if "module" in row] == [["│", "module", "│", "0.5123", "│"]]
    assert not any("note" in row for row in rows)


def test_number__has_four_digits_or_is_a_dash():
    assert (number(12.3456), number(0.00001234567), number(None)) == ("12.35", "1.235e-05", "-")


def test_print_json__is_one_document(capsys):
    print_json({"a": [1, None]})
    assert json.loads(capsys.readouterr().out) == {"a": [1, None]}

"""Tables and JSON on standard output."""

from olacore.commands.show import number, print_figures, print_table


def test_print_figures__has_a_row_for_each_and_the_numbers_alone(capsys):
    print_figures({"module": {"r2": 0.51234, "note": "x"}, "mean": {"r2": 0.0, "note": "y"}}, "held out")
    title, *rows = capsys.readouterr().out.splitlines()
    assert title.strip() == "held out"
    assert [row.split() for row in rows if "module" in row] == [["│", "module", "│", "0.5123", "│"]]
    assert not any("note" in row for row in rows)


def test_number__has_four_digits_or_is_a_dash():
    assert (number(12.3456), number(0.00001234567), number(None)) == ("12.35", "1.235e-05", "-")


def test_print_table__shows_markup_links_and_control_characters_as_text(capsys):
    strange = "x[red]y[/b][link=http://a]:smile:\x1b]0;own\x07\u202e\udcff"
    print_table(["", strange], [(strange, "two\nlines")], strange)
    printed = capsys.readouterr().out
    assert printed.count(r"x[red]y[/b][link=http://a]:smile:\x1b]0;own\x07\u202e\xff") == 3
    assert not {"\x1b", "\x07", "\u202e", "\udcff"} & set(printed)
    assert sum("two" in line or "lines" in line for line in printed.splitlines()) == 2

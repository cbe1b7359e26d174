"""The group: lazy commands, errors and log lines."""

import io
import logging
import sys

from click.testing import CliRunner

from olacore.commands.group import Commands, StandardError
from tests.support.command import check_refusal, ola


def test_help__of_all_commands_imports_none():
    """Their places do not even exist."""
    group = Commands({"one": ("nowhere.one:one", "Do one."), "two": ("nowhere.two:two", "Do two; then rest.")})
    result = CliRunner().invoke(group, ["--help"])
    assert result.exit_code == 0
    assert "  one  Do one.\n  two  Do two; then rest.\n" in result.output


def test_usage_errors__exit_with_2():
    assert "No such command 'guess'" in ola("guess", code=2).stderr
    ola("decode", code=2)


def test_errors__are_one_line_and_exit_code_1():
    check_refusal("cannot read missing", "inspect", "missing.h5")


def test_log_lines__go_to_what_standard_error_is_when_they_come(monkeypatch):
    """So that progress bars, which take its place, make room for them."""
    handler, seen = StandardError(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", seen)
    handler.emit(logging.LogRecord("olacore", logging.INFO, "", 0, "memory plan", None, None))
    assert seen.getvalue() == "memory plan\n"

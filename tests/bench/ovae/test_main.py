"""The command line: help, and errors in one line."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from bench.ovae.__main__ import main


def test_main__explains_itself():
    done = subprocess.run([sys.executable, "-m", "bench.ovae", "--help"], capture_output=True, text=True, check=True)
    assert "Folder of the data sets; missing ones are made." in " ".join(done.stdout.split())


@pytest.mark.usefixtures("tiny")
def test_main__ends_in_one_line_where_there_is_no_such_recipe(tmp_path):
    result = CliRunner().invoke(main, ["--data", str(tmp_path), "--recipe", "sd9-pair"])
    assert result.exit_code == 1
    assert result.output == "Error: there is no 'sd9-pair' among the recipes; there are " + (
        "codec4-pair, sd15-encoder, sd15-decoder.\n"
    )

"""Running `ola` in this process, and a folder of small modules, data and pictures to run it on."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from click.testing import CliRunner, Result

import cli
from olacore.media.pictures import write_picture
from olacore.quality.vae_test.request import Given
from tests.support.makers import OTHER_SPACE, make_module, smooth_pictures, write_pictures
from tests.support.vae_samples import DECODER, encoder, paired_decoder

SHORT = ("--generations", "10", "--population", "4", "--block", "2048")


def ola(*arguments: object, code: int = 0) -> Result:
    """Run a command, which must end with that exit code."""
    result = CliRunner().invoke(cli.group(), [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    return result


def check_refusal(sentence: str, *arguments: object) -> None:
    """Run a command that must end in one line that matches `sentence`, and exit code 1."""
    result = ola(*arguments, code=1)
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert re.search(sentence, result.stderr)


def fill(folder: Path) -> None:
    """Write modules E, D, P (the pair of E) and S (a stranger), data.h5, two photographs and what is broken."""
    encoder().module.save(folder / "E")
    paired_decoder(Given.load(folder / "E")).module.save(folder / "P")
    make_module(DECODER, seed=1).save(folder / "D")
    make_module(DECODER, OTHER_SPACE).save(folder / "S")
    write_pictures(folder / "data.h5")
    (folder / "photos").mkdir()
    for name, picture in zip(("a", "b"), smooth_pictures(2, 27, 40), strict=True):
        write_picture(folder / "photos" / f"{name}.png", picture)
    (folder / "broken.png").write_text("hello")
    np.save(folder / "nan.npy", np.full((4, 2, 2), np.nan, np.float32))

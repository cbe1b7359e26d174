"""The command that makes a run again."""

import shlex
from dataclasses import fields

from click.testing import CliRunner

from olacore.commands.train import train
from olacore.reports.asked import command_of, short_path
from olacore.search.config import TrainConfig
from olacore.search.sessions import asked


def test_command_of__is_taken_by_the_command_line_as_it_was_asked(monkeypatch):
    config = TrainConfig(
        "decoder",
        ("my data.h5", "b.h5"),
        window=5,
        strategy="rows",
        options={"directions": 8, "memory": 0.25},
        loss="mae",
        output_weights=(1.0,) * 3,
        weights="float16",
        seconds=90.0,
        passes=2.5,
        seed=7,
        skip_nonfinite=True,
        latents_from="codec4-encoder",
        out="runs/a b",
    )
    line = command_of(asked(config)).replace("\\\n", " ")
    words = shlex.split(line)
    assert words[:2] == ["ola", "train"]
    with train.make_context("train", words[2:]) as context:
        settings = {field.name for field in fields(TrainConfig)}
        given = {name: value for name, value in context.params.items() if name in settings}
    options = dict(given.pop("options"))
    made = TrainConfig(h5=tuple(given.pop("h5")), options=options, **given)
    assert asked(made) | {"options": {"directions": 8, "memory": 0.25}} == asked(config)
    assert CliRunner().invoke(train, ["--help"]).exit_code == 0


def test_command_of__breaks_long_lines_for_a_shell():
    config = TrainConfig(None, tuple(f"part-{number}.h5" for number in range(20)), seed=1)
    lines = command_of(asked(config)).split("\n")
    assert len(lines) > 2
    assert all(line.endswith(" \\") for line in lines[:-1])
    assert max(map(len, lines)) < 100


def test_short_path__leaves_folders_of_the_machine_out():
    assert short_path("/home/somebody/data/a.h5") == "a.h5"
    assert short_path("data/a.h5") == "data/a.h5"

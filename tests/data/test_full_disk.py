"""A disk that is full at any write, sync or close: one sentence, no crash, and nothing lost of what was there."""

from tests.support.full_disk import run_full

# A checkpoint and a module that are there, written again.
REPLACED = """
import numpy as np
from olacore.files import append_to_file
from olacore.search.checkpoint import load_checkpoint, save_checkpoint
arrays = {"a": np.arange(900, dtype=np.float32), "b": np.zeros(3)}
path, log = out / "checkpoint.safetensors", out / "log.jsonl"
save_checkpoint(path, arrays, {"generation": 1})
append_to_file(log, b"x" * 99)
before, size = path.read_bytes(), path.stat().st_size
def save():
    save_checkpoint(path, {**arrays, "a": arrays["a"] + 1}, {"generation": 2})
def append():
    append_to_file(log, b"y" * 99)
levels = 0
for room, sync, close in [*((room, 0, 0) for room in range(0, size, size // 100)), (-1, 1, 0), (-1, 0, 1)]:
    fill("checkpoint", room, sync, close)
    fails_well(save)
    assert path.read_bytes() == before
    levels += 1
for room in range(99):
    fill("log", room)
    fails_well(append)
    assert log.read_bytes() == b"x" * 99
    levels += 1
assert sorted(file.name for file in out.iterdir()) == ["checkpoint.safetensors", "log.jsonl"]
print(levels)
"""

# A data file, filled up while it is made or while rows are added, is gone or can be resumed to equal bytes.
DATA = """
from itertools import pairwise
from tests.support.data_samples import make_rows, open_writer, part_of, write_latents
content = make_rows(0, 9)
path, whole = out / "data.h5", write_latents(out.parent / "whole.h5", (9,)).read_bytes()
def make(name="data.h5", room=-1, sync=0):
    fill(name, room, sync)
    with open_writer(path) as writer:
        for first in range(0, 9, 3):
            writer.append(**part_of(content, first, first + 3))
def add(room, sync=0):
    with open_writer(path) as writer:
        fill("data.h5", room, sync)
        for first in range(0, 9, 3):
            writer.append(**part_of(content, first, first + 3))
make()
size = disk.bytes_written()
levels = 0
for job, arguments in [
    *((make, ("data.h5", room)) for room in range(0, size - 600, size // STEPS)),
    *((add, (room,)) for room in range(0, size // 2, size // STEPS)),
    (make, ("data.h5", -1, 1)),
    (add, (-1, 1)),
]:
    path.unlink(missing_ok=True)
    fails_well_in_a_child(job, *arguments)
    assert [file.name for file in out.iterdir()] == [path.name] * path.exists()
    with open_writer(path, resume=True) as writer:
        done = writer.rows_valid
        writer.append(**part_of(content, done, 9))
    assert path.read_bytes() == whole, (job, arguments, done)
    levels += 1
print(levels)
"""


def test_full_disk__leaves_the_old_file_at_every_level(tmp_path):
    (tmp_path / "out").mkdir()
    assert int(run_full(REPLACED, tmp_path / "out")) > 190


def test_full_disk__leaves_a_data_file_that_can_be_resumed(tmp_path):
    (tmp_path / "out").mkdir()
    assert int(run_full("STEPS = 20" + DATA, tmp_path / "out")) > 25

"""The fuzzer finds what is planted, its damage is the same again, and a few dozen mangled files are taken well."""

from __future__ import annotations

import io
import json
import os
import signal
from pathlib import Path
from random import Random

import h5py
import pytest

from tests.fuzz import planted
from tests.fuzz.__main__ import replay, summary
from tests.fuzz.cases import NOTE, WRONG, build
from tests.fuzz.damage import FAILED, damage, hdf5, safetensors
from tests.fuzz.kinds import KINDS
from tests.fuzz.pool import Fuzzer, Limits
from tests.support.makers import make_module
from tests.support.vae_samples import ENCODER

LIMITS = Limits(seconds=1, memory=100 << 20)


def test_fuzzer__finds_what_is_planted_and_replays_it(tmp_path):
    fuzzer = Fuzzer(planted.KINDS, tmp_path / "sound", 2, tmp_path / "kept", "tests.fuzz.planted:group", LIMITS)
    fuzzer.prepare()
    fuzzer.run(600, cases=len(planted.KINDS))
    for name, tally in fuzzer.tallies.items():
        assert (tally.cases, tally.verdicts[name]) == (1, 1), fuzzer.found
    assert {found.outcome.verdict for found in fuzzer.found.values()} == {*planted.FAULTS} < {*WRONG}
    places = "\n".join(fuzzer.found)
    for sign in ("ZeroDivisionError at tests/fuzz/planted.py:", "hang at tests/fuzz/planted.py:", "SIGSEGV at "):
        assert sign in places
    found = json.loads(json.dumps(summary(fuzzer, {"seconds": 1.0})))
    assert found["kinds"]["hang"]["verdicts"] == {"hang": 1}
    notes = sorted((tmp_path / "kept").glob(f"*/{NOTE}"))
    assert len(notes) == len(planted.FAULTS) == len(found["places"])
    crash = next(note for note in notes if "SIGSEGV" in note.parent.name)
    assert replay(crash, "tests.fuzz.planted:group", LIMITS) == 1
    (crash.parent / "file").write_bytes(planted.SOUND)
    assert replay(crash, "tests.fuzz.planted:group", LIMITS) == 0


def test_fuzzer__begins_nothing_where_a_command_fails_on_sound_files(tmp_path, monkeypatch):
    monkeypatch.setattr(planted, "SOUND", b"another")
    fuzzer = Fuzzer(
        {"traceback": planted.KINDS["traceback"]}, tmp_path, group="tests.fuzz.planted:group", limits=LIMITS
    )
    with pytest.raises(RuntimeError, match=r"`ola traceback file` on sound files: .*ZeroDivisionError"):
        fuzzer.prepare()


def test_damage__that_ends_the_library_which_does_it__ends_no_run(monkeypatch):
    monkeypatch.setattr(hdf5, "WAYS", [lambda rng, file: os.kill(os.getpid(), signal.SIGKILL)])
    data = io.BytesIO()
    h5py.File(data, "w").close()
    ends = [damage(Random(seed), data.getvalue(), data.getvalue())[1] for seed in range(20)]
    assert any(f"{FAILED} tests.fuzz.damage.hdf5: RuntimeError ended with -9" in words for words in ends)
    assert all(len(words) > 1 or FAILED not in words[0] for words in ends)


KNOWN = ("latent", "recipe", "report", "archive", "picture", "data", "module", "set")


@pytest.mark.parametrize("name", KNOWN)
def test_damage__is_the_same_again_and_uses_what_it_knows_of_the_format(tmp_path, name):
    kind, sound = KINDS[name], tmp_path / "sound"
    sound.mkdir()
    kind.make(sound)
    changed = 0
    for number in range(40):
        cases = [build(name, kind, sound, tmp_path / f"{number}-{turn}", 5, number) for turn in "ab"]
        assert cases[0] == cases[1]
        assert not [word for word in cases[0].damage if word.startswith(FAILED)]
        one, two = ((tmp_path / f"{number}-{turn}" / cases[0].file).read_bytes() for turn in "ab")
        assert one == two
        changed += one != (sound / cases[0].file).read_bytes()
    assert changed > 30


def test_damage__of_an_empty_file_is_something():
    assert [damage(Random(number), b"", b"other") for number in range(20)]


def test_safetensors__a_file_is_put_together_and_sealed_as_it_was(tmp_path):
    make_module(ENCODER).save(tmp_path / "E")
    notes, tensors = safetensors.take_apart((tmp_path / "E").read_bytes())
    before = dict(notes)
    safetensors.seal(notes, tensors)
    assert notes == before
    assert safetensors.take_apart(safetensors.build(notes, tensors)) == (notes, tensors)


def test_safetensors__what_breaks_a_seal_is_told_from_what_does_not():
    tensors = {"a": ("F32", [1], bytes(4))}
    sound = {"olacore": '{"digest":"","x":1}'}
    safetensors.seal(sound, tensors)
    file = safetensors.build(sound, tensors)
    other = {"a": ("F32", [1], b"\0\0\0\1")}
    for changed in (safetensors.build(sound, other), file[:-1]):
        assert safetensors.breaks_seal(changed, file)
    again = dict(sound)
    safetensors.seal(again, other)
    for same in (safetensors.build(again, other), file, b"no file"):
        assert not safetensors.breaks_seal(same, file)


def test_fuzzer__finds_nothing_in_a_few_dozen_files(tmp_path: Path):
    """The long form is `python -m tests.fuzz`."""
    fuzzer = Fuzzer({name: KINDS[name] for name in ("latent", "recipe", "captions", "set")}, tmp_path)
    fuzzer.prepare()
    fuzzer.run(600, cases=80)
    assert not fuzzer.found
    assert fuzzer.tallies["latent"].verdicts.keys() == {"done", "refused"}

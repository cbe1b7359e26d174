"""`ola precompute` and `ola inspect` as a user meets them."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import cli
from olacore.data import open_dataset
from olacore.media.pictures import read_picture
from tests.support.command import check_refusal, ola
from tests.support.plain_samples import save_photographs
from tests.support.teacher_samples import save_model
from tests.support.video_samples import scene, write_video

QUICK = ["--size", "16", "--no-self-test", "--workers", "0"]


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return write_video(tmp_path / "film.mkv", np.concatenate([scene(10, number) for number in range(4)]))


def test_dry_run__makes_nothing(tmp_path: Path) -> None:
    """And needs no teacher that is there."""
    save_photographs(tmp_path / "photos", 3)
    made = (tmp_path / "photos", "--h5", tmp_path / "out.h5", "--dry-run")
    told = ola("precompute", *made, "--teacher", "none", "--text-teacher", "none", "--captions", "names")
    assert told.stderr == "3 pictures, 3 with a caption\n"
    (tmp_path / "t.csv").write_text("file,caption\nphoto0.png,one\nnone.png,two\n")
    told = ola("precompute", *made, tmp_path / "none", "--teacher", "none", "--captions", tmp_path / "t.csv", "--json")
    assert json.loads(told.stdout) == {
        "pictures": 3,
        "videos": 0,
        "captioned": 1,
        "refused": [f"expected a picture, a video or a folder of them at {tmp_path / 'none'}; nothing is there."],
        "tables": [{"table": "t.csv", "lines": 2, "matched": 1}],
        "parts": {},
    }
    assert told.stderr == ""
    assert not (tmp_path / "out.h5").exists()
    assert (
        "none of 3 files has a caption"
        in ola("precompute", *made, "--teacher", "none", "--text-teacher", "none", code=1).stderr
    )
    assert "--dry-run looks at pictures and their captions" in ola("precompute", *made, "--words", code=2).stderr


@pytest.mark.parametrize("name", ["./none", "~/none", "/none/none", "a/b/none", "none.safetensors", "none.py:fn"])
@pytest.mark.parametrize("option", ["--teacher", "--text-teacher"])
def test_dry_run__refuses_a_teacher_that_can_only_be_a_path(name: str, option: str, tmp_path: Path) -> None:
    save_photographs(tmp_path / "photos", 1)
    given = {"--teacher": "owner/none", option: name}
    made = (tmp_path / "photos", "--h5", tmp_path / "out.h5", "--captions", "names", "--dry-run")
    error = ola("precompute", *made, *(word for pair in given.items() for word in pair), code=1).stderr
    assert f"there is no {option[2:].replace('-', ' ')} {name}, a folder or file." in error
    assert len(error.splitlines()) == 1


@pytest.fixture
def teacher(tmp_path: Path) -> Path:
    return save_model(tmp_path / "tiny")


def test_precompute__then_inspect_tells_the_truth(tmp_path: Path, film: Path, teacher: Path) -> None:
    h5, sheet = tmp_path / "out.h5", tmp_path / "sheet.png"
    (tmp_path / "bad.mp4").write_text("my holidays")
    given = [
        film,
        tmp_path / "bad.mp4",
        "--teacher",
        teacher,
        "--h5",
        h5,
        "--every",
        "5",
        "--recon",
        "--least-change",
        "0",
    ]
    result = ola("precompute", *given, *QUICK)
    assert "8 rows from 4 photographs and scenes" in result.stdout
    assert "skipped: bad.mp4 is no video that can be read" in result.stderr
    facts = json.loads(ola("inspect", h5, "--json", "--sheet", sheet).output)
    assert facts["rows"] == 8
    assert facts["sources by kind"] == {"scene": 4}
    assert facts["files"]["rows"] == {"film.mkv": 8, "bad.mp4": 0}
    assert [*facts["files"]["gave nothing"]] == ["bad.mp4"]
    assert facts["settings"]["self_test"] is False
    assert (facts["settings"]["every"], facts["teacher"], facts["damaged rows"]) == (5, "tiny", [])
    assert read_picture(sheet).shape[2] == 3
    assert "already there" in ola("inspect", h5, "--sheet", sheet, code=1).stderr


def test_precompute__json_and_shards_and_training(tmp_path: Path, film: Path, teacher: Path) -> None:
    folder = tmp_path / "many"
    options = ["--teacher", teacher, "--h5", folder, "--every", "2", "--shard-size", "7", "--least-change", "0", *QUICK]
    made = json.loads(ola("precompute", film, *options, "--json").stdout)
    assert (made["rows"], made["damaged"], made["skipped"]) == (20, 0, {})
    facts = json.loads(ola("inspect", folder, "--json").output)
    assert (facts["shards"], facts["complete"], facts["files"]["planned rows"]) == (3, True, 20)
    run = ["--h5", folder, "--generations", "4", "--population", "4", "--block", "64", "--out", tmp_path / "run"]
    ola("train", "--module", "encoder", *run)
    ola("eval", tmp_path / "run" / "module.safetensors", "--h5", folder, "--split", "train", "--json")
    (folder / "shard-0003-of-0003.h5").unlink()
    assert json.loads(ola("inspect", folder, "--json").output)["complete"] is False


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--teacher", "T", "--size", "12", "--no-self-test"],
            "the size must be a multiple of 8, the pixels that a latent of tiny stands for; got 12",
        ),
        (["--teacher", "T", "--every", "2", "--fps", "2"], "got every 2 and 2.0 fps"),
        (["--teacher", "T", "--device", "cuda:7"], "so there is no cuda:7; use --device cpu"),
        (["--teacher", "none/none", "--offline"], "hub's cache does not hold that model"),
        (["--teacher", "T", "--recon"], "gives real pictures back with"),
        (["--teacher", "T", "--shard-size", "0"], "a shard holds 1 picture or more; got 0"),
        (["--teacher", "T", "--resume", "--force"], "got both"),
        (["--latents-from", "none.safetensors"], "cannot read the module none.safetensors"),
    ],
)
def test_precompute__errors_are_one_line(
    tmp_path: Path, film: Path, teacher: Path, options: list[str], message: str
) -> None:
    given = [teacher if option == "T" else option for option in options]
    result = ola("precompute", film, "--h5", tmp_path / "out.h5", *given, code=1)
    lines = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    assert message in lines[0]
    assert not (tmp_path / "out.h5").exists()


PARTS = "file,caption,part\nphoto0.png,a fox,train\nphoto1.png,a boat,lern\nphoto9.png,a cat,none\n"
MULTIPLE = r"the size must be a multiple of 8, the pixels that a latent of tiny stands for; got 60\.\n"


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (("--teacher", "tiny"), MULTIPLE),
        (
            ("--teacher", "tiny/W", "--config", "sdxl"),
            r"a multiple of 8, .* of diffusion_pytorch_model.*; got 60\.",
        ),
        (("--teacher", "tiny/W"), r"a multiple of 8, .* of diffusion_pytorch_model.*; got 60\."),
        (
            ("--teacher", "tiny", "--size", "64", "--captions", "t.csv"),
            "the part 'lern' is none of training, validation",
        ),
        (("--teacher", "tiny", "--size", "64", "--split", "t.csv", "--shares", "2"), "the part 'lern' is none of"),
        (("--teacher", "tiny", "--size", "64", "--captions", "u.csv"), "a teacher needs the package torch"),
        (("--teacher", "tiny", "--size", "64"), "a teacher needs the package torch"),
        (("--teacher", "bare", "--size", "60"), "a teacher needs the package torch"),
    ],
)
def test_precompute__refuses_before_torch_is_loaded(asked, sentence, tmp_path, monkeypatch) -> None:
    """A size that does not fit, and a part that is none; not those of pictures that are not used."""
    monkeypatch.chdir(tmp_path)
    save_photographs(tmp_path / "photos", 2)
    bare = save_model(tmp_path / "tiny")
    config = json.loads((bare / "config.json").read_text())
    shutil.copytree(bare, "bare")
    Path("bare", "config.json").write_text(json.dumps({"_class_name": config["_class_name"]}))
    Path("t.csv").write_text(PARTS)
    Path("u.csv").write_text(PARTS.replace("lern", "val"))
    monkeypatch.setitem(sys.modules, "torch", None)
    given = [str(asked[1]).replace("W", "diffusion_pytorch_model.safetensors"), *asked[2:]]
    check_refusal(sentence, "precompute", "photos", "--h5", "out", "--size", "60", "--teacher", *given)
    assert not Path("out").exists()


def test_precompute__needs_one_maker_of_latents(tmp_path: Path, film: Path) -> None:
    ola("precompute", film, "--h5", tmp_path / "out.h5", code=2)
    ola("precompute", film, "--h5", tmp_path / "out.h5", "--teacher", "a", "--latents-from", "codec4-encoder", code=2)


@pytest.mark.parametrize(("number", "word", "code"), [("SIGINT", "interrupted", 130), ("SIGTERM", "terminated", 143)])
def test_signal__keeps_what_is_done(tmp_path: Path, number: str, word: str, code: int) -> None:
    save_photographs(tmp_path / "photos", 400)
    (tmp_path / "ones.py").write_text(
        "import numpy as np\ndef fn(f): return np.ones((len(f), 1)), np.ones((len(f), 1))\n"
    )
    h5 = tmp_path / "out.h5"
    command = [sys.executable, cli.__file__, "precompute", str(tmp_path / "photos"), "--h5", str(h5), "--workers", "0"]
    command += ["--teacher", f"{tmp_path / 'ones.py'}:fn", "--size", "16", "--batch", "1"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not h5.exists():
        pass
    process.send_signal(signal.Signals[number])
    _, stderr = process.communicate()
    assert process.returncode == code
    assert f"{word}: {h5} keeps what is done; go on with the same command and --resume\n" in stderr
    subprocess.run([*command, "--resume"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with open_dataset(h5) as data:
        assert (data.count, data.complete) == (400, True)


def test_captioned__with_a_text_teacher_and_parts(tmp_path: Path, teacher: Path) -> None:
    from tests.support.text_samples import save_sentence

    pixels = np.random.default_rng(0).integers(0, 256, (6, 16, 16, 3), np.uint8)
    np.savez(tmp_path / "emoji.npz", images=pixels)
    long = "f" * 200
    rows = [("a fox", "train"), ("a hen", "train"), ("a cat", "test"), (long, "val"), ("", "train"), ("a cow", "train")]
    lines = [f"emoji\t{row}\t{caption}\t{part}" for row, (caption, part) in enumerate(rows)]
    (tmp_path / "split.tsv").write_text("\n".join(["set\trow\tcaption\tpart", *lines]))
    text = save_sentence(tmp_path / "text")
    h5 = tmp_path / "out.h5"
    given = [tmp_path / "emoji.npz", "--captions", tmp_path / "split.tsv", "--teacher", teacher, "--text-teacher", text]
    result = ola("precompute", *given, "--h5", h5, *QUICK)
    assert "5 rows from 5 photographs and scenes (3 train, 1 test, 1 val)" in result.stdout
    assert "picture 4 in emoji.npz has no caption." in result.stderr
    assert "cut to what the text teacher takes: 1 caption" in result.stderr
    facts = json.loads(ola("inspect", h5, "--json", "--sheet", tmp_path / "sheet.png").output)
    assert (facts["captions"], facts["pictures with several captions"]) == (5, 0)
    assert facts["sources by part"] == {"train": 3, "test": 1, "val": 1}
    assert facts["text teacher"].startswith("text (")
    assert facts["fields"]["embeddings"].startswith("float32")
    words = ola(
        "precompute", h5, "--words", "--common", 0, "--text-teacher", text, "--h5", tmp_path / "w.h5", *QUICK[2:3]
    )
    assert "4 words with embeddings of text" in words.stdout
    assert words.stderr == "embedding 4 words, each alone: with many thousands that takes minutes\n"
    assert json.loads(ola("inspect", tmp_path / "w.h5", "--json").output)["rows"] == 4


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--words"], "--words needs --text-teacher"),
        (["--words", "--text-teacher", "x", "--teacher", "y"], "no other teacher"),
        (["--teacher", "y"], "give one source or more"),
        (["a.png", "--teacher", "y", "--tokens"], "--tokens needs --text-teacher"),
    ],
)
def test_options__that_exclude_each_other(tmp_path: Path, given: list[str], message: str) -> None:
    assert message in ola("precompute", *given, "--h5", tmp_path / "out.h5", code=2).stderr

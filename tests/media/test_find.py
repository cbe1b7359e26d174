"""What the sources are: pictures, videos, folders, patterns and archives."""

import hashlib
import os
import socket
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from olacore.errors import FileFormatError
from olacore.media.find import Input, find_inputs
from olacore.media.pictures import read_picture
from tests.support.plain_samples import save_photographs


def names(*sources: Path) -> list[str]:
    found, refused = find_inputs(sources)
    assert refused == []
    return [one.name for one in found]


def reasons(*sources: Path) -> list[str]:
    return [reason for _, reason in find_inputs(sources)[1]]


def touch(folder: Path, *files: str) -> None:
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).touch()


def archive(folder: Path, members: dict[str, bytes], name: str = "all.zip", **options: int) -> Path:
    with zipfile.ZipFile(folder / name, "w", **options) as file:
        for member, content in members.items():
            file.writestr(member, content)
    return folder / name


def test_find_inputs__folders_are_sorted_and_hidden_files_left_out(tmp_path: Path) -> None:
    touch(tmp_path, "b.JPG", "a/c.png", ".hidden.png", "d.MKV", "captions.tsv")
    assert names(tmp_path) == ["c.png", "b.JPG", "d.MKV"]
    assert names(tmp_path / "d.MKV", tmp_path / "b.JPG") == ["d.MKV", "b.JPG"]
    assert [one.kind for one in find_inputs([tmp_path])[0]] == ["picture", "picture", "video"]


def test_find_inputs__every_suffix_that_can_be_read_is_taken(tmp_path: Path) -> None:
    pictures = ["a.jfif", "b.jpe", "c.apng", "d.pgm", "e.tga", "f.jp2", "g.mpo", "h.ico", "i.psd", "j.qoi", "k.dib"]
    films = ["l.3gp", "m.vob", "n.divx", "o.asf", "p.m2ts", "q.mpe"]
    touch(tmp_path, *pictures, *films)
    found, refused = find_inputs([tmp_path])
    assert ([one.name for one in found], refused) == ([*pictures, *films], [])
    assert [one.kind for one in found] == ["picture"] * len(pictures) + ["video"] * len(films)


def test_find_inputs__what_is_left_out_of_a_folder_is_counted(tmp_path: Path) -> None:
    touch(tmp_path, "a.png", "b.heic", "c.heic", "d/notes.txt", "e", "captions.tsv", "data.h5", "f.pdf", "g.eps")
    (reason,) = reasons(tmp_path)
    assert "holds 7 other files, left out: 2 .heic" in reason
    for kind in ("1 .txt", "1 without a suffix", "1 .h5", "1 .pdf", "1 .eps", "such as b.heic"):
        assert kind in reason
    (tmp_path / "a.png").unlink()
    assert "holds no pictures and no videos (2 .heic" in reasons(tmp_path)[0]


def test_find_inputs__thumbnails_and_copies_of_other_programs(tmp_path: Path) -> None:
    touch(tmp_path, "0.png/inside.png", "a.png", ".thumbnails/a.png", "b/.git/c/d.png", "@eaDir/a.png/SYNO.jpg")
    touch(tmp_path, "b/__MACOSX/._a.png", "b/e.png", "$RECYCLE.BIN/x.png")
    for source in (tmp_path, tmp_path / "*", tmp_path / "**"):
        assert names(source) == ["inside.png", "a.png", "e.png"]
    assert [str(one.path.name) for one in find_inputs([tmp_path / "**" / "*.png"])[0]] == [
        "inside.png",
        "a.png",
        "e.png",
    ]
    assert names(tmp_path / ".thumbnails") == names(tmp_path / ".thumb*" / "*.png") == ["a.png"]
    assert "holds copies and thumbnails" in reasons(tmp_path / "@eaDir")[0]


def test_find_inputs__patterns(tmp_path: Path) -> None:
    touch(tmp_path, "b1.png", "a1.png", "a2.txt", "c/d/e1.png")
    assert names(tmp_path / "*1.png") == ["a1.png", "b1.png"]
    assert names(tmp_path / "**" / "*1.png") == ["a1.png", "b1.png", "e1.png"]
    assert names(tmp_path / "a**.png") == ["a1.png"]
    assert names(tmp_path / "c" / "**") == ["e1.png"]
    touch(tmp_path, "[1].png")
    assert names(tmp_path / "[1].png") == ["[1].png"]


def test_find_inputs__what_is_in_several_sources_counts_once(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    touch(tmp_path, "photos/b.png", "photos/a.png", "photos/a.txt", "other/a.png")
    archive(tmp_path, {"a.png": b"", "b/a.png": b""})
    first = [Path("photos/b.png"), Path("photos"), Path("other"), Path("all.zip")]
    found, refused = find_inputs([*first, tmp_path / "photos", Path("./photos/*.png"), *first])
    assert [str(one) for one in found] == [
        "photos/b.png",
        "photos/a.png",
        "other/a.png",
        "all.zip:a.png",
        "all.zip:b/a.png",
    ]
    assert [reason for _, reason in refused] == [
        "the folder photos holds another file, left out: 1 .txt, such as a.txt.",
        f"the folder {tmp_path}/photos holds another file, left out: 1 .txt, such as a.txt.",
    ]


def test_find_inputs__links_are_followed_once(tmp_path: Path) -> None:
    touch(tmp_path, "photos/a.png", "photos/b/c.png", "elsewhere/d.png")
    photos = tmp_path / "photos"
    for name, target in (("loop", "."), ("again", "b"), ("b/up", "../.."), ("z", "loop"), ("gone.png", "nowhere.png")):
        (photos / name).symlink_to(target)
    (photos / "e.png").symlink_to("../elsewhere/d.png")
    found, refused = find_inputs([photos])
    assert [str(one.path.relative_to(photos)) for one in found] == ["a.png", "b/c.png", "b/up/elsewhere/d.png", "e.png"]
    assert [reason.rsplit("/", 1)[-1] for _, reason in refused] == [
        "gone.png is a link to what is missing; it is left out."
    ]
    assert len(names(photos / "**" / "c.png")) == 1


def test_find_inputs__pipes_and_sockets_are_named_and_not_opened(tmp_path: Path, monkeypatch) -> None:
    touch(tmp_path, "a.png")
    os.mkfifo(tmp_path / "live.png")
    # The path of a socket may not be long.
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("s.png")
        found, refused = find_inputs([tmp_path, tmp_path / "live.png", Path("/dev/null")])
    assert [one.name for one in found] == ["a.png"]
    told = [reason.rsplit("/", 1)[-1].partition(";")[0] for _, reason in refused]
    assert told == ["live.png is a named pipe", "s.png is a socket", "live.png is a named pipe", "null is a device"]


def test_find_inputs__a_folder_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch) -> None:
    touch(tmp_path, "a/b.png", "c/d.png")
    listdir = os.listdir

    def guarded(path: Path) -> list[str]:
        if Path(path).name == "a":
            raise PermissionError(13, "Permission denied")
        return listdir(path)

    monkeypatch.setattr(os, "listdir", guarded)
    found, refused = find_inputs([tmp_path])
    assert [one.name for one in found] == ["d.png"]
    assert refused == [(tmp_path / "a", f"the folder {tmp_path / 'a'} cannot be read: Permission denied.")]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\0\0\0\x18ftyp3gp4", "video"),
        (b"RIFF\0\0\0\0AVI LIST", "video"),
        (b"\x1a\x45\xdf\xa3", "video"),
        (b"\0\0\1\xba", "video"),
        ((b"G" + bytes(187)) * 3, "video"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "picture"),
        (b"\0\0\0\x18ftypavif", "picture"),
        (b"\x89PNG\r\n\x1a\n", "picture"),
        (b"", "picture"),
    ],
)
def test_find_inputs__a_file_of_an_unknown_suffix_is_taken_by_its_first_bytes(
    tmp_path: Path, content: bytes, kind: str
) -> None:
    (tmp_path / "a.bin").write_bytes(content)
    (only,) = find_inputs([tmp_path / "a.bin"])[0]
    assert only.kind == kind


def test_find_inputs__archives(tmp_path: Path) -> None:
    photo = save_photographs(tmp_path / "photos", 1)[0]
    content = photo.read_bytes()
    members = {
        "b/x.png": content,
        "a/y.png": b"",
        "a/.z.png": b"",
        "c.png/": b"",
        "__MACOSX/._x.png": b"",
        "d/t.tsv": b"",
    }
    path = archive(tmp_path, members)
    assert names(path) == ["y.png", "x.png"]
    empty, whole = find_inputs([path])[0]
    np.testing.assert_array_equal(whole.picture(), read_picture(photo))
    assert whole.digest() == hashlib.sha256(content).hexdigest()
    with pytest.raises(FileFormatError, match=r"all\.zip:a/y\.png is empty"):
        empty.picture()
    path.write_bytes(path.read_bytes().replace(content[100:110], bytes(10)))
    for use in (whole.picture, whole.digest):
        with pytest.raises(FileFormatError, match=r"all\.zip:b/x\.png cannot be unpacked: Bad CRC-32"):
            use()


def test_input__members_are_read_by_several_threads(tmp_path: Path) -> None:
    photos = save_photographs(tmp_path / "photos", 6)
    path = archive(tmp_path, {photo.name: photo.read_bytes() for photo in photos})
    given = find_inputs([path])[0]
    with ThreadPoolExecutor(4) as pool:
        found = [*pool.map(lambda one: one.picture(), given * 10)]
    for number, picture in enumerate(found):
        np.testing.assert_array_equal(picture, read_picture(photos[number % 6]))


def test_find_inputs__names_in_archives_are_names_only(tmp_path: Path) -> None:
    path = archive(tmp_path, {"/etc/a.png": b"", "../../b.png": b"", "c\\d.png": b"", "e.zip": b"", "f.mp4": b""})
    found, refused = find_inputs([path])
    assert sorted(one.name for one in found) == ["a.png", "d.png"]
    assert "holds 2 other files, left out: 1 .zip, 1 .mp4" in refused[0][1]


def lying(content: bytes) -> bytes:
    return content.replace("ü".encode(), b"\xff\xfe")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda content: content[:40], "is not a zip file"),
        (lying, "names that are no UTF-8"),
        (lambda content: b"version https://git-lfs.github.com/spec/v1", "git lfs pull"),
    ],
)
def test_find_inputs__a_damaged_archive_loses_itself_alone(
    tmp_path: Path, spoil: Callable[[bytes], bytes], words: str
) -> None:
    touch(tmp_path, "a.png", "z.png")
    path = archive(tmp_path, {"ü.png": b""}, "backup.zip")
    path.write_bytes(spoil(path.read_bytes()))
    for source in (tmp_path, tmp_path / "*"):
        found, refused = find_inputs([source])
        assert [one.name for one in found] == ["a.png", "z.png"]
        assert [where for where, _ in refused] == [path]
        assert "is no zip archive that can be read" in refused[0][1]
        assert words in refused[0][1].lower() or words in refused[0][1]


def test_input__members_that_are_too_large_encrypted_or_packed_in_an_unknown_way(tmp_path: Path) -> None:
    packed = archive(tmp_path, {"a.png": bytes(70_000_000)}, compression=zipfile.ZIP_DEFLATED)
    bomb = Input(packed, "picture", "a.png")
    for use in (bomb.picture, bomb.digest):
        with pytest.raises(FileFormatError, match=r"it would have 70,000,000 bytes, of [\d,]+ in the archive"):
            use()
    plain = archive(tmp_path, {"a.png": b"123"}, "plain.zip").read_bytes()
    # The flags stand 6 bytes behind the mark of a member, 8 behind that of its entry; the method 2 behind these.
    for shift, value, words in ((0, 1, "encrypted; give an archive without a password"), (2, 77, "not supported")):
        spoilt = bytearray(plain)
        spoilt[6 + shift] = spoilt[spoilt.index(b"PK\1\2") + 8 + shift] = value
        (tmp_path / "spoilt.zip").write_bytes(spoilt)
        with pytest.raises(FileFormatError, match=words):
            Input(tmp_path / "spoilt.zip", "picture", "a.png").picture()


def test_find_inputs__what_gives_nothing_is_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    photo = save_photographs(tmp_path / "photos", 1)[0]
    (tmp_path / "bad.zip").write_text("no archive")
    (tmp_path / "empty").mkdir()
    none = archive(tmp_path, {"notes.txt": b""})
    given = [tmp_path / "none.mp4", tmp_path / "bad.zip", photo, tmp_path / "empty", none, tmp_path / "*.gif"]
    assert [str(one) for one in find_inputs(given)[0]] == [str(photo)]
    for reason, words in zip(
        reasons(*given),
        [
            "nothing is there",
            "no zip archive",
            "holds no pictures and no videos",
            r"holds no pictures (1 .txt)",
            "nothing",
        ],
        strict=True,
    ):
        assert words in reason


def test_input__has_its_own_bound_of_pixels(tmp_path: Path) -> None:
    Image.new("RGB", (9, 9)).save(tmp_path / "a.png")
    archive(tmp_path, {"b.png": (tmp_path / "a.png").read_bytes()})
    for given in find_inputs([tmp_path], max_pixels=80)[0]:
        with pytest.raises(FileFormatError, match="--max-pixels 81 allows it"):
            given.picture()
    assert [given.picture().shape for given in find_inputs([tmp_path], max_pixels=81)[0]] == [(9, 9, 3)] * 2


def test_digest__missing(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r"cannot read the video .*a\.mp4: No such file"):
        Input(tmp_path / "a.mp4", "video").digest()

"""A video is opened from its own file alone, whatever it is called and whatever it says; the film is found in it."""

import re
import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from olacore.errors import FileFormatError
from olacore.media.find import Input
from teachers.collect import open_video
from teachers.collect.survey import VideoRule, survey
from teachers.collect.video import Video
from tests.support.odd_videos import encode, replaced, tagged, write_streams
from tests.support.video_samples import scene, write_video

NAMES = [
    "12:30 walk.mp4",
    "concat:a.mp4",
    "file:x.mp4",
    "http:a.mp4",
    "pipe:0.mp4",
    "-x.mp4",
    "a%03d.mp4",
    "100%.mp4",
    "a#b.mp4",
    "what?.mp4",
    "a b&c;d.mp4",
    "a\udcff.mp4",
]


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return encode(tmp_path_factory.mktemp("film") / "film.mp4", scene(6, 0))


def sizes(path: Path) -> list[tuple[int, int]]:
    with Video(path) as video:
        return [frame.size for frame in video]


@pytest.mark.parametrize("name", NAMES)
def test_names__that_look_like_addresses(
    tmp_path: Path, film: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(film, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert len(sizes(Path(name))) == len(sizes(tmp_path / name)) == 6


TEXTS = {
    "concat.mp4": "ffconcat version 1.0\nfile 'film.mp4'\n",
    "list.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:3,\nfilm.ts\n#EXT-X-ENDLIST\n",
    "list.mp4": "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:3,\nfilm.ts\n#EXT-X-ENDLIST\n",
    "session.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=No\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"
    "a=rtpmap:96 H264/90000\n",
    "dash.mpd": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"></MPD>',
    "numbers%d.jpg": "",
}


@pytest.mark.parametrize("name", TEXTS)
def test_texts__that_lead_elsewhere_are_not_followed(tmp_path: Path, film: Path, name: str) -> None:
    shutil.copy(film, tmp_path / "film.mp4")
    encode(tmp_path / "film.ts", scene(6, 0), "libx264")
    encode(tmp_path / "numbers1.jpg", scene(1, 0), "mjpeg", "yuvj420p", container={"update": "1"})
    (tmp_path / name).write_text(TEXTS[name] or "a pattern")
    with pytest.raises(FileFormatError, match="is of no kind of video that is read|no video that can be read"):
        Video(tmp_path / name)


def test_no_regular_file(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="is no regular file; expected a video"):
        Video(tmp_path)


def test_title__that_is_no_utf8(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", scene(3, 0))
    with open_video.open_container(path) as container:
        title = container.metadata["ENCODER"].encode()
    assert len(sizes(replaced(path, title, b"\xff\xfe" + title[2:]))) == 3


@pytest.mark.parametrize(
    ("streams", "default", "size"),
    [
        ([(1, 24, 32), (10, 48, 64)], 0, (48, 64)),  # a still before the film
        ([(1, 640, 960), (10, 48, 64)], 0, (48, 64)),  # a poster
        ([(10, 24, 32), (10, 48, 64)], 0, (48, 64)),  # a preview that moves
        ([(10, 48, 64), (10, 64, 48)], 0, (48, 64)),  # two of a kind: the one that the file names
        ([(10, 48, 64), (10, 64, 48)], 1, (64, 48)),
        ([(1, 24, 32), (1, 48, 64)], 0, (48, 64)),
    ],
)
@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_streams__the_film_is_found(
    tmp_path: Path, streams: list[tuple[int, int, int]], default: int, size: tuple[int, int], suffix: str
) -> None:
    found = sizes(write_streams(tmp_path / f"a.{suffix}", streams, default))
    assert found == [size] * max(count for count, *_ in streams)


def test_codec__that_is_unknown(tmp_path: Path) -> None:
    path = replaced(encode(tmp_path / "a.avi", scene(6, 0)), b"FMP4", b"zzzz")
    with pytest.raises(FileFormatError, match=r"a\.avi has video of a kind that cannot be decoded; convert it"):
        Video(path)


def test_encrypted(tmp_path: Path) -> None:
    keys = {"encryption_key": "76a6c65c5ea762046bd749a2e632ccbb", "encryption_kid": "a7e61c373e219033c21091fa607bf3b8"}
    path = encode(tmp_path / "a.mp4", scene(6, 0), "libx264", container={"encryption_scheme": "cenc-aes-ctr", **keys})
    with pytest.raises(FileFormatError, match=r"a\.mp4 is encrypted; it has to be decrypted first"):
        sizes(path)


def test_size__that_is_too_large(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mkv", scene(6, 0), "mjpeg", "yuvj420p")
    content = path.read_bytes()
    at = content.index(b"\xff\xc0")
    replaced(path, content[at : at + 9], content[at : at + 5] + (20_000).to_bytes(2, "big") * 2)
    found = survey(Input(path, "video"), VideoRule())
    assert re.search(r"gives no frame \(6 damaged packets\); .* at most 67,108,864 pixels", found.refused)


def test_aspect__that_makes_frames_too_large(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", scene(2, 0, 256, 256), codec="mpeg4", aspect=Fraction(255))
    assert sizes(path) == [(256, 65280)] * 2
    replaced(path, b"pasp" + bytes((0, 0, 0, 255)), b"pasp" + bytes((0, 0, 255, 255)))
    with pytest.raises(FileFormatError, match=r"a\.mp4 has frames of 16776960 x 256 square pixels; expected at most"):
        sizes(path)


def test_threads__of_frames_only_where_they_cannot_wait_for_ever(tmp_path: Path, film: Path) -> None:
    deep = encode(
        tmp_path / "a.mp4", scene(3, 0, 96, 128), "libx265", options={"x265-params": "log-level=none:pools=none"}
    )
    with Video(film) as one, Video(deep) as other:
        assert (one._stream.thread_type.name, other._stream.thread_type.name) == ("AUTO", "SLICE")
        assert max(one._codec.thread_count, other._codec.thread_count) <= 16
        assert len([*other]) == 3


def test_interlaced__is_said(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mkv", scene(4, 0), "libx264", options={"x264-params": "tff=1"}, setup=tagged())
    with Video(path) as video:
        assert len([*video]) == 4
        assert video.doubts == ("is interlaced; frames are taken as they are, with both fields",)


def test_rest__that_is_never_reached_is_said(tmp_path: Path, film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "joined.mp4"
    path.write_bytes(film.read_bytes() * 2)
    monkeypatch.setattr("teachers.collect.video.LEAST_REST", film.stat().st_size // 2)
    with Video(film) as one, Video(path) as two:
        assert len([*one]) == len([*two]) == 6
        assert (one.doubts, len(two.doubts)) == ((), 1)
        assert f"of {path.stat().st_size:,}" in two.doubts[0]


def test_pictures__are_those_of_the_film(tmp_path: Path) -> None:
    frames = scene(3, 5)
    with Video(encode(tmp_path / "a.mkv", frames, "ffv1", "bgr0")) as video:
        np.testing.assert_array_equal([frame.picture() for frame in video], frames)

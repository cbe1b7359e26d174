"""What a file is, by its name, by its first bytes, and by what the file system says of it."""

from __future__ import annotations

import os
import stat
from functools import lru_cache
from pathlib import Path

# Formats that Pillow knows, and that are no pictures to us: they start another program (EPS), hold numbers of no told
# range (FITS, SPIDER), can be named but not decoded, or are previews alone.
FOREIGN = frozenset(
    ("BUFR", "EPS", "FITS", "GRIB", "HDF5", "IPTC", "MCIDAS", "MPEG", "PDF", "SPIDER", "WMF", "XVTHUMB")
)
VIDEO_SUFFIXES = frozenset(
    (
        *(".3g2", ".3gp", ".amv", ".asf", ".avi", ".divx", ".dv", ".f4v", ".flv", ".ivf", ".m1v", ".m2t", ".m2ts"),
        *(".m2v", ".m4v", ".mjpeg", ".mjpg", ".mkv", ".mov", ".mp4", ".mpe", ".mpeg", ".mpg", ".mpv", ".mts", ".mxf"),
        *(".nut", ".ogm", ".ogv", ".qt", ".rm", ".rmvb", ".ts", ".vob", ".webm", ".wmv", ".wtv", ".y4m"),
    )
)
# Pixels of the largest picture that is read unless more are asked for: more than any camera has.
MAX_PIXELS = 1 << 28
# Bytes that `describe_other` and `is_video` look at.
START = 4096
# Brands of the MP4 family that are pictures.
STILLS = {b"heic": "HEIC", b"heix": "HEIC", b"heim": "HEIC", b"mif1": "HEIF", b"msf1": "HEIF", b"avif": "AVIF"}
# Where the marks of videos stand, and their bytes.
VIDEO_STARTS = (
    (0, b"\x1a\x45\xdf\xa3"),  # Matroska, WebM
    (0, b"\x00\x00\x01\xba"),  # MPEG program stream, VOB
    (0, b"\x00\x00\x01\xb3"),  # MPEG video
    (0, b"FLV\x01"),
    (0, b"OggS"),
    (0, b".RMF"),
    (0, b"YUV4MPEG2"),
    (0, b"DKIF"),  # IVF
    (0, b"nut/multimedia container"),
    (0, bytes.fromhex("3026b2758e66cf11")),  # ASF, WMV
    (0, bytes.fromhex("060e2b34020501010d0102")),  # MXF
    (8, b"AVI "),
    (4, b"moov"),
    (4, b"mdat"),
)
STARTS = (
    (b"version https://git-lfs.github.com/spec/", "a Git LFS pointer in place of the file; run `git lfs pull`"),
    (b"PK\x03\x04", "a zip archive; give it the suffix .zip"),
    (b"%PDF-", "a PDF document"),
    (b"%!PS", "a PostScript document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"\x93NUMPY", "a .npy file"),
    (b"\xff\x0a", "a JPEG XL picture, which cannot be read; convert it to PNG"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL picture, which cannot be read; convert it to PNG"),
    (b"SIMPLE  =", "a FITS file, whose numbers are of no known range"),
)


@lru_cache
def picture_suffixes() -> frozenset[str]:
    """Suffixes of the pictures that Pillow can decode, in lower case, with their dots."""
    from PIL import Image

    Image.init()
    # MPO comes through the door of JPEG.
    forms = {*Image.OPEN, "MPO"} - FOREIGN
    return frozenset(suffix for suffix, form in Image.registered_extensions().items() if form in forms)


def is_video(start: bytes) -> bool:
    """Whether the first bytes of a file are those of a video."""
    if start[4:8] == b"ftyp":
        return start[8:12] not in STILLS
    transport = len(start) > 376 and {start[at] for at in (0, 188, 376)} == {0x47}
    return transport or any(start.startswith(mark, at) for at, mark in VIDEO_STARTS)


def describe_other(start: bytes) -> str:
    """Tell what a file is that is no picture, by its first bytes: words behind "it is", or "" where they do not say."""
    text = start[:START].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head")):
        return "a page of HTML, such as of an error or a login; download it again"
    if text.startswith(b"<svg") or (text.startswith(b"<?xml") and b"<svg" in text):
        return "an SVG drawing; convert it to PNG"
    if not start.strip(b"\0"):
        return "full of zeros, as after a power cut; copy it again"
    if start[4:8] == b"ftyp" and start[8:12] in STILLS:
        return f"a picture in {STILLS[start[8:12]]}, which cannot be read here; convert it to JPEG or PNG"
    if start[257:262] == b"ustar":
        return "a tar archive; unpack it"
    if is_video(start):
        return "a video; give it the suffix of one, such as .mp4"
    if start.startswith(b"PK\x03\x04") and start[30 : 30 + int.from_bytes(start[26:28], "little")].endswith(b".npy"):
        return "a .npz file of arrays; `ola decode` reads one that holds a latent"
    return next((words for mark, words in STARTS if start.startswith(mark)), "")


def look_at(path: Path) -> str:
    """Tell what is at a path, links followed, without opening it: "a file", "a folder", "" or what else."""
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - the same in every version of Python, errors and all
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return "a link to what is missing" if path.is_symlink() else ""
    except OSError as error:
        return f"not to be reached: {error.strerror}"
    if stat.S_ISREG(mode):
        return "a file"
    if stat.S_ISDIR(mode):
        return "a folder"
    kinds = {stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")

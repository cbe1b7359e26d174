"""How much a server does for one request, and for all of them together."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What requests may ask for; what is more is refused in a sentence.

    Parameters
    ----------
    prompt : characters of a prompt
    count : pictures of a request
    side : pixels of a side that a picture is enlarged to
    asked_pixels : of all pictures of a request, after they are enlarged
    start_pixels, codec_pixels : of a picture to start from, and of one for the codec playground
    body, bodies : bytes of a request, and of all that are being read or waited for
    queue : pictures that wait to be drawn
    codecs : pictures that wait for the codec playground
    seconds : from a request to its answer
    body_seconds : for a request's body to arrive
    """

    prompt: int = 2_000
    count: int = 64
    side: int = 1_024
    asked_pixels: int = 1 << 24
    start_pixels: int = 1 << 24
    codec_pixels: int = 1 << 22
    body: int = 1 << 24
    bodies: int = 1 << 26
    queue: int = 512
    codecs: int = 8
    seconds: float = 60.0
    body_seconds: float = 20.0

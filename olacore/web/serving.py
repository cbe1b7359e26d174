"""What the routes share: waiting for pictures, pictures from requests, and pictures in answers."""

from __future__ import annotations

import asyncio
import base64
import binascii
import io
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from hashlib import sha256
from math import ceil
from typing import Annotated, Any, TypeVar

import numpy as np
from fastapi import Depends, HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field, model_validator

from olacore.drawing.generator import Drawing, Generator
from olacore.drawing.notes import ALIKE, NO_SEED
from olacore.drawing.pictures import note_of
from olacore.drawing.settings import Settings
from olacore.drawing.together import Wish
from olacore.errors import ConfigError, FileFormatError
from olacore.media.decode import decode_picture
from olacore.media.pictures import crop, picture_bytes
from olacore.text.style import MOST_STYLE
from olacore.web.codecs import Codecs
from olacore.web.engine import Engine, Full
from olacore.web.limits import Limits
from olacore.web.runs import Runs

T = TypeVar("T")
# The client has left: nobody reads the answer. The number is nginx's.
LEFT = 499


@dataclass
class Serving:
    """What a server serves.

    Parameters
    ----------
    engine : that draws
    codecs : pairs of modules for the playground
    runs : that are shown
    """

    engine: Engine
    codecs: Codecs
    runs: Runs
    limits: Limits
    # One picture of a request is decoded at a time, whatever its size.
    decoding: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))

    @property
    def generator(self) -> Generator:
        """What draws."""
        return self.engine.generator


def serving_of(request: Request) -> Serving:
    """What the server of a request serves."""
    found: Serving = request.app.state.serving
    return found


Server = Annotated[Serving, Depends(serving_of)]


class Body(BaseModel):
    """A JSON body. What is null counts as left out, and what is not known is ignored, as clients expect."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, data: Any) -> Any:
        return {name: value for name, value in data.items() if value is not None} if isinstance(data, dict) else data


LIMITS = Limits()
Prompt = Annotated[str, Field(max_length=LIMITS.prompt)]
Side = Annotated[int, Field(ge=8, le=LIMITS.side)]
Count = Annotated[int, Field(ge=1, le=LIMITS.count)]
Style = Annotated[str, Field(max_length=MOST_STYLE)]
Picture = Annotated[str, Field(max_length=LIMITS.body)]


def refuse(sentence: str, status: int = 422) -> HTTPException:
    """An answer that says what is wrong."""
    return HTTPException(status, sentence)


def settings(server: Serving, **given: Any) -> Settings:
    """Settings that the set can draw with; those that are None are left out.

    Raises
    ------
    HTTPException  422 otherwise
    """
    try:
        found = Settings(**{name: value for name, value in given.items() if value is not None})
        server.generator.check(found)
    except ConfigError as error:
        raise refuse(str(error)) from error
    return found


async def draw(request: Request, server: Serving, wishes: Sequence[Wish]) -> list[Drawing]:
    """Wait for pictures; the place is given up where the client leaves or the time is over.

    Raises
    ------
    HTTPException  429 if too many wait, 504 if it takes too long
    """
    return await waited(request, server, lambda: server.engine.order(wishes).future)


def notes_of(drawings: Sequence[Drawing]) -> list[str]:
    """What whoever asked for pictures of one prompt should know."""
    if not drawings:
        return []
    if len(drawings) == 1 or drawings[0].settings.variety:
        return [*drawings[0].notes]
    return [*(note for note in drawings[0].notes if note != NO_SEED), ALIKE]


async def waited(request: Request, server: Serving, queue: Callable[[], Future[T]]) -> T:
    """Queue work of the engine and wait for it, as `draw` does."""
    try:
        future = asyncio.wrap_future(queue())
    except Full as error:
        raise HTTPException(
            429,
            "too many requests are waiting; ask again in a moment.",
            {"Retry-After": str(max(1, ceil(error.seconds)))},
        ) from error
    # The body was read: what comes next is that the client has left.
    left: asyncio.Future[Any] = asyncio.ensure_future(request.receive())
    both: set[asyncio.Future[Any]] = {future, left}
    try:
        await asyncio.wait(both, timeout=server.limits.seconds, return_when=asyncio.FIRST_COMPLETED)
        if future.done():
            return future.result()
        if left.done():
            raise HTTPException(LEFT, "the client has left.")
        raise HTTPException(504, f"the answer took longer than {server.limits.seconds:g} seconds; ask for less.")
    finally:
        left.cancel()
        future.cancel()


def bytes_of(content: str, what: str) -> bytes:
    """The bytes of a picture that came as base64 or as a data URL.

    Raises
    ------
    HTTPException  422 if it is none
    """
    if content.startswith("data:") and "," in (start := content[:64]):
        content = content[start.index(",") + 1 :]
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError) as error:
        raise refuse(f"{what} must be the file of a picture in base64; paths and addresses are not read.") from error


async def picture_of(server: Serving, content: bytes, most: int, what: str = "the picture") -> np.ndarray:
    """The picture (H, W, 3) uint8 of a request.

    Raises
    ------
    HTTPException  422 if it is none, or has more than `most` pixels
    """

    def decoded(data: bytes) -> np.ndarray:
        return decode_picture(io.BytesIO(data), what, most)

    async with server.decoding:
        try:
            return await asyncio.to_thread(decoded, content)
        except FileFormatError as error:
            # What the command line would allow is none of a client's business.
            raise refuse(f"{str(error).partition('; --max-pixels')[0].rstrip('.')}.") from error


async def start_of(server: Serving, content: str | None, strength: float) -> tuple[np.ndarray | None, dict[str, Any]]:
    """The picture to start from, its centre square at the set's size, and what files say of it as those of
    `ola generate` do.

    Raises
    ------
    HTTPException  422 if it is none, or the set starts from no picture
    """
    if content is None:
        return None, {}
    if "encoder" not in server.generator.set.files:
        raise refuse(f"the set {server.generator.set.name} has no encoder, and starts from no picture.")
    what = "the picture to start from"
    found = bytes_of(content, what)
    picture = await picture_of(server, found, server.limits.start_pixels, what)
    about = {"init": sha256(found).hexdigest(), "strength": strength}
    return await asyncio.to_thread(crop, picture, server.generator.set.size), about


def check_size(server: Serving, count: int, width: int | None, height: int | None) -> tuple[int, int] | None:
    """Width and height that pictures are to be enlarged to; None where they stay as they are drawn.

    Raises
    ------
    HTTPException  422 if all of them have too many pixels
    """
    if width is None and height is None:
        return None
    own = server.generator.set.size
    wide, high = width or own, height or own
    if (asked := count * wide * high) > (most := server.limits.asked_pixels):
        raise refuse(f"{count} pictures of {wide} x {high} are {asked:,} pixels; a request may ask for {most:,}.")
    return None if (wide, high) == (own, own) else (wide, high)


def file_of(drawing: Drawing, size: tuple[int, int] | None, suffix: str, about: Mapping[str, Any]) -> bytes:
    """The file of a drawing, as `ola generate` writes it, enlarged where a size is given."""
    from PIL import Image

    picture = drawing.picture
    if size is not None:
        picture = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))
    return picture_bytes(suffix, picture, note_of({**drawing.record, "count": 1, **about}))


async def encoded(
    drawings: Sequence[Drawing],
    size: tuple[int, int] | None = None,
    suffix: str = ".png",
    about: Mapping[str, Any] | None = None,
) -> list[str]:
    """The files of drawings in base64; those that take a while are made beside other requests.

    Parameters
    ----------
    size : width and height to enlarge them to
    suffix : of the format
    about : what else a PNG says of how it was drawn
    """

    def files() -> list[str]:
        return [base64.b64encode(file_of(one, size, suffix, about or {})).decode() for one in drawings]

    return files() if size is None and len(drawings) == 1 else await asyncio.to_thread(files)

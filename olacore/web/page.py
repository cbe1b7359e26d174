"""The page, its files, and the addresses that it calls under `/api`."""

from __future__ import annotations

import base64
from functools import cache
from importlib import resources
from time import perf_counter
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import Field

from olacore.drawing.settings import MOST_GUIDANCE, MOST_SEED, varieties
from olacore.drawing.together import Wish
from olacore.errors import FileFormatError
from olacore.media.pictures import picture_bytes
from olacore.version import __version__
from olacore.web.serving import (
    LIMITS,
    Body,
    Count,
    Picture,
    Prompt,
    Server,
    Style,
    draw,
    encoded,
    notes_of,
    picture_of,
    refuse,
    settings,
    start_of,
    waited,
)

router = APIRouter()

KINDS = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
# Captions that the page shows pictures of, spread over all of them.
EXAMPLES = 400
EXAMPLE = "a red heart"


class Asked(Body):
    """What the page asks to be drawn."""

    prompt: Prompt
    count: Count = 1
    seed: int = Field(0, ge=0, le=MOST_SEED - LIMITS.count)
    variety: float = Field(0.0, ge=0, le=1000)
    guidance: float | None = Field(None, ge=0, le=MOST_GUIDANCE)
    negative: Prompt = ""
    lean: float = Field(1.0, ge=0, le=1)
    style: Style = ""
    init: Picture | None = None
    strength: float = Field(0.5, ge=0, le=1)


@router.post("/api/draw")
async def draw_now(asked: Asked, request: Request, server: Server) -> dict[str, Any]:
    """Draw pictures of seeds that follow each other."""
    given = {name: getattr(asked, name) for name in ("variety", "guidance", "negative", "lean", "style")}
    every = [settings(server, **given, seed=asked.seed + number) for number in range(asked.count)]
    start, about = await start_of(server, asked.init, asked.strength)
    begun = perf_counter()
    drawings = await draw(request, server, [Wish(asked.prompt, one, start, asked.strength) for one in every])
    seconds = perf_counter() - begun
    files = await encoded(drawings, about=about)
    first = drawings[0] if drawings else None
    return {
        "pictures": [{"png": file, "seed": one.settings.seed} for file, one in zip(files, drawings, strict=True)],
        "notes": notes_of(drawings),
        "nearest": [{"caption": text, "cosine": cosine} for text, cosine in first.nearest] if first else [],
        "seconds": seconds,
    }


@router.get("/api/about")
async def about(server: Server) -> dict[str, Any]:
    """What the page has to know of what is served."""
    found, captions = server.generator.set, server.generator.captions.listed
    every = max(1, len(captions) // EXAMPLES)
    _, unknown = server.generator.table.read(EXAMPLE)
    return {
        "version": __version__,
        "set": found.name,
        "size": found.size,
        "levels": varieties(found.levels, server.generator.seen),
        "encoder": "encoder" in found.files,
        "styles": list(found.styles),
        "style": found.style,
        "prompt_length": server.limits.prompt,
        "codec_pixels": server.limits.codec_pixels,
        "example": captions[0] if unknown else EXAMPLE,
        "captions": captions[::every],
        "codecs": [{"name": pair.name, "latents": pair.latents} for pair in server.codecs.pairs.values()],
        "runs": server.runs.watching,
        "notes": found.about,
    }


@router.post("/api/codec/{name}")
async def codec(name: str, request: Request, server: Server) -> dict[str, Any]:
    """Send the file of a picture, which is the body, through a codec."""
    if name not in server.codecs.pairs:
        raise refuse(f"there is no codec of this name; there are {', '.join(server.codecs.pairs)}.", 404)
    picture = await picture_of(server, await request.body(), server.limits.codec_pixels)
    through = server.codecs.through
    decoded, figures = await waited(request, server, lambda: server.engine.ask(lambda: through(name, picture)))
    file = base64.b64encode(picture_bytes(".png", decoded)).decode()
    return {"png": file, **figures}


@router.get("/api/runs")
async def runs(server: Server) -> dict[str, Any]:
    """Names of the runs that are shown."""
    return {"runs": list(server.runs.found())}


@router.get("/api/runs/{name:path}")
async def run(name: str, server: Server) -> dict[str, Any]:
    """The curve of a run."""
    try:
        return server.runs.curve(name)
    except KeyError as error:
        raise refuse("there is no run of this name among those that the server was started with.", 404) from error
    except FileFormatError as error:
        raise refuse(f"the log of this run cannot be read: {type(error).__name__}.", 409) from error


@cache
def files() -> dict[str, tuple[bytes, str]]:
    """The files of the page by name, with their types; some are those of pages that work from disk."""
    own = resources.files("olacore.web") / "static"
    shared = resources.files("olacore.exports") / "page"
    found = [*own.iterdir(), *(shared / name for name in ("palette.css", "style.css", "styles.js"))]
    return {one.name: (one.read_bytes(), KINDS[one.name.rpartition(".")[2]]) for one in found}


@router.get("/")
async def index() -> Response:
    """The page."""
    return await file("index.html")


@router.get("/{name}")
async def file(name: str) -> Response:
    """A file of the page; all of them are in memory."""
    if name not in files():
        raise refuse("there is no such address on this server.", 404)
    content, kind = files()[name]
    return Response(content, media_type=kind)

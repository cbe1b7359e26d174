"""The address of OpenAI's image interface, `/v1/images/generations`, as its clients call it."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import Field

from olacore.drawing.job import with_seed
from olacore.drawing.settings import MOST_GUIDANCE, MOST_SEED
from olacore.drawing.together import Wish
from olacore.text.style import plain_style
from olacore.web.serving import LIMITS, Body, Prompt, Server, Style, check_size, draw, encoded, refuse, settings

router = APIRouter(prefix="/v1")

MOST = 10
# Styles that clients of the interface name.
THEIRS = ("vivid", "natural")
SIZE = re.compile(r"([1-9]\d{0,4})x([1-9]\d{0,4})")


class Asked(Body):
    """What the interface takes; `seed`, `variety`, `guidance`, `negative` and `lean` are additions.

    A style is one of the set's; those of the interface itself ask for nothing, unless the set has them.
    """

    prompt: Prompt
    model: str = Field("", max_length=1000)
    n: int = Field(1, ge=1, le=MOST)
    size: str = Field("auto", max_length=20)
    response_format: str = Field("b64_json", max_length=20)
    output_format: Literal["png", "jpeg", "webp"] = "png"
    stream: bool = False
    seed: int | None = Field(None, ge=0, le=MOST_SEED - MOST)
    variety: float = Field(0.0, ge=0, le=1000)
    guidance: float | None = Field(None, ge=0, le=MOST_GUIDANCE)
    negative: Prompt = ""
    lean: float = Field(1.0, ge=0, le=1)
    style: Style = ""


@router.post("/images/generations")
async def generations(asked: Asked, request: Request, server: Server) -> dict[str, Any]:
    """Draw pictures of a prompt."""
    if asked.response_format != "b64_json":
        raise refuse(
            "response_format must be b64_json: pictures are in the answer, and are not kept under an address (url)."
        )
    if asked.stream:
        raise refuse("stream must be false: pictures come when they are done.")
    width = height = None
    if asked.size != "auto":
        found = SIZE.fullmatch(asked.size)
        if not found:
            raise refuse("size must be auto or WIDTHxHEIGHT, such as 512x512.")
        width, height = int(found[1]), int(found[2])
        if not all(8 <= side <= LIMITS.side for side in (width, height)):
            raise refuse(f"size must have sides of 8 to {LIMITS.side} pixels; got {asked.size}.")
    size = check_size(server, asked.n, width, height)
    given = {name: getattr(asked, name) for name in ("variety", "guidance", "negative", "lean")}
    style = plain_style(asked.style)
    if style in server.generator.set.styles or style not in THEIRS:
        given["style"] = style
    one = with_seed(settings(server, **given), asked.seed)
    wishes = [Wish(asked.prompt, replace(one, seed=one.seed + number)) for number in range(asked.n)]
    drawings = await draw(request, server, wishes)
    own = server.generator.set.size
    return {
        "created": int(time.time()),
        "data": [{"b64_json": one} for one in await encoded(drawings, size, f".{asked.output_format}")],
        "output_format": asked.output_format,
        "size": "x".join(str(side) for side in size or (own, own)),
    }


@router.get("/models")
async def models(server: Server) -> dict[str, Any]:
    """The one set that is served; any other name that a request has is taken for it."""
    one = {"id": server.generator.set.name, "object": "model", "created": 0, "owned_by": "olacore"}
    return {"object": "list", "data": [one]}

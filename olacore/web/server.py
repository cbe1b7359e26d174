"""The application, and the server that runs it until it is asked to stop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from olacore.drawing.generator import Generator
from olacore.errors import ConfigError
from olacore.foreign.names import json_value
from olacore.foreign.schema import shown
from olacore.version import __version__
from olacore.web import images, page, sdapi
from olacore.web.codecs import Codecs
from olacore.web.engine import Engine
from olacore.web.guard import FAILED, Guard
from olacore.web.limits import Limits
from olacore.web.runs import Runs
from olacore.web.serving import Serving

# Connections at once; what is more gets 503 from uvicorn itself.
MOST_CONNECTIONS = 512
# Seconds that answers in the making are waited for at the end.
GRACE = 30
# OpenAI's names of errors, by status.
TYPES = {429: "rate_limit_exceeded", 500: "server_error", 504: "server_error"}


def application(generator: Generator, runs: Sequence[Path] = (), host: str = "127.0.0.1", **limits: Any) -> Guard:
    """Make the application; its engine starts and ends with it.

    Parameters
    ----------
    generator : that draws
    runs : folders whose logs are shown
    host : that it will listen at, which decides whom it answers
    limits : of `Limits`, by name

    Raises
    ------
    FileFormatError  if `runs` has what is no folder
    """
    bounds = Limits(**limits)
    engine = Engine(generator, bounds.queue, bounds.codecs)
    serving = Serving(engine, Codecs(), Runs(runs), bounds)

    @asynccontextmanager
    async def alive(app: FastAPI) -> AsyncIterator[None]:
        await asyncio.to_thread(engine.start)
        yield
        await asyncio.to_thread(engine.close)

    # The pages that FastAPI makes of a description load scripts from elsewhere; the description itself is there.
    app = FastAPI(title="olacore", version=__version__, docs_url=None, redoc_url=None, lifespan=alive)
    app.state.serving = serving
    for router in (sdapi.router, images.router, page.router):
        app.include_router(router)
    app.add_exception_handler(HTTPException, refused)
    app.add_exception_handler(RequestValidationError, misfit)
    app.add_exception_handler(Exception, failed)
    return Guard(app, host, bounds)


async def refused(request: Request, error: Any) -> JSONResponse:
    """Answer with the sentence of an error, in the shape that the address' clients read."""
    sentence, status = f"{str(error.detail).rstrip('.')}.", error.status_code
    if status == 405:
        sentence = f"this address takes {error.headers['Allow']} and not {request.method}."
    if request.url.path.startswith("/v1/"):
        kind = TYPES.get(status, "invalid_request_error")
        content: dict[str, Any] = {"error": {"message": sentence, "type": kind, "param": None, "code": None}}
    else:
        content = {"error": "HTTPException", "detail": sentence, "body": "", "errors": sentence}
    return JSONResponse(json_value(content), status, error.headers)


async def failed(request: Request, error: Exception) -> JSONResponse:
    """Answer a fault of ours, of which the guard tells the log."""
    return await refused(request, HTTPException(500, FAILED))


async def misfit(request: Request, error: Any) -> JSONResponse:
    """Answer 422 with one sentence on the first thing that is wrong with a body."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "path"))
    if first["type"] == "json_invalid":
        sentence = f"the body is no JSON: {first.get('ctx', {}).get('error', 'it cannot be read')}."
    elif first["type"] in ("model_attributes_type", "model_type", "dict_type") and not place:
        sentence = "the body must be an object of JSON, with Content-Type: application/json."
    else:
        said = first["msg"].removeprefix("Value error, ").rstrip(".")
        given = first.get("input")
        plain = given is None or isinstance(given, str | int | float)
        got = f"; got {shown(given)}" if place and plain and first["type"] != "missing" else ""
        sentence = f"{place}: {said[:1].lower()}{said[1:]}{got}." if place else f"{said}."
    return await refused(request, HTTPException(422, sentence))


class Server(uvicorn.Server):
    """A server that ends when it is told to, and leaves signals to whoever started it."""

    def __init__(self, config: uvicorn.Config, stop: Callable[[], bool], ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._stop, self._ready = stop, ready

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them as they are."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        if self.started:
            self._ready()

    async def on_tick(self, counter: int) -> bool:
        """Called ten times a second."""
        return self._stop() or await super().on_tick(counter)


def bind(host: str, port: int) -> socket.socket:
    """A socket that is bound, so that a port that is taken is known before anything is loaded.

    Raises
    ------
    ConfigError  if the host is not this machine's, or the port is taken or not allowed
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError) as error:
        raise ConfigError(f"{host} is no address of this machine; --host takes one, such as 127.0.0.1.") from error
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        bound.close()
        reason = (error.strerror or str(error)).lower()
        raise ConfigError(
            f"cannot listen at port {port} of {host}: {reason}; name another with --port, or 0 for one that is free."
        ) from error
    return bound


def address_of(bound: socket.socket) -> str:
    """Where a browser finds it."""
    host, port = bound.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def serve(app: Guard, bound: socket.socket, stop: Callable[[], bool], ready: Callable[[], None]) -> None:
    """Answer until `stop` says so; what is in the making then is answered first.

    Parameters
    ----------
    ready : called when requests are taken
    """
    config = uvicorn.Config(
        app,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=GRACE,
    )
    Server(config, stop, ready).run(sockets=[bound])

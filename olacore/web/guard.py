"""What every request passes before anything is made of it: whose page it comes from, and how many bytes it has."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import logging
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from olacore.web.limits import Limits

logger = logging.getLogger(__name__)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

LOOPBACK = ("127.0.0.1", "::1", "localhost")
FAILED = "the server failed at this request; its log says where."
# Of each answer: nothing may be loaded from elsewhere, and no other page may show or read this one.
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}


def name_in(host: str) -> str:
    """The name or address in a Host header, in small letters; empty where it has none."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def is_local(host: str) -> bool:
    """Whether it reaches this machine alone."""
    return host in LOOPBACK or (is_address(host) and ipaddress.ip_address(host).is_loopback)


def is_address(name: str) -> bool:
    """Whether it is a number, which no name server can point elsewhere."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class Guard:
    """An ASGI application around another one.

    Parameters
    ----------
    host : that the server listens at. At a loopback address only loopback names are answered, at any other one its
        own name and addresses: a page of a stranger whose name is made to point here has another Host header
    """

    def __init__(self, app: Any, host: str, limits: Limits) -> None:
        self.app, self.limits = app, limits
        self.local = is_local(host)
        self.names = {*LOOPBACK, host.lower()} | (set() if self.local else {socket.gethostname().lower()})
        self.held = 0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Refuse a request, or pass it on with its whole body."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answering = Answering(send)
        headers = {name.lower().decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if (refused := self.foreign(scope["method"], headers)) is not None:
            await answering.refuse(403, refused)
            return
        taken = 0
        try:
            body = b""
            if (said := self.too_long(headers.get("content-length", "0"))) is not None:
                await answering.refuse(*said)
                return
            parts = []
            async with asyncio.timeout(self.limits.body_seconds):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return
                    part = message.get("body", b"")
                    taken += len(part)
                    self.held += len(part)
                    if (said := self.too_long(str(taken))) is not None:
                        await answering.refuse(*said)
                        return
                    parts.append(part)
                    if not message.get("more_body"):
                        break
            body = b"".join(parts)
            del parts
            await self.app(scope, Replay(body, receive), answering)
        except TimeoutError:
            seconds = self.limits.body_seconds
            await answering.refuse(408, f"the body of the request did not arrive within {seconds:g} seconds.")
        except Exception:  # a fault of ours, of which whoever asked gets no details
            logger.exception("a request to %s failed", scope["path"])
            await answering.refuse(500, FAILED)
        finally:
            self.held -= taken

    def foreign(self, method: str, headers: dict[str, str]) -> str | None:
        """What is wrong with where a request comes from, if anything is."""
        host = headers.get("host", "")
        name = name_in(host)
        if name not in self.names and (self.local or not is_address(name)):
            return "this name is not one that the server answers to; use its address, or start it with --host NAME."
        followed = method == "GET" and headers.get("sec-fetch-mode") == "navigate"  # a link to the page
        site, origin = headers.get("sec-fetch-site", "none"), headers.get("origin")
        other = origin is not None and urlsplit_host(origin) != host.lower()
        if other or (site not in ("none", "same-origin") and not followed):
            return "the request comes from a page of another origin; only the server's own page may ask."
        return None

    def too_long(self, length: str) -> tuple[int, str] | tuple[int, str, float] | None:
        """Status and sentence for a body of so many bytes, if it is refused."""
        most = self.limits.body
        if not (length.isascii() and length.isdigit()):
            return 400, "the header Content-Length must be a whole number."
        if len(length) > 18 or int(length) > most:
            return 413, f"the body of a request has at most {most:,} bytes."
        if self.held > self.limits.bodies:
            return 429, "too many large requests are being read; ask again in a moment.", 1.0
        return None


def urlsplit_host(origin: str) -> str:
    """Name and port of an Origin header, in small letters."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


class Replay:
    """Gives a body that was read already, and then what else comes: that the client has left."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self.body: bytes | None = body
        self.receive = receive

    async def __call__(self) -> Message:
        """The next message."""
        if (body := self.body) is not None:
            self.body = None
            return {"type": "http.request", "body": body, "more_body": False}
        return await self.receive()


class Answering:
    """Sends answers with the headers that all of them have, and refusals where nothing was sent yet."""

    def __init__(self, send: Send) -> None:
        self.send, self.started = send, False

    async def __call__(self, message: Message) -> None:
        """Send a message."""
        if message["type"] == "http.response.start":
            self.started = True
            own = {name for name, _ in message["headers"]}
            added = [(name.encode(), value.encode()) for name, value in HEADERS.items() if name.encode() not in own]
            message = {**message, "headers": [*message["headers"], *added]}
        await self.send(message)

    async def refuse(self, status: int, sentence: str, retry: float | None = None) -> None:
        """Answer with a sentence and close the connection, of which more may come that nobody reads."""
        if self.started:
            return
        content = json.dumps({"error": sentence, "detail": sentence}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
        headers.append((b"connection", b"close"))
        if retry is not None:
            headers.append((b"retry-after", str(max(1, round(retry))).encode()))
        await self({"type": "http.response.start", "status": status, "headers": headers})
        await self.send({"type": "http.response.body", "body": content})

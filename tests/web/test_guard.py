"""Who is answered, how much is read, and what is said when something fails."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from olacore.web.guard import Guard, name_in
from olacore.web.limits import Limits
from tests.support.served import serving
from tests.support.set_samples import write_set

BODY = 10_000


@pytest.fixture(scope="module")
def client(tmp_path_factory) -> Iterator[TestClient]:
    with serving(write_set(tmp_path_factory.mktemp("set")), body=BODY) as found:
        yield found


async def echo(scope, receive, send):
    """An application that answers with the length of a body."""
    message = await receive()
    content = str(len(message["body"])).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": content})


@pytest.mark.parametrize(
    ("host", "asked", "answered"),
    [
        ("127.0.0.1", "127.0.0.1:7860", True),
        ("127.0.0.1", "localhost", True),
        ("127.0.0.1", "LOCALHOST:80", True),
        ("127.0.0.1", "[::1]:7860", True),
        ("127.0.0.1", "evil.example", False),
        ("127.0.0.1", "127.0.0.1.evil.example", False),
        ("127.0.0.1", "192.168.0.7:7860", False),
        ("127.0.0.1", "", False),
        ("127.0.0.1", "[", False),
        ("0.0.0.0", "192.168.0.7:7860", True),
        ("0.0.0.0", "[fe80::1]", True),
        ("0.0.0.0", "evil.example", False),
        ("box.lan", "box.lan:7860", True),
        ("box.lan", "other.lan", False),
    ],
)
def test_host__is_a_name_of_the_server(host, asked, answered):
    client = TestClient(Guard(echo, host, Limits()), "http://x")  # type: ignore[arg-type]
    answer = client.post("/", headers={"host": asked}, content=b"abc")
    assert answer.status_code == (200 if answered else 403)
    assert answer.text == "3" if answered else "start it with --host NAME" in answer.json()["detail"]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_host__is_cut_from_its_port():
    assert [name_in(host) for host in ("A.b.:1", "[::1]:2", "user@host", "x:y:z", "")] == [
        "a.b",
        "::1",
        "host",
        "x",
        "",
    ]


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},
        {"origin": "http://["},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_origin__of_another_page_is_refused(client, headers):
    answer = client.post("/sdapi/v1/interrupt", headers=headers)
    assert answer.status_code == 403
    assert "page of another origin" in answer.json()["detail"]
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert client.get("/", headers=link).status_code == 200
    assert client.post("/api/draw", json={"prompt": "a"}, headers=link).status_code == 403
    own = {"origin": "http://127.0.0.1", "sec-fetch-site": "same-origin"}
    assert client.post("/sdapi/v1/interrupt", headers=own).status_code == 200
    assert "access-control-allow-origin" not in client.get("/api/about", headers=own).headers


def test_body__is_counted_before_it_is_read(client):
    long = json.dumps({"prompt": "x" * BODY})
    for content in (long, iter([long[:50].encode(), long[50:].encode()])):
        answer = client.post("/sdapi/v1/txt2img", content=content, headers={"content-type": "application/json"})
        assert answer.status_code == 413
        assert "at most 10,000 bytes" in answer.json()["detail"]
    for length in ("x", "-1", "1" * 30):
        answer = client.post("/sdapi/v1/txt2img", content=b"{}", headers={"content-length": length})
        assert answer.status_code in (400, 413)


def ask(app: Guard, messages: list[dict], host: str = "127.0.0.1") -> list[dict]:
    """The messages that an application sends; when there are no more to receive it waits."""
    sent: list[dict] = []

    async def receive() -> dict:
        if messages:
            return messages.pop(0)
        return await asyncio.Future()

    async def send(message: dict) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/", "headers": [(b"host", host.encode())]}
    asyncio.run(app(scope, receive, send))  # type: ignore[arg-type]
    return sent


def test_body__that_does_not_come_is_given_up():
    app = Guard(echo, "127.0.0.1", Limits(body_seconds=0.01))
    start, body = ask(app, [{"type": "http.request", "body": b"{", "more_body": True}])
    assert start["status"] == 408
    assert b"within 0.01 seconds" in body["body"]
    assert app.held == 0
    assert ask(app, [{"type": "http.disconnect"}]) == []


def test_bodies__of_all_requests_are_bounded_together():
    app = Guard(echo, "127.0.0.1", Limits(bodies=10))
    app.held = 8
    start, _ = ask(app, [{"type": "http.request", "body": b"abc", "more_body": False}])
    assert start["status"] == 429
    assert (b"retry-after", b"1") in start["headers"]
    assert app.held == 8
    start, body = ask(app, [{"type": "http.request", "body": b"ab", "more_body": False}])
    assert (start["status"], body["body"]) == (200, b"2")


def test_fault__is_one_sentence_and_its_traceback_stays_in_the_log(caplog):
    async def fails(scope, receive, send):
        raise ZeroDivisionError("/a/secret/path")

    start, body = ask(Guard(fails, "127.0.0.1", Limits()), [{"type": "http.request", "body": b"", "more_body": False}])
    assert start["status"] == 500
    assert json.loads(body["body"])["detail"] == "the server failed at this request; its log says where."
    assert "ZeroDivisionError" in caplog.text


def test_fault__of_a_route_is_one_sentence(client, caplog, monkeypatch):
    def fails(*given: object) -> None:
        raise ZeroDivisionError("/a/secret/path")

    monkeypatch.setattr("olacore.web.sdapi.info", fails)
    answer = client.post("/sdapi/v1/txt2img", json={"prompt": "a fox"})
    assert (answer.status_code, answer.json()["detail"].count(".")) == (500, 1)
    assert "secret" not in answer.text
    assert "secret" in caplog.text


def test_addresses__that_are_none(client):
    for path in ("/etc/passwd", "/../setup.cfg", "/%2e%2e/setup.cfg", "/static/..%2f..%2fserver.py", "/docs", "/none"):
        assert client.get(path).status_code == 404
    assert client.get("/openapi.json").json()["info"]["title"] == "olacore"

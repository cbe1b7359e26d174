"""`ola serve`: what it needs, and where it listens. What it does is in tests/web."""

from __future__ import annotations

import socket
import sys

import pytest

from olacore.web.server import address_of, bind
from tests.support.command import check_refusal, ola


@pytest.mark.parametrize("package", ["fastapi", "uvicorn"])
def test_serve__names_the_extra_that_is_missing(monkeypatch, package):
    for name in [one for one in sys.modules if one.startswith("olacore.web") or one.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    check_refusal(rf"ola serve needs the package {package}; pip install 'olacore\[web\]'", "serve", "--port", "0")


def test_serve__says_that_a_port_is_taken():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        sentence = f"cannot listen at port {port} of 127.0.0.1: address already in use; name another"
        check_refusal(sentence, "serve", "--port", port)


def test_serve__says_what_is_no_address():
    check_refusal("nowhere.invalid is no address of this machine", "serve", "--host", "nowhere.invalid", "--port", "0")
    check_refusal("none is no folder and no set that is shipped", "serve", "--set", "none", "--port", "0")
    check_refusal("none is no folder; name a run", "serve", "--runs", "none", "--port", "0")
    assert "no password" in ola("serve", "--help").stdout


def test_serve__warns_where_others_can_reach_it():
    """The set is not there, so that it ends after the warning."""
    result = ola("serve", "--host", "0.0.0.0", "--set", "none", "--port", "0", code=1)
    assert result.stderr.startswith("warning: whoever reaches 0.0.0.0 can use this server; it has no password.\n")


def test_address__is_one_that_a_browser_opens():
    for host, shown in (("127.0.0.1", "127.0.0.1"), ("localhost", "127.0.0.1"), ("0.0.0.0", "127.0.0.1")):
        with bind(host, 0) as bound:
            port = bound.getsockname()[1]
            assert address_of(bound) in (f"http://{shown}:{port}/", f"http://[::1]:{port}/")

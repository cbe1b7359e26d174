"""A server in this process, and one in a process of its own."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from starlette.testclient import TestClient

import olacore
from olacore.web.server import application
from tests.support.places import ROOT

# Of what the client of this process calls the server.
HERE = "http://127.0.0.1"


@contextmanager
def serving(folder: Path, runs: tuple[Path, ...] = (), **limits: Any) -> Iterator[TestClient]:
    """A client of a server that draws with a set."""
    with TestClient(application(olacore.Generator(folder), runs, **limits), HERE) as client:  # type: ignore[arg-type]
        yield client


@contextmanager
def started(*arguments: object) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command in a process of its own, and its address; it is killed if it is still there at the end."""
    command = [sys.executable, "-m", "cli", "serve", "--port", "0", *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.match(r"(http://\S+)/ draws with", line)
        assert found, line + (process.stderr.read() if process.stderr and process.poll() is not None else "")
        yield process, found[1]
    finally:
        process.kill()
        process.communicate()


def png(picture: np.ndarray) -> bytes:
    """The file of a picture."""
    content = io.BytesIO()
    Image.fromarray(picture).save(content, "PNG")
    return content.getvalue()


def in_base64(content: bytes) -> str:
    """As requests have it."""
    return base64.b64encode(content).decode()


def pixels(answer: str) -> np.ndarray:
    """The picture of an answer, (H, W, 3) uint8."""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(answer))).convert("RGB"))


def write_run(path: Path, count: int = 3, more: str = "") -> Path:
    """A run folder with a log of so many lines, and what else is in it."""
    figures = {"loss": 1.0, "validation_loss": 2.0, "trust": [0.5]}
    lines = [{"generation": n, "seconds": n / 2, **figures} for n in range(1, count + 1)]
    path.mkdir(parents=True)
    (path / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines) + more)
    return path

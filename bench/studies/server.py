"""How many pictures `ola serve` gives to many clients at once, how long they wait, and what becomes of its memory.

python -m bench.studies.server [--clients 50] [--pictures 10000] [--set google64] [--json FILE]: a server in a process
of its own on loopback, and clients in this one that ask for a picture by /sdapi/v1/txt2img as soon as they have the
last, all on the same cores. Before that one client alone types, and after it more ask than may wait. Prints tables. The
load average and the cores that other work took stand beside the figures. Needs Linux.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from bench.common.machine import foreign_note, foreign_seconds
from bench.common.markdown import write_markdown
from bench.common.report import describe_run, heading, write_report
from bench.common.tables import Table, number
from olacore.drawing.captions import Captions
from olacore.drawing.module_set import open_set
from olacore.files import check_output

SCHEMA = "olacore/server-load/1"
PACKAGES = ("fastapi", "starlette", "uvicorn", "uvloop", "httptools")
# Requests before memory is looked at, and how often it is then.
WARM, LOOKS = 500, 10
# What one client types, a letter at a time.
TYPED = ("a red heart", "woman astronaut: dark skin tone", "a cat with a hat", "pirate ship")
# Clients of the flood, and pictures that each asks for: more than may wait.
FLOOD, EACH = 40, 64


@dataclass
class Client:
    """One connection that is kept open; what is answered is counted.

    Parameters
    ----------
    statuses : how many answers of each status
    seconds : that each answer took
    lost : answers that did not come, or had no picture
    """

    port: int
    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    lost: int = 0
    _reader: asyncio.StreamReader | None = None
    _writer: asyncio.StreamWriter | None = None

    async def ask(self, path: str, given: dict[str, Any]) -> dict[str, Any]:
        """Ask once, and read the answer."""
        if self._writer is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 24)
        content = json.dumps(given).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nContent-Type: application/json\r\n"
        begun = perf_counter()
        self._writer.write(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
        assert self._reader is not None
        try:
            answer = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            length = re.search(r"content-length: (\d+)", answer)
            body = await self._reader.readexactly(int(length[1]) if length else 0)
        except (OSError, asyncio.IncompleteReadError):
            self.lost += 1
            self._writer = None
            return {}
        self.seconds.append(perf_counter() - begun)
        self.statuses[int(answer.split()[1])] += 1
        told = json.loads(body)
        if not (told.get("images") or told.get("pictures") or told.get("detail")):
            self.lost += 1
        return dict(told)

    def close(self) -> None:
        """End the connection."""
        if self._writer is not None:
            self._writer.close()


def memory_of(process: int) -> float:
    """Megabytes that a process has in memory now."""
    text = Path(f"/proc/{process}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+)", text)
    assert found
    return int(found[1]) / 1000


def processor_of(process: int) -> float:
    """Seconds that a process has computed."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def quantiles(seconds: list[float]) -> dict[str, float]:
    """Median, 95th percentile and maximum."""
    return {
        "median": float(np.median(seconds)),
        "p95": float(np.quantile(seconds, 0.95)),
        "maximum": float(np.max(seconds)),
    }


async def typing(port: int) -> dict[str, Any]:
    """One client alone asks for what is typed after each letter."""
    client = Client(port)
    own = [
        (await client.ask("/api/draw", {"prompt": text[: end + 1]}))["seconds"]
        for text in TYPED
        for end in range(len(text))
    ]
    client.close()
    return {"asked": len(own), "seconds": quantiles(client.seconds), "drawing": quantiles(own), "lost": client.lost}


async def crowd(port: int, process: int, clients: int, pictures: int, captions: list[str]) -> dict[str, Any]:
    """Many clients, each asking again as soon as it is answered."""
    asked, memory = 0, []
    every = max(1, pictures // LOOKS)
    found = [Client(port) for _ in range(clients)]

    async def work(client: Client, last: int) -> None:
        nonlocal asked
        while asked < last:
            number, asked = asked, asked + 1
            if number >= WARM and (number - WARM) % every == 0:
                memory.append(memory_of(process))
            await client.ask("/sdapi/v1/txt2img", {"prompt": captions[number % len(captions)], "seed": number})

    await asyncio.gather(*(work(client, WARM) for client in found))
    for client in found:
        client.seconds.clear()
        client.statuses.clear()
    begun, computed, own = perf_counter(), processor_of(process), processor_of(os.getpid())
    await asyncio.gather(*(work(client, WARM + pictures) for client in found))
    seconds = perf_counter() - begun
    memory.append(memory_of(process))
    statuses = sum((client.statuses for client in found), Counter())
    for client in found:
        client.close()
    return {
        "clients": clients,
        "pictures": pictures,
        "wall seconds": seconds,
        "pictures a second": statuses[200] / seconds,
        "seconds": quantiles([one for client in found for one in client.seconds]),
        "statuses": {str(status): count for status, count in sorted(statuses.items())},
        "lost": sum(client.lost for client in found),
        "memory, MB": memory,
        "processor seconds of the server": processor_of(process) - computed,
        "processor seconds of the clients": processor_of(os.getpid()) - own,
    }


async def flood(port: int, process: int) -> dict[str, Any]:
    """More is asked for at once than may wait; who is refused is told so."""
    found = [Client(port) for _ in range(FLOOD)]
    given = {"prompt": "a red heart", "batch_size": EACH}
    await asyncio.gather(*(client.ask("/sdapi/v1/txt2img", given) for client in found))
    statuses = sum((client.statuses for client in found), Counter())
    for client in found:
        client.close()
    return {
        "asked": FLOOD,
        "pictures each": EACH,
        "statuses": {str(status): count for status, count in sorted(statuses.items())},
        "lost": sum(client.lost for client in found),
        "memory, MB": memory_of(process),
    }


async def measure(port: int, process: int, asked: argparse.Namespace) -> dict[str, Any]:
    """All of it."""
    captions = Captions.read(open_set(asked.set).files["captions"]).listed
    return {
        "typing": await typing(port),
        "crowd": await crowd(port, process, asked.clients, asked.pictures, captions),
        "flood": await flood(port, process),
    }


def tables(report: dict[str, Any]) -> list[Table]:
    """Of the three parts."""
    one, many, flooded = report["typing"], report["crowd"], report["flood"]

    def milliseconds(found: dict[str, float]) -> list[str]:
        return [number(1000 * found[name], 3) for name in ("median", "p95", "maximum")]

    head = ["what", "median, ms", "95 %", "maximum"]
    waits = [
        ["one client types, to the answer", *milliseconds(one["seconds"])],
        ["one client types, at the server", *milliseconds(one["drawing"])],
        [f"{many['clients']} clients", *milliseconds(many["seconds"])],
    ]
    memory, computed = many["memory, MB"], many["processor seconds of the server"]
    figures = [
        ["pictures a second", number(many["pictures a second"], 4)],
        ["lost", str(one["lost"] + many["lost"] + flooded["lost"])],
        ["statuses", json.dumps(many["statuses"])],
        ["server's memory at the start and at the end, MB", f"{memory[0]:.1f}, {memory[-1]:.1f}"],
        [
            "processor of the server a picture, ms",
            number(1000 * computed / many["pictures"]),
        ],
        [f"statuses of {FLOOD} that ask for {EACH} each", json.dumps(flooded["statuses"])],
        ["load average before and after", ", ".join(f"{one:.1f}" for one in report["load"])],
    ]
    return [Table(head, waits), Table(["figure", ""], figures)]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--pictures", type=int, default=10_000)
    parser.add_argument("--set", default="google64")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    if asked.json:
        check_output(asked.json, force=True)
    command = [sys.executable, "-m", "cli", "serve", "--port", "0", "--set", asked.set]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        port = re.search(r":(\d+)/", server.stdout.readline())
        assert port, "the server did not start"
        load, before, began = [os.getloadavg()[0]], foreign_seconds(), perf_counter()
        computed = processor_of(server.pid)
        found = asyncio.run(measure(int(port[1]), server.pid, asked))
        ours = processor_of(server.pid) - computed
        load.append(os.getloadavg()[0])
        after = foreign_seconds()
        note = foreign_note(before, None if after is None else after - ours, perf_counter() - began)
    finally:
        server.terminate()
        server.wait()
    report = describe_run(SCHEMA, os.cpu_count() or 1, PACKAGES) | {
        "set": asked.set,
        "load": load,
        "note": note,
        **found,
    }
    notes = [heading(report, f"set {asked.set}"), *([note] if note else [])]
    sys.stdout.write(write_markdown([*notes, *tables(report)]))
    if asked.json:
        write_report(report, asked.json)


if __name__ == "__main__":
    main()

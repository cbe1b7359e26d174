"""python -m bench.peers --out FOLDER: compare our search with its peers, on equal terms.

Cells that are in the folder already are read, so that an interrupted comparison goes on where it was.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from bench.common import RESULTS

FOLDER = click.Path(path_type=Path, file_okay=False)
HELD = "OLACORE_PEERS_THREADS"


@click.command()
@click.option("--out", type=FOLDER, required=True, help="Work folder, which keeps floors and cells.")
@click.option("--data", type=FOLDER, help="Folder of the data sets; missing ones are made. Otherwise OUT/data.")
@click.option("--photos", type=FOLDER, help="Photographs that missing data sets are made from.")
@click.option("--models", type=FOLDER, help="Folder with the teachers taesd and taesd3.")
@click.option("--problem", "problems", multiple=True, help="Only these problems.")
@click.option("--contested", multiple=True, help="Problems that peers run on.")
@click.option("--peer", "peers", multiple=True, help="Only these peers.")
@click.option("--part", "parts", multiple=True, help="Only these of: ours, peers, ablations, growth, losses.")
@click.option("--default", help="Our method, with settings; otherwise olacore's default.")
@click.option("--trust-off", help="Settings that switch trust off.")
@click.option("--seeds", default=3, show_default=True)
@click.option("--own-cap", default=60.0, show_default=True, help="CPU-seconds of our own cells.")
@click.option("--cap", type=float, help="CPU-seconds of a peer; otherwise 50 times our own to 1.05.")
@click.option("--floor-passes", default=0, help="Passes of Adam for the floors; 0: by size.")
@click.option("--threads", default=1, show_default=True, help="Of kernels and products, ours and theirs.")
@click.option("--results", type=FOLDER, default=RESULTS, show_default=True, help="Where JSON and plot are written.")
@click.option("--name", help="Of the results' files; otherwise the date and `peers`.")
def main(out: Path, threads: int, **asked: object) -> None:
    """Compare our search with its peers, on equal terms."""
    hold_threads(threads)
    from bench.peers.command import compare
    from olacore.errors import OlacoreError

    try:
        compare(out, threads=threads, **asked)  # type: ignore[arg-type]
    except OlacoreError as error:
        raise click.ClickException(str(error)) from error


def hold_threads(threads: int) -> None:
    """Start again with all libraries held to so many threads, which they read once, when they are imported."""
    wanted = {
        "NUMBA_NUM_THREADS": str(threads),
        "OMP_NUM_THREADS": str(threads),
        "OPENBLAS_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        # Size of XLA's pools of threads.
        "NPROC": str(threads),
        # Threads that spin while they wait would be charged for it.
        "OMP_WAIT_POLICY": "passive",
        "JAX_PLATFORMS": "cpu",
    }
    if os.environ.get(HELD) == str(threads):
        return
    os.environ.update(wanted, **{HELD: str(threads)})
    os.execv(sys.executable, [sys.executable, "-m", "bench.peers", *sys.argv[1:]])


if __name__ == "__main__":
    main()

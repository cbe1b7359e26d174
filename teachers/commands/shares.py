"""`ola precompute --shares`: all shares of a data set, wherever a backend makes them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from olacore.commands.progress import Bar
from olacore.commands.say import print_json, say
from olacore.commands.signals import stop_on_signal
from olacore.foreign.names import counted

if TYPE_CHECKING:
    from olacore.errors import OlacoreError
    from teachers import PrecomputeConfig, Summary


def make_shares(config: PrecomputeConfig, count: int, backend: str, options: dict[str, Any], as_json: bool) -> None:
    """Make all shares, and say what each came to.

    Parameters
    ----------
    options : of the backend
    """
    import teachers

    failed = 0
    with stop_on_signal() as should_stop, Bar("shares") as bar:
        over = 0
        bar(0, count)

        def told(number: int, found: Summary | OlacoreError) -> None:
            nonlocal over, failed
            over += 1
            bar(over, count)
            if isinstance(found, Exception):
                failed += 1
                if not should_stop():
                    say(f"share {number} of {count} failed: {found}", err=True)
            else:
                say(f"share {number} of {count}: {counted(found.rows, 'row')}", err=True)

        made = teachers.precompute_shares(config, count, backend, told, should_stop, **options)
    if should_stop() and over - failed < count:
        should_stop.leave(f"{config.h5} keeps what is done; the same command goes on")
    if failed:
        say(f"error: {failed} of {count} shares failed; the same command goes on with them", err=True)
        sys.exit(1)
    rows = sum(one.rows for one in made if not isinstance(one, Exception))
    if as_json:
        print_json({"rows": rows, "shares": count})
    else:
        told = f"{counted(rows, 'row')} in {counted(count, 'share')}"
        say(f"{config.h5}: {told}; `ola merge {config.h5} -o FILE` joins them")

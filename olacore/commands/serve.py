"""`ola serve`."""

from __future__ import annotations

import logging
from pathlib import Path

import click

from olacore.commands.options import FILE
from olacore.commands.say import say
from olacore.commands.signals import stop_on_signal

LOOPBACK = "127.0.0.1"
# Where clients of AUTOMATIC1111's web UI look for it.
PORT = 7860


@click.command()
@click.option("--set", "set_name", type=FILE, help="The set that draws, as in ola generate; google64 by default.")
@click.option("--host", default=LOOPBACK, show_default=True, help="Address to listen at; there is no password.")
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="0 for one that is free.")
@click.option("--runs", type=FILE, multiple=True, help="A run, or a folder of runs, whose curves are shown.")
@click.option("--open", "open_page", is_flag=True, help="Open the page in a browser.")
def serve(set_name: Path | None, host: str, port: int, runs: tuple[Path, ...], open_page: bool) -> None:
    """Serve a page that draws while you type, and an image API.

    Clients of AUTOMATIC1111's web UI (/sdapi/v1/txt2img, img2img) and of OpenAI's images (/v1/images/generations) work
    with it. It answers this machine alone unless --host says otherwise. Ctrl-C ends it.
    """
    try:
        from olacore.web import server
    except ModuleNotFoundError as error:
        from olacore.errors import ConfigError

        raise ConfigError(f"ola serve needs the package {error.name}; pip install 'olacore[web]'.") from error
    from olacore.drawing.generator import DEFAULT_SET, Generator
    from olacore.web.guard import is_local

    with stop_on_signal() as stop:
        bound = server.bind(host, port)
        with bound:
            if not is_local(host):
                say(f"warning: whoever reaches {host} can use this server; it has no password.", err=True)
            logging.getLogger("uvicorn").setLevel(logging.WARNING)
            generator = Generator(set_name or DEFAULT_SET)
            app = server.application(generator, runs, host)
            address = server.address_of(bound)

            def ready() -> None:
                say(f"{address} draws with {generator.set.name}; Ctrl-C ends it")
                if open_page:
                    click.launch(address)

            say("loading modules", err=True)
            server.serve(app, bound, stop, ready)
            if stop():
                stop.leave("all requests are answered")

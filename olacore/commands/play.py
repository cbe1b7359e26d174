"""`ola play`."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from olacore.commands.options import FILE, Seconds, check_resumed
from olacore.commands.progress import progress_bars
from olacore.commands.say import print_json, say
from olacore.commands.show import print_table, stdout
from olacore.commands.signals import going_on, stop_on_signal
from olacore.files import check_output

if TYPE_CHECKING:
    from olacore.fitness.evolve import Evolved
    from olacore.play.snake import Snake

# What is asked of a search, and of no player that is there.
OF_SEARCH = ("seconds", "generations", "hidden", "strategy", "seed", "out", "resume")
# Pictures a second in the terminal, and what a cell looks like there: nothing, body, head, food.
RATE = 24
CELLS = (("· ", "dim"), ("██", "green"), ("██", "bright_green"), ("● ", "red"))


@click.group()
def play() -> None:
    """Evolve a player of a game from nothing, and watch it."""


@play.command()
@click.option("--time", "seconds", type=Seconds(), default=60.0, show_default="60s", help="Search.")
@click.option("--generations", type=int, help="Search so many generations instead.")
@click.option("--size", type=int, default=10, show_default=True, help="Cells along a side of the board, 4 to 32.")
@click.option("--hidden", type=int, default=0, show_default=True, help="Units of a hidden map; 0 for an affine player.")
@click.option("--strategy", default="low-rank", show_default=True, help="low-rank, full, separable or classic.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--out", type=FILE, help="Run folder; otherwise the next free one, such as runs/snake-0001.")
@click.option("--resume", is_flag=True, help="Go on with the run in the folder, exactly where it was.")
@click.option("--force", is_flag=True, help="Replace the run, and the film; with --resume the film alone.")
@click.option("--module", type=FILE, help="Let this player play, and search for none.")
@click.option("--film", type=FILE, help="Where the film of a game goes; by default snake.gif in the run folder.")
@click.option("--watch/--no-watch", default=None, help="Show a game in the terminal; by default where there is one.")
@click.option("--json", "as_json", is_flag=True, help="Print figures as JSON.")
def snake(
    size: int, module: Path | None, film: Path | None, watch: bool | None, as_json: bool, **settings: Any
) -> None:
    """Evolve a player of Snake, measure it on 1,000 new games, and write a film of one."""
    from olacore.play import training

    if module is not None:
        check_no_search()
    if film is not None or module is not None:
        check_output(film or Path(training.FILM), settings["force"])
    if module is None:
        found = evolved(size, settings, film)
        genome, layers, folder = found.genome, found.search.layout.layers, found.folder
    else:
        player, genome = training.load_player(module)
        layers, folder = player.layers, None
    figures = {
        "evolved": training.measure(genome, layers, size),
        "written by hand": training.measure_greedy(size),
    }
    made = film or (Path(training.FILM) if folder is None else folder / training.FILM)
    training.show_episode(genome, layers, size, made)
    curve = ""
    if folder is not None and training.draw_curve(folder, figures["written by hand"].food, folder / training.CURVE):
        curve = f", {folder / training.CURVE}"
    if as_json:
        told = {name: asdict(found) for name, found in figures.items()}
        print_json({"film": str(made), **({} if folder is None else {"folder": str(folder)}), **told})
        return
    if watch or (watch is None and sys.stdout.isatty()):
        show_game(genome, layers, size)
    rows = [
        (name, f"{found.food:.1f} ± {found.error:.1f}", found.most, f"{found.full:.0%}")
        for name, found in figures.items()
    ]
    title = f"Snake on {size} x {size} cells, means over {training.EPISODES} new games"
    print_table(("", "food", "most", "full boards"), rows, title)
    written = "" if folder is None else f"; the player is {folder / 'module.safetensors'}"
    say(f"look at {made}{curve}{written}")


def check_no_search() -> None:
    """Raise `UsageError` where a search is asked for."""
    context = click.get_current_context()
    for option in context.command.params:
        given = context.get_parameter_source(str(option.name)) is not ParameterSource.DEFAULT
        if option.name in OF_SEARCH and given:
            raise click.UsageError(
                f"--module is a player that is there, and nothing is searched; leave {option.opts[0]} out."
            )


def evolved(size: int, settings: dict[str, Any], film: Path | None) -> Evolved:
    """Evolve a player, of whom a film will be written."""
    from olacore.play import training

    check_resumed(settings["resume"], settings["out"])
    if film is not None and settings["resume"]:
        settings["force"] = False
    hidden = settings.pop("hidden")
    if settings["generations"]:
        settings["seconds"] = None
    limits = settings["seconds"], settings["generations"]
    with stop_on_signal() as should_stop, progress_bars(*limits) as bars:
        found = training.train_snake(
            size=size,
            hidden=(hidden,) if hidden else (),
            callbacks=(bars("snake"),),
            should_stop=should_stop,
            **settings,
        )
    if found.stopped == "interrupted":
        should_stop.leave(f"the run is saved in {found.folder}; {going_on(found.folder, film is not None)}")
    return found


def show_game(genome: Any, layers: tuple[int, ...], size: int) -> None:
    """Show a game in the terminal."""
    from rich.live import Live

    from olacore.play.pictures import played
    from olacore.play.snake import Snake
    from olacore.play.training import FRESH, chooser

    game = Snake(size, FRESH)
    with Live(console=stdout(), auto_refresh=False) as live:
        for state in played(game, chooser(genome, layers)):
            live.update(board(state), refresh=True)
            time.sleep(1 / RATE)


def board(game: Snake) -> Any:
    """A board as text."""
    from rich.text import Text

    from olacore.play.pictures import cells_of

    text = Text()
    for row in cells_of(game):
        for cell in row:
            text.append(*CELLS[cell])
        text.append("\n")
    text.append(f"food {game.eaten}, step {game.steps}")
    return text

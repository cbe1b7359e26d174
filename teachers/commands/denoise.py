"""`ola precompute --denoiser`: rows for a denoiser, of data with captions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from olacore.commands.options import FILE
from olacore.commands.say import print_json, say
from olacore.foreign.names import counted
from teachers.commands.reporting import reporting

if TYPE_CHECKING:
    from teachers import LoadOptions

# The word in place of a denoiser where there is none.
NONE = "none"


class Levels(click.ParamType):
    """Noise levels such as 4,2,1,0.5, or how many of them are to be chosen, such as 6."""

    name = "levels"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...] | int:
        """Return the levels, or their number."""
        if not isinstance(value, str):
            return value
        try:
            return int(value) if value.strip().isdecimal() else tuple(float(level) for level in value.split(","))
        except ValueError:
            self.fail(f"{value!r} is neither a number of levels nor levels such as 4,2,1,0.5.", param, ctx)


OPTIONS = (
    click.option("--denoiser", help=f"A pipeline's folder or hub id, or {NONE}: ask it about noisy latents of data."),
    click.option(
        "--levels", type=Levels(), default="6", help="Denoiser: how many noise levels, or 4,2,1,0.5 and so on."
    ),
    click.option("--repeats", default=1, help="Denoiser: draws of noise for each picture and level."),
    click.option("--plain", is_flag=True, help="Denoiser: ask without the prompt as well."),
    click.option("--trajectories", default=0, help="Denoiser: follow so many runs of its own sampler instead."),
    click.option("--steps", default=20, help="Denoiser: of its sampler."),
    click.option("--guidance", type=float, help="Denoiser: of its sampler; default what the pipeline takes."),
    click.option("--text-means", type=FILE, help="Denoiser: file of what text alone says of each caption's latent."),
)
OWN = ("denoiser", "levels", "repeats", "plain", "trajectories", "steps", "guidance", "text_means")
# Options of the command that count with a denoiser too.
SHARED = (
    *("sources", "h5", "seed", "shard_size", "device", "offline", "no_self_test"),
    *("resume", "force", "as_json"),
)


def noise_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of denoisers to a command."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def wants_noise(context: click.Context) -> bool:
    """Whether a denoiser is asked for.

    Raises
    ------
    UsageError  if options do not go together
    """
    given = [name for name in context.params if context.get_parameter_source(name) is not ParameterSource.DEFAULT]
    wanted = context.params["denoiser"] is not None
    if not wanted:
        odd, other = [name for name in given if name in OWN], "needs --denoiser"
    elif context.params["trajectories"]:
        odd = [name for name in given if name not in OWN + SHARED or name in ("levels", "repeats")]
        other = "does not go with --trajectories"
    else:
        odd = [name for name in given if name not in OWN + SHARED or name in ("steps", "guidance")]
        other = "needs --trajectories" if {*odd} <= {"steps", "guidance"} else "does not go with --denoiser"
    if odd:
        raise click.UsageError(f"--{odd[0].replace('_', '-')} {other}.")
    if wanted and context.params["denoiser"] == NONE and (context.params["plain"] or context.params["trajectories"]):
        raise click.UsageError(f"--plain and --trajectories need a denoiser; --denoiser is {NONE}.")
    return wanted


def precompute_noise(
    sources: Sequence[Path],
    h5: Path,
    loading: LoadOptions,
    seed: int,
    mode: dict[str, Any],
    as_json: bool,
    *,
    denoiser: str,
    levels: tuple[float, ...] | int,
    repeats: int,
    plain: bool,
    trajectories: int,
    steps: int,
    guidance: float | None,
    text_means: Path | None,
) -> None:
    """Make rows for a denoiser, and print what was made.

    Parameters
    ----------
    mode : shard_size, resume and force
    """
    import teachers
    from teachers.denoisers.load import load_denoiser
    from teachers.jobs.denoise import denoise
    from teachers.jobs.noise_rule import NoiseRule

    rule = NoiseRule(levels, repeats, seed, trajectories, steps, guidance)
    teachers.check_target(h5, **mode)  # before the seconds that a teacher takes to load
    with reporting(h5, rows="rows", levels="noise levels") as report:
        teacher = None if denoiser == NONE else load_denoiser(denoiser, loading, plain=plain)
        made = denoise(sources, h5, teacher, rule, text_means=text_means, **mode, progress=report)
    if as_json:
        print_json({"rows": made.rows, "sources": made.sources})
    else:
        parts = ", ".join(f"{count} {split}" for split, count in made.sources.items())
        nouns = ("trajectory", "trajectories") if trajectories else ("photograph or scene", "photographs and scenes")
        given = counted(sum(made.sources.values()), *nouns)
        say(f"{h5}: {counted(made.rows, 'row')} from {given} ({parts})")

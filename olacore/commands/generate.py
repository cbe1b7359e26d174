"""`ola generate`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from olacore.commands.options import FILE, SET
from olacore.commands.say import print_json, say
from olacore.files import check_output, make_folder

# Characters of a prompt that are printed.
SHOWN = 80
# What `--like` takes from the picture instead.
TAKEN = ("seed", "count", "variety", "steps", "solver", "guidance", "negative", "lean", "style")


class Prompted(click.Command):
    """A command of a prompt, which may begin like an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse a command line; what is no option may be meant as the prompt."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            if error.possibilities:
                raise
            behind = f"A prompt that begins with - stands behind --: ola generate -- {error.option_name}"
            raise click.UsageError(f"{error.format_message()} {behind}", ctx) from error


@click.command(cls=Prompted)
@click.argument("words", metavar="PROMPT", nargs=-1)
@click.option(
    "-o",
    "--output",
    type=FILE,
    help="The picture, otherwise a new file named after the prompt; a folder with --prompts.",
)
@click.option("-n", "count", type=int, help="Pictures, of seeds that follow each other, as a grid.")
@click.option("--seed", type=int, help="Of what is left to chance; otherwise one that is told.")
@click.option("--variety", type=float, help="How much is left to chance: 0, the default, is nothing; 4 is nearly all.")
@click.option("--steps", type=int, help="Noise levels to pass at most.")
@click.option("--solver", help="dpm, the default, or ddim.")
@click.option("--guidance", type=float, help="How far to go from the mean of all; by default as training pictures do.")
@click.option("--negative", help="What to draw away from.")
@click.option("--lean", type=float, help="How far unknown prompts are taken for known ones, 0 to 1, the default.")
@click.option("--style", help="One that the set was trained with, as outlined; `ola inspect` lists them.")
@click.option("--init", type=FILE, help="A picture to start from.")
@click.option("--strength", type=float, help="How far to go from it, 0 to 1; by default 0.5.")
@click.option("--prompts", type=FILE, help="Draw a file of prompts, every line one, into the folder --output.")
@click.option("--like", type=FILE, help="Draw a picture of `ola generate` once more, with all its settings.")
@click.option(
    "--set",
    "set_name",
    type=SET,
    help="A shipped set, by default google64, the folder of your own, or hf:user/name of the hub.",
)
@click.option("--preview", type=FILE, help="Also write a strip of the picture after each step.")
@click.option("--nearest", is_flag=True, help="Tell which training picture is nearest, and how near.")
@click.option("--json", "as_json", is_flag=True, help="Print what was drawn as JSON.")
@click.option("--force", is_flag=True, help="Replace what is there of that name.")
def generate(**asked: Any) -> None:
    """Draw a picture of what a text says. For example: ola generate "a red heart" -o heart.png.

    Pictures are small, in the manner of those that the set was trained on. A PNG keeps prompt, seed and settings.
    """
    words = asked.pop("words")
    asked["prompt"] = " ".join(words) if words else None
    prompts = [name for name in ("prompt", "prompts", "like") if asked[name] is not None]
    if len(prompts) != 1:
        raise click.UsageError("give one of: a prompt, --prompts FILE, --like FILE.")
    if asked["strength"] is not None and not asked["init"]:
        raise click.UsageError("--strength needs a picture to start from, with --init.")
    if not asked["variety"] and (asked["steps"] or asked["solver"]):
        raise click.UsageError("--steps and --solver need noise to take away, with --variety.")
    from olacore.drawing import job
    from olacore.drawing.generator import DEFAULT_SET, Generator
    from olacore.drawing.settings import Settings

    given = {name: asked[name] for name in TAKEN if asked[name] is not None}
    about = None
    if asked["like"] is not None:
        if given or asked["init"]:
            named = ", ".join(f"--{name}" if name != "count" else "-n" for name in given) or "--init"
            raise click.UsageError(f"--like takes the settings of the picture; leave {named} out.")
        prompt, settings, count, about = job.recalled(asked["like"])
        if about.get("init"):
            raise click.UsageError("the picture was drawn from another one; repeat it with --init and its prompt.")
        if asked["set_name"] is None:
            job.check_set(about, asked["like"])
        generator = Generator(asked["set_name"] or about["set"], kernels=about["drawn by"] == "kernels")
        job.same_modules(generator, about, asked["like"])
    else:
        count, seed = given.pop("count", 1), given.pop("seed", None)
        settings = job.with_seed(Settings(**given), seed)
        many = asked["prompts"] is not None
        # Few pictures are drawn before the kernels would be loaded.
        generator = Generator(asked["set_name"] or DEFAULT_SET, kernels=False)
        if many:
            if asked["output"] is None:
                raise click.UsageError("--prompts needs a folder, with -o.")
            if asked["init"] or asked["preview"]:
                raise click.UsageError("--prompts takes neither --init nor --preview.")
            return draw_all(generator, job.read_prompts(asked["prompts"]), settings, count, asked)
        prompt = asked["prompt"]
    output = asked["output"] or job.free_name(prompt)
    told = job.drawn(
        generator,
        prompt,
        settings,
        count,
        output,
        force=asked["force"],
        init=asked["init"],
        strength=0.5 if asked["strength"] is None else asked["strength"],
        preview=asked["preview"],
        nearest=asked["nearest"],
        like=about,
    )
    show(told, asked["as_json"])
    return None


def draw_all(generator: Any, prompts: list[str], settings: Any, count: int, asked: dict[str, Any]) -> None:
    """Draw each of many prompts into a folder."""
    from olacore.drawing import job

    folder: Path = asked["output"]
    outputs = [folder / f"{number:04d}.png" for number in range(len(prompts))]
    make_folder(folder)
    for output in outputs:
        check_output(output, asked["force"])
    for output, prompt in zip(outputs, prompts, strict=True):
        told = job.drawn(generator, prompt, settings, count, output, force=asked["force"], nearest=asked["nearest"])
        show(told, asked["as_json"], line=True)


def show(told: dict[str, Any], as_json: bool, line: bool = False) -> None:
    """Print what was drawn."""
    from olacore.drawing.notes import SAME

    if as_json:
        print_json(told, indent=None if line else 2)
        return
    for note in told["notes"]:
        say(f"note: {note}", err=True)
    seeds = f", seed {told['seed']}" if told["variety"] and SAME not in told["notes"] else ""
    prompt = told["prompt"] if len(told["prompt"]) <= SHOWN else f"{told['prompt'][:SHOWN]}.."
    style = f", {told['style']}" if told["style"] else ""
    say(f"{told['file']}: '{prompt}'{style}{seeds}")
    if "preview" in told:
        say(f"{told['preview']}: the picture after each step")
    near = [
        f"nearest training picture: '{one['caption']}', {one['grey levels']} grey levels away"
        for one in told.get("nearest pictures", ())
    ]
    # Pictures that are all the same have one that is nearest.
    differ = len({*near}) > 1
    for number, nearest in enumerate(near if differ else near[:1], 1):
        say(f"picture {number}, {nearest}" if differ else nearest)

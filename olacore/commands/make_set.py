"""`ola make-set`."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from olacore.commands.options import FILE, MODULE, SET, Known, Option
from olacore.commands.say import say

if TYPE_CHECKING:
    from olacore.commands.set_steps import Asked, Step
    from olacore.commands.set_work import Work
    from olacore.drawing.recipe import Recipe

# What is asked where no data are there yet.
OF_DATA = ("captions", "split", "size", "teacher")
# In place of a table: texts beside the pictures, and their names.
NO_TABLE = ("txt", "names")
# Which options stand for a step, in place of which it is not run, and what is said of them.
NOT_RUN = {"data": ("h5",), "words": ("words", "text"), "text": ("text",)}
HAS = {
    "h5": "has data that are there",
    "words": "is a table that is there",
    "text": "is a module that has its words",
}
MOST_BYTES = 1 << 30


class RecipeName(Known):
    """The name of a recipe that is shipped, or a file."""

    def __init__(self) -> None:
        super().__init__("name")

    def names(self) -> list[str]:
        """Those that are shipped."""
        from olacore.drawing.recipe import names

        return names()


@click.command()
@click.argument("sources", type=FILE, nargs=-1)
@click.option("--captions", help="A table (.tsv, .csv, .jsonl); txt: a text beside each picture; names: of the files.")
@click.option("--split", type=FILE, help="A table that says which part each picture is in.")
@click.option("--size", type=int, help="Side of a picture; by default what the recipe says, or 64.")
@click.option(
    "--recipe", type=RecipeName(), default="things", show_default=True, help="A recipe's name, or a file of TOML."
)
@click.option("--override", "changes", multiple=True, metavar="TABLE.KEY=VALUE", help="Change the recipe; repeatable.")
@click.option(
    "--teacher", default="madebyollin/taesd3", show_default=True, help="Autoencoder: a folder, a hub id or a file."
)
@click.option(
    "--text-teacher",
    default="sentence-transformers/all-MiniLM-L6-v2",
    show_default=True,
    help="Text encoder: a folder or a hub id.",
)
@click.option("--h5", type=FILE, help="Captioned data that are there, in place of pictures.")
@click.option("--words", type=FILE, help="A table of words that is there, of `ola precompute --words`.")
@click.option("--text", type=SET, help=f"A text module that is there, or the set that has it. {MODULE}")
@click.option("--seed", type=int, help="Of every search; by default what the recipe says, or 0.")
@click.option("-o", "--output", required=True, type=FILE, help="The folder of the set.")
@click.option("--work", type=FILE, help="Folder of data, words and runs, which stays; by default OUTPUT-work.")
@click.option("--about", type=Option(), multiple=True, help="NAME=TEXT that the set says of itself; may be repeated.")
@click.option("--dry-run", is_flag=True, help="Print all the commands, check what is given, and run none.")
@click.option("--force", is_flag=True, help="Replace the set, and make again what was made otherwise.")
def make_set(recipe: str, changes: Sequence[str], dry_run: bool, **given: Any) -> None:
    """Make a set of modules from captioned pictures. `ola generate --set` takes it.

    SOURCES are pictures with captions, or folders or archives of them, as `ola precompute` takes them. Other commands
    are printed and run, one after the other. The same command goes on with what was interrupted, and does nothing
    twice; of other files, or with other options, it makes nothing without --force.
    """
    from olacore.commands.set_files import files_of
    from olacore.commands.set_steps import steps_of
    from olacore.commands.set_work import Work
    from olacore.drawing.bundle import check_free
    from olacore.drawing.recipe import read_recipe
    from olacore.drawing.work_folder import RECORD
    from olacore.files import is_there

    check_usage(given, changes)
    asked, told = asked_of(**given), read_recipe(recipe, changes)
    check_text(told, asked)
    steps = steps_of(told, asked)
    check_commands(steps, recipe)
    if dry_run:
        print_commands(steps, asked)
    check_outputs(asked, steps)
    given = check_inputs(asked)
    if not is_there(asked.work / RECORD):  # else it is said first what is made otherwise
        check_free(asked.output, asked.force)  # before all pictures are read
        if dry_run:
            look_at_pictures(steps)
            return
    files = files_of(asked.sources, str(asked.captions)) if asked.h5 is None else {}
    if asked.h5 is None and not files["pictures"]:
        look_at_pictures(steps)  # which says why there are none
    work = Work(asked.work, given, files)  # which writes nothing yet
    to_do = work.to_do(steps, asked.force)
    if not asked.force and work.is_whole(steps):
        say(f"nothing to do: {asked.output} is made")
        return
    check_free(asked.output, asked.force)
    if dry_run:
        look_at_pictures(steps)
        return
    run_all(steps, to_do, work)
    say_verdict(asked.output, asked.h5 or asked.work / "data.h5")
    measured = ("ola", "t2i-test", "--set", str(asked.output), "--h5", str(asked.h5 or asked.work / "data.h5"))
    say(f"{asked.work} keeps what it was made of; figures: {shlex.join(measured)}")


def check_usage(given: dict[str, Any], changes: Sequence[str]) -> None:
    """Raise `UsageError` where options exclude each other, one is missing, or a change is of a step that is not run."""
    from olacore.drawing.recipe import parse_change

    context = click.get_current_context()
    if given["h5"] is None:
        if not given["sources"]:
            raise click.UsageError("give a folder of pictures with --captions, or --h5 for data that are there.")
        if given["captions"] is None:
            raise click.UsageError("a set is made of captions; give --captions a table, txt or names.")
    else:
        named = [f"--{name}" for name in OF_DATA if context.get_parameter_source(name) is not ParameterSource.DEFAULT]
        if given["sources"] or named:
            what = "pictures" if given["sources"] else named[0]
            raise click.UsageError(f"--h5 {HAS['h5']}; leave {what} out.")
    if given["text"] is not None and given["words"] is not None:
        raise click.UsageError(f"--text {HAS['text']}; leave --words out.")
    if given["work"] is None and given["output"].name in ("", ".."):
        raise click.UsageError(f"{given['output']} has no name to call the folder of the work by; give --work.")
    for change in changes:
        for name in NOT_RUN.get(parse_change(change)[0], ()):
            if given[name] is not None:
                raise click.UsageError(f"--{name} {HAS[name]}; leave --override {change} out.")


def asked_of(
    output: Path, work: Path | None, text: Path | None, about: Sequence[tuple[str, str]], **rest: Any
) -> Asked:
    """What is asked for, with the text module of a set in place of the set."""
    from olacore import pretrained
    from olacore.commands.set_steps import Asked
    from olacore.drawing.module_set import ABOUT, open_set
    from olacore.errors import FileFormatError
    from olacore.foreign.reading import or_meant

    if text is not None and ((text / ABOUT).exists() or str(text) in pretrained.sets()):
        text = open_set(text).files["text"]
    elif text is not None and len(text.parts) == 1 and not text.exists() and str(text) not in pretrained.names():
        said = f"there is no text module or set {text}; sets that come with the package: {', '.join(pretrained.sets())}"
        raise FileFormatError(f"{said}{or_meant(text)}")
    told = [f"{name}={value}" for name, value in about]
    return Asked(output=output, work=work or output.with_name(f"{output.name}-work"), text=text, about=told, **rest)


def check_text(recipe: Recipe, asked: Asked) -> None:
    """Raise `ConfigError` where there would be no text module."""
    from olacore.errors import ConfigError

    if asked.text is None and "text" not in recipe:
        raise ConfigError(f"the recipe {recipe.name} trains no text module; name one that is there with --text.")


def check_commands(steps: Sequence[Step], recipe: str) -> None:
    """Raise `ConfigError` where a command would refuse what it is asked for."""
    from olacore.commands.set_work import context_of
    from olacore.errors import ConfigError

    for step in steps:
        try:
            context = context_of(step)
        except click.UsageError as error:
            said = error.format_message()
            raise ConfigError(f"the recipe {recipe} asks for what {step.name} does not take: {said}") from error
        if step.arguments[0] == "train":
            try:
                check_search(context.params)
            except ConfigError as error:
                raise ConfigError(f"the recipe {recipe}, {step.name}: {error}") from error


def check_search(params: dict[str, Any]) -> None:
    """Raise `ConfigError` where settings of `ola train` do not go together, of which no data have to be known."""
    from dataclasses import fields

    from olacore.search.config import TrainConfig

    known = {one.name for one in fields(TrainConfig)} - {"options", "island"}
    TrainConfig(options=dict(params["options"]), **{name: params[name] for name in params if name in known})


def check_outputs(asked: Asked, steps: Sequence[Step]) -> None:
    """Raise where the set or what it is made of cannot be written, whatever is there."""
    from olacore.drawing.bundle import check_about
    from olacore.errors import ConfigError
    from olacore.files import check_folder

    for folder in (asked.output, asked.work):
        check_folder(folder, force=True)
        for source in asked.sources:
            if is_inside(folder, source):
                raise ConfigError(
                    f"{folder} is inside {source}, and what it holds would be among the pictures the next time; "
                    f"give {'-o' if folder == asked.output else '--work'} a folder elsewhere."
                )
    output = asked.output.resolve()
    for step in steps[:-1]:
        made = step.made.resolve()
        if made.is_relative_to(output) or output.is_relative_to(made):
            raise ConfigError(
                f"the set would be written to {asked.output}, and what it is made of to {step.made}; "
                "give --work a folder that is not in that of the set, or -o another name."
            )
    check_about(dict(each.split("=", 1) for each in asked.about))


def is_inside(path: Path, source: Path) -> bool:
    """Whether pictures of that path are among those of a source: a folder, or a pattern."""
    # `resolve` fails at links that lead to themselves.
    here, there = Path(os.path.realpath(path)), Path(os.path.realpath(source))
    return any(there == one or one.match(str(there)) for one in (here, *here.parents))


def check_inputs(asked: Asked) -> dict[str, str]:
    """Raise where what a set is made of is missing; return fingerprints of what is there but for pictures."""
    from hashlib import sha256

    from olacore.data import open_dataset
    from olacore.drawing.bundle import check_captioned
    from olacore.drawing.module_set import check_part
    from olacore.errors import FileFormatError
    from olacore.foreign.reading import or_meant, read_file
    from olacore.modules.find import find
    from olacore.modules.module import load
    from olacore.views.word_table import check_words

    tables = {} if asked.captions is None or asked.captions in NO_TABLE else {"captions": Path(asked.captions)}
    tables |= {} if asked.split is None else {"split": asked.split}
    words = [asked.words] if asked.words else []
    for what, paths in (("table", tables.values()), ("words", words)):
        for path in paths:
            if not path.exists():
                said = f"there is no {path}, of which the {what} of a set should come"
                raise FileFormatError(f"{said}{or_meant(path)}")
    found = {name: sha256(read_file(path, "the table", MOST_BYTES)).hexdigest() for name, path in tables.items()}
    for path in words:
        with open_dataset([path]) as data:
            check_words(data, path)
            found["words"] = data.digest()
    if asked.text is not None:
        if not find(asked.text).exists():
            raise FileFormatError(f"there is no text module {asked.text}{or_meant(asked.text)}")
        check_part("text", (text := load(asked.text)).about(), "the set")
        found["text"] = text.digest
    if asked.h5 is not None:
        with open_dataset([asked.h5]) as data:
            check_captioned(data, asked.h5)
            found["data"] = data.digest()
    return found


def print_commands(steps: Sequence[Step], asked: Asked) -> None:
    """Print what is to be typed."""
    if asked.work != Path():
        say(f"mkdir -p {shlex.quote(str(asked.work))}")
    for step in steps:
        say(f"# {step.name}: {step.makes}")
        say(step.command)


def say_verdict(output: Path, h5: Path) -> None:
    """Print what can be expected of a set, by the pictures of its data that were held apart."""
    from olacore.commands.show import print_table
    from olacore.drawing.verdict import measure_apart, sentences, table_of

    parts = measure_apart(output, h5)
    heads, rows = table_of(parts)
    if rows:
        print_table(heads, rows, f"what to expect of {output}, by pictures that were held apart")
    for sentence in sentences(parts):
        say(sentence)


def look_at_pictures(steps: Sequence[Step]) -> None:
    """Have the first step count pictures, captions and what matches, where it is to make data of them."""
    from olacore.commands.set_work import context_of

    if steps[0].name == "data":
        with context_of(steps[0], ["--dry-run"]) as context:
            context.command.invoke(context)


def run_all(steps: Sequence[Step], asked: Sequence[Step], work: Work) -> None:
    """Do those of the steps that are asked for; where a signal ends it, it is said how to go on."""
    from olacore.commands.set_work import run
    from olacore.commands.signals import WHOLE, going_on

    context = click.get_current_context()
    context.meta[WHOLE] = f"make-set{' ... --force' if context.params['force'] else ''}"
    try:
        for step in steps:
            if step in asked:
                run(step, work)
            elif work.is_done(step):
                say(f"{step.name}: done before, see {step.made}")
    except BaseException as error:
        if not isinstance(error, Exception | SystemExit):  # a signal, in a step that does not wait for it
            say(f"{work.folder} keeps what is done; {going_on()}", err=True)
        raise

"""`ola precompute`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from olacore.commands.options import BACKEND, ENCODER, FILE, Which, max_pixels
from olacore.commands.say import print_json, say
from olacore.foreign.names import counted
from teachers.commands.denoise import noise_options, precompute_noise, wants_noise
from teachers.commands.reporting import reporting
from teachers.commands.shares import make_shares
from teachers.commands.texts import embed_texts
from teachers.commands.words import embed_words

if TYPE_CHECKING:
    from teachers import CaptionRule, LoadOptions, PictureRule, Summary, Teacher

# Skipped files that are named one by one.
SHOWN = 10


@click.command()
@click.argument("sources", type=FILE, nargs=-1)
@click.option("--h5", type=FILE, required=True, help="The data set to write; with --shard-size or --share a folder.")
@click.option("--teacher", help="An autoencoder's folder, hub id or file, an organic encoder, or FILE.py:FUNCTION.")
@click.option("--latents-from", type=ENCODER, help="An organic encoder that makes the latents, in place of a teacher.")
@click.option("--recon", is_flag=True, help="Store the teacher's own decoding too.")
@click.option("--size", default=256, show_default=True, help="Side of a picture, a multiple of the teacher's factor.")
@click.option("--crops", default=1, show_default=True, help="Crops a picture or frame; all but the first are random.")
@click.option("--crop", type=click.Choice(["centre", "random"]), default="centre", show_default=True, help="The first.")
@click.option("--seed", default=0, show_default=True, help="Of crops and split.")
@click.option("--upscale", is_flag=True, help="Use pictures smaller than the size too.")
@click.option("--validation", default=0.1, show_default=True, help="Part of the rows that decides when to stop.")
@click.option("--held-out", default=0.1, show_default=True, help="Part of the rows that is only reported.")
@click.option("--recipe", type=FILE, help="JSON file that names files, authors, licences, splits and crops.")
@click.option("--text-teacher", help="A text encoder's folder or hub id: embeddings of the captions are stored too.")
@click.option("--tokens", is_flag=True, help="Store the embeddings of the captions' tokens too.")
@click.option("--words", is_flag=True, help="Embed single words: of lists, of training captions, and common ones.")
@click.option("--vocabulary", type=int, help="With --words: only the first so many of the text teacher's own words.")
@click.option("--common", default=25_000, show_default=True, help="With --words: how many of the shipped common words.")
@click.option("--captions", help="A table (.tsv, .csv, .jsonl); txt: a text beside each picture; names: of the files.")
@click.option("--split", "parts", type=FILE, help="A table that says which part each picture is in.")
@click.option("--set", "set_", help="Of a table of several sets: which one; by default that called as the source.")
@max_pixels
@click.option("--every", type=int, help="Video: take every Nth frame.")
@click.option("--fps", type=float, help="Video: take so many frames a second; without --every, one.")
@click.option("--keyframes", is_flag=True, help="Video: key frames only.")
@click.option("--max-frames", "most", type=int, help="Video: at most so many frames of each, evenly spread.")
@click.option(
    "--least-change", default=2.0, show_default=True, help="Video: grey levels a frame must change by; 0: any."
)
@click.option(
    "--max-damaged",
    "most_damaged",
    default=100,
    show_default=True,
    help="Video: damaged packets before it is given up.",
)
@click.option("--shard-size", type=int, help="Write shards of so many pictures into the folder --h5.")
@click.option("--share", type=Which("share"), help="Make share I of N into the folder --h5, as 2/8; then `ola merge`.")
@click.option("--shares", type=int, help="Make so many shares, all of them, into the folder --h5.")
@click.option("--backend", type=BACKEND, help="Where shares are made: local, one after the other, or ray.")
@click.option("--address", help="Of a cluster of Ray, as 10.0.0.1:6379 or auto; by default Ray starts here.")
@click.option("--workers", type=int, help="Processes that decode; 0 for a thread; default by the number of cores.")
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda, or cuda:1 and so on.")
@click.option("--batch", type=int, help="Pictures that the teacher gets at once; default by the memory.")
@click.option("--config", help="Of a single file: sd, sdxl, sd3, flux, or a config.json.")
@click.option("--offline", is_flag=True, help="Never ask the hub.")
@click.option("--no-self-test", is_flag=True, help="Do not prove that the teacher works; the data set says so.")
@click.option("--dry-run", is_flag=True, help="Count pictures, captions, parts and what matches; make nothing.")
@click.option("--resume", is_flag=True, help="Go on with a file that is not complete; start it if it is missing.")
@click.option("--force", is_flag=True, help="Replace the file.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@noise_options
def precompute(
    sources: Sequence[Path],
    h5: Path,
    teacher: str | None,
    latents_from: Path | None,
    recon: bool,
    size: int,
    crops: int,
    crop: str,
    seed: int,
    upscale: bool,
    validation: float,
    held_out: float,
    recipe: Path | None,
    text_teacher: str | None,
    tokens: bool,
    words: bool,
    vocabulary: int | None,
    common: int,
    captions: str | None,
    parts: Path | None,
    set_: str | None,
    max_pixels: int,
    every: int | None,
    fps: float | None,
    keyframes: bool,
    most: int | None,
    least_change: float,
    most_damaged: int,
    shard_size: int | None,
    share: tuple[int, int] | None,
    shares: int | None,
    backend: str | None,
    address: str | None,
    workers: int | None,
    device: str,
    batch: int | None,
    config: str | None,
    offline: bool,
    no_self_test: bool,
    dry_run: bool,
    resume: bool,
    force: bool,
    as_json: bool,
    **noise: Any,
) -> None:
    """Make a data set: pictures or film, and a teacher's answers.

    SOURCES are pictures, videos, zip archives of pictures, .npz files with an array "images", and folders of these;
    with --words lists of words, and data sets with captions; with --denoiser data sets with captions. With
    --text-teacher alone they are captions: lists with one a line, tables, and data sets that have some.
    """
    import teachers

    bare = teachers.LoadOptions(device=device, offline=offline, self_test=not no_self_test)
    noisy = wants_noise(click.get_current_context())
    alone = text_teacher is not None and teacher is None and latents_from is None
    if dry_run and (words or noisy or alone):
        raise click.UsageError("--dry-run looks at pictures and their captions; leave it out.")
    if words:
        if text_teacher is None or teacher or latents_from or noise["denoiser"]:
            raise click.UsageError("--words needs --text-teacher, and no other teacher.")
        if share:
            raise click.UsageError("--words makes one table, which has no shares; leave --share out.")
        embed_words(sources, h5, text_teacher, bare, (vocabulary, common), resume, force)
        return
    if not sources:
        raise click.UsageError("give one source or more.")
    if noisy:
        mode = {"shard_size": shard_size, "resume": resume, "force": force}
        precompute_noise(sources, h5, bare, seed, mode, as_json, **noise)
        return
    if tokens and not text_teacher:
        raise click.UsageError("--tokens needs --text-teacher.")
    own = teachers.Share(*share) if share else None
    if not alone and (teacher is None) == (latents_from is None):
        raise click.UsageError("give either --teacher or --latents-from, or --text-teacher alone for captions.")
    rule = teachers.PictureRule(
        size=size,
        crops=crops,
        crop=crop,
        seed=seed,
        upscale=upscale,
        validation=validation,
        held_out=held_out,
        recipe=recipe,
    )
    if shares is None and (backend or address):
        raise click.UsageError("--backend and --address say where shares are made; give --shares too.")
    if shares is not None and (alone or share or shard_size or force):
        other = "captions alone" if alone else "--share" if share else "--shard-size" if shard_size else "--force"
        raise click.UsageError(f"--shares does not go with {other}.")
    if text_teacher is not None and alone:
        embed_texts(sources, h5, text_teacher, bare, tokens, rule, own, resume, force)
        return
    telling = teachers.CaptionRule(captions, parts, set_)
    loading = teachers.LoadOptions(config, device, batch, offline, self_test=not no_self_test, size=size)
    if dry_run:
        from teachers.collect.matching import look
        from teachers.hub_folder import check_path

        for reference, what in ((teacher, "teacher"), (text_teacher, "text teacher")):
            if reference is not None:
                check_path(reference, what)
        if teacher is not None and Path(teacher).expanduser().exists():  # the hub is not asked
            teachers.check_any_size(teacher, loading)
        found = look(sources, replace(telling, needed=text_teacher is not None), max_pixels)
        if as_json:
            print_json(asdict(found))
            return
        # On standard error, since `ola make-set --dry-run` prints commands on the other.
        for line in found.sentences:
            say(line, err=True)
        return
    video = teachers.VideoRule(every, fps, keyframes, most, least_change, most_damaged)
    decoding = teachers.default_workers() if workers is None else workers
    if shares is None:
        teachers.check_target(h5, shard_size, resume, force, own)
    check_early(sources, replace(telling, needed=text_teacher is not None), rule, max_pixels, teacher, loading)
    if shares is not None:
        asked_for = teachers.PrecomputeConfig(
            sources, h5, teacher, latents_from, text_teacher, tokens, loading, rule, video, telling, recon
        )
        asked_for = replace(asked_for, workers=decoding, max_pixels=max_pixels)
        make_shares(asked_for, shares, backend or "local", {"address": address} if address else {}, as_json)
        return
    with reporting(h5, files="files", rows="pictures") as report:
        asked: list[Teacher] = [
            teachers.OrganicEncoder(latents_from) if latents_from else teachers.load_any_teacher(str(teacher), loading)
        ]
        texts = teachers.load_text_teacher(text_teacher, loading, tokens=tokens) if text_teacher else None
        made = teachers.precompute(
            sources,
            h5,
            [*asked, *([texts] if texts else [])],
            rule,
            video,
            telling,
            recon=recon,
            shard_size=shard_size,
            share=own,
            max_pixels=max_pixels,
            workers=decoding,
            resume=resume,
            force=force,
            progress=report,
        )
    if texts and texts.cut:
        say(f"cut to what the text teacher takes: {counted(texts.cut, 'caption')}", err=True)
    if as_json:
        # Files of one name in several folders are several files.
        notes: dict[str, list[str]] = {}
        for file in made.skipped:
            notes.setdefault(file.name, []).append(file.note)
        skipped = {name: " ".join(each) for name, each in notes.items()}
        print_json({"rows": made.rows, "sources": made.sources, "damaged": made.damaged, "skipped": skipped})
    else:
        print_summary(made, f"{h5}, {own}" if own else str(h5))


def check_early(
    sources: Sequence[Path],
    telling: CaptionRule,
    rule: PictureRule,
    max_pixels: int,
    teacher: str | None,
    loading: LoadOptions,
) -> None:
    """Raise what shows before the seconds that a teacher takes to load: tables, their parts, and the size."""
    from teachers import check_any_size
    from teachers.collect.matching import check_parts

    check_parts(sources, telling, rule, max_pixels)
    if teacher is not None:
        check_any_size(teacher, loading)


def print_summary(made: Summary, what: str) -> None:
    """Print what was made, and on standard error what was left out."""
    for file in made.skipped[:SHOWN]:
        say(f"skipped: {file.note}", err=True)
    if len(made.skipped) > SHOWN:
        say(f"and {len(made.skipped) - SHOWN} more; --json names them all", err=True)
    if made.damaged:
        damaged = counted(made.damaged, "damaged packet or frame", "damaged packets or frames")
        say(f"left out: {damaged}", err=True)
    parts = ", ".join(f"{count} {split}" for split, count in made.sources.items())
    sources = counted(sum(made.sources.values()), "photograph or scene", "photographs and scenes")
    say(f"{what}: {counted(made.rows, 'row')} from {sources} ({parts})")

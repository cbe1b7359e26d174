"""The kinds of files, and which commands read each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz import seeds, sets

PRECOMPUTE = "precompute {sources} --latents-from E --h5 out.h5 --size 16 --workers 0"
SHORT = "--generations 2 --population 4 --block 64 --out run"


@dataclass(frozen=True)
class Kind:
    """Files that are mangled, and what is run on them.

    Parameters
    ----------
    make : writes sound files into an empty folder
    commands : by a pattern of the files to mangle; `{file}` stands for the mangled one, and the folder of the case is
        the current one
    needs : packages beyond those of olacore itself
    sealed : patterns of the files of which another one has a digest
    seal : writes these digests anew
    """

    make: Callable[[Path], None]
    commands: Mapping[str, tuple[str, ...]]
    needs: tuple[str, ...] = ()
    sealed: tuple[str, ...] = ()
    seal: Callable[[Path], None] | None = None


def on(sources: str, *more: str) -> tuple[str, ...]:
    """Commands that make a data set of sources."""
    command = PRECOMPUTE.format(sources=sources)
    return tuple(f"{command} {options}" for options in more or ("",))


def resuming(name: str, options: str) -> dict[str, tuple[str, ...]]:
    """Commands that read a run folder, and those of its files that can be read alone."""
    run = f"train {options} --block 64 --out {name} --resume"
    whole = f"inspect {name}", f"inspect {name} --json", run, run
    alone = (*whole, "inspect {file}", run)
    return {f"{name}/*.h5": alone, f"{name}/*.safetensors": alone, f"{name}/*.json*": whole}


ROWS = "--module encoder --border 0 --h5 data.h5 --population 4 --generations 5"
ENCODING = ("inspect {file}", "inspect {file} --json", "encode photos/0.png --encoder {file} -o o.npz",
            "export {file} --to npz -o o.npz", "eval {file} --h5 data.h5 --json", "compare {file} --h5 data.h5",
            "precompute photos --latents-from {file} --h5 out.h5 --size 16 --workers 0",
            f"train --module decoder --h5 data.h5 --latents-from {{file}} {SHORT}",
            "vae-test photos/0.png --encoder {file} --decoder D --repeats 1")  # fmt: skip
DECODING = ("inspect {file}", "inspect {file} --json", "decode latent.npz --decoder {file} -o o.png",
            "export {file} --to npz -o o.npz", "eval {file} --h5 data.h5",
            "vae-test photos/0.png --encoder E --decoder {file} --repeats 1")  # fmt: skip

PAIRS = (
    "inspect {file}",
    "inspect {file} --json",
    f"train --h5 {{file}} {SHORT}",
    f"train --h5 {{file}} --stack 3 {SHORT.replace('--population 4 ', '')}",
    "eval P --h5 {file}",
)
SHARE = ("precompute photos --latents-from E --h5 set --share 1/2 --size 16 --workers 0 --resume",)
LOOKING = ("inspect {file}", "inspect {file} --json", "inspect {file} --sheet sheet.png")
WORDS = "precompute {list} --words --common 0 --text-teacher text --no-self-test --offline --h5 out.h5"
DENOISING = ("precompute captioned.h5 --denoiser pipe --no-self-test --offline --levels 1 --h5 out.h5",)
TEACHING = "--no-self-test --offline --h5 out.h5 --size 16 --workers 0"

DRAWING = (
    "generate fox --set set -o o.png",
    "generate axolotl fox --set set --variety 2 --seed 1 -n 2 --nearest --preview p.png --json -o o.png",
    "generate heart --set set --init start.png --negative boat -o o.png",
    "generate --prompts prompts.txt --set set --nearest -o out",
    "generate --like drawn.png --set set -o o.png",
    "inspect set",
    "inspect set --json",
)

KINDS = {
    "module": Kind(
        seeds.modules,
        {
            "encoder*.safetensors": ENCODING,
            "decoder*.safetensors": DECODING,
            "plain*.safetensors": (
                "inspect {file} --json",
                "eval {file} --h5 pairs.h5",
                "export {file} --to npz -o o.npz",
            ),
        },
    ),
    "latent": Kind(
        seeds.latents,
        {
            "latent.np?": ("inspect {file}", "inspect {file} --json", "decode {file} --decoder D -o o.png"),
            "z.latent": ("inspect {file}", "decode {file} -o o.png"),
            "export.npz": ("inspect {file}", "inspect {file} --json"),
        },
    ),
    "tensor": Kind(
        seeds.tensors,
        {
            "*.pt": ("decode {file} --space sd15 -o o.png", "inspect {file}"),
            "*.safetensors": ("decode {file} --space sd15 --scale raw --size 1/4 -o o.png",),
            "folder/*": ("decode folder --space sdxl -o out",),
        },
        ("torch",),
    ),
    "shared": Kind(
        seeds.shared,
        {
            "one/config.json": (
                "inspect one",
                "decode latent.npz --decoder one -o o.png",
                "export one --to npz -o o.npz",
            ),
            "set/*": ("generate fox --set set -o o.png", "inspect set"),
        },
    ),
    "data": Kind(
        seeds.data,
        {
            "pairs*.h5": PAIRS,
            "latents.h5": (
                "inspect {file}",
                "inspect {file} --json",
                "inspect {file} --sheet sheet.png",
                f"train --module encoder --border 0 --h5 {{file}} {SHORT}",
                f"train --module decoder --h5 {{file}} {SHORT}",
                "eval E --h5 {file}",
                "eval D --h5 {file} --split train",
                "compare E --h5 {file} --split train",
            ),
        },
    ),
    "resumed": Kind(seeds.resumed, {"out.h5": (*on("photos", "--resume", "--resume --json"), "inspect {file}")}),
    "shares": Kind(
        seeds.shares,
        {
            "set/*.h5": ("merge set -o out.h5", "merge set -o out.h5 --resume --json", *LOOKING[:2], *SHARE),
            "set/plan.hdf5": ("merge set -o out.h5", *SHARE),
        },
    ),
    "run": Kind(
        seeds.runs,
        {
            **resuming("rows", ROWS),
            **resuming("classic", f"{ROWS} --strategy classic"),
            **resuming("int8", f"{ROWS} --weights int8"),
            **resuming("plain", "--h5 pairs.h5 --population 4 --generations 5"),
            **resuming("stack", "--module decoder --h5 data.h5 --stack 4 --generations 12"),
            **resuming("pair", "--module pair --border 0 --h5 data.h5 --stack 2 --generations 12"),
            "pair/*/*": ("inspect {file}", "inspect pair/decoder --json", "report pair -o o.html"),
            "rows/*": ("report rows -o o.html --force", "report rows pair -o o.html --force"),
        },
    ),
    "teacher": Kind(
        seeds.teachers,
        {
            "tiny/*": (
                f"precompute photos --teacher tiny {TEACHING}",
                f"precompute photos --teacher tiny --recon {TEACHING}",
            ),
            "kl/*": (f"precompute photos --teacher kl {TEACHING}",),
            "tiny.pt": (f"precompute photos --teacher {{file}} --config tiny/config.json {TEACHING}",),
            "kl.pt": (f"precompute photos --teacher {{file}} --config kl/config.json {TEACHING}",),
        },
        ("torch", "diffusers"),
    ),
    "picture": Kind(
        seeds.pictures,
        {
            "in/*": (
                "encode {file} --encoder E -o o.npz",
                *on("{file} photos"),
                "vae-test {file} --encoder E --decoder D --repeats 1",
            ),
        },
    ),
    "film": Kind(
        seeds.films,
        {"film.*": on("{file} photos", "", "--every 3", "--keyframes", "--fps 7 --max-frames 3")},
        ("av",),
    ),
    "archive": Kind(
        seeds.archives, {"*.zip": (*on("{file} photos"), "vae-test {file} --encoder E --decoder D --repeats 1")}
    ),
    "captions": Kind(
        seeds.captions,
        {
            "photos/*.tsv": on("photos", "", "--captions names"),
            "photos/*.txt": on("photos", "--captions txt"),
            "more.*": on("photos", "--captions {file}"),
            "parts.tsv": on("photos", "--captions more.csv --split {file}", "--split {file}"),
            "pictures.npz": on("{file}", "--captions rows.tsv", ""),
            "rows.tsv": on("pictures.npz", "--captions {file}", "--captions {file} --set pictures"),
        },
    ),
    "captioned": Kind(
        seeds.captioned,
        {
            "captioned.h5": (
                *LOOKING,
                "precompute {file} --denoiser none --levels 2 --h5 out.h5",
                "precompute {file} --denoiser none --levels 2,1 --text-means means.npz --h5 out.h5",
            ),
            "expected.h5": (
                *LOOKING,
                f"train --module text --buckets 64 --h5 {{file}} {SHORT}",
                f"train --module denoiser --h5 {{file}} {SHORT}",
                f"train --module denoiser --view window --level 1 --h5 {{file}} {SHORT}",
                f"train --module denoiser --view whole --level 1 --h5 {{file}} {SHORT}",
                f"train --module decoder --h5 {{file}} {SHORT}",
                "eval T --h5 {file}",
            ),
            "denoised.h5": (
                *LOOKING,
                f"train --module denoiser --view whole --level 2 --h5 {{file}} {SHORT}",
                "eval N --h5 {file} --split train",
            ),
            "rows.h5": ("precompute captioned.h5 --denoiser none --levels 2,1 --h5 {file} --resume", *LOOKING),
            "words.h5": LOOKING[:2],
            "means.npz": ("precompute captioned.h5 --denoiser none --levels 2,1 --text-means {file} --h5 out.h5",),
            "T": ("inspect {file}", "eval {file} --h5 expected.h5"),
            "N": ("inspect {file}", "eval {file} --h5 denoised.h5"),
        },
    ),
    "pipeline": Kind(
        seeds.pipelines,
        {
            "text/*": (WORDS.format(list="list.txt"),),
            "list.txt": (WORDS.format(list="{file}"),),
            "pipe/*": DENOISING,
            "pipe/*/*": DENOISING,
        },
        ("torch", "diffusers", "transformers"),
    ),
    "set": Kind(
        sets.make,
        {
            "set/*": DRAWING,
            "drawn.png": ("inspect {file}", "inspect {file} --json", "generate --like {file} --set set -o o.png"),
            "start.png": ("generate fox --set set --init {file} --variety 0.5 --seed 1 -o o.png",),
            "prompts.txt": ("generate --prompts {file} --set set -o out",),
        },
        sealed=("set/*.safetensors", "set/*.webp"),
        seal=sets.seal,
    ),
    "making": Kind(
        sets.being_made,
        {
            "short.toml": ("make-set photos --captions photos.csv --text google64 --recipe {file} --dry-run -o mine",),
            "photos.csv": ("make-set photos --captions {file} --text google64 --dry-run -o mine",),
            "mine-work/make-set.json": (f"make-set {sets.THERE} -o mine",),
        },
    ),
    "recipe": Kind(seeds.recipes, {"recipe.json": on("photos/0.png photos/1.png", "--recipe {file}")}),
    "report": Kind(seeds.reports, {"report.json": ("bench --quick --against {file}",)}),
}

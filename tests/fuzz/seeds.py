"""Sound, tiny files of every kind, made once a session: a folder for each kind."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from pathlib import Path

import h5py
import numpy as np
from PIL import Image

from olacore.data import open_dataset
from olacore.media.pictures import write_picture
from olacore.search.train import train
from olacore.views.patch import PatchDecoder, PatchEncoder
from olacore.views.plain import Plain
from tests.support.bench_samples import small_report
from tests.support.command import ola
from tests.support.makers import (
    REFINERS,
    make_config,
    make_module,
    refined_by,
    smooth_pictures,
    write_pictures,
    write_plain,
)

SIZE = (16, 16)
ENCODER, DECODER, PLAIN = PatchEncoder(4, border=0), PatchDecoder(4), Plain(5, 3)


def photographs(folder: Path, count: int = 2) -> None:
    """Small PNG pictures `0.png` and so on."""
    folder.mkdir(exist_ok=True)
    for number, pixels in enumerate(smooth_pictures(count, 18, 21)):
        write_picture(folder / f"{number}.png", pixels)


def plain_modules(folder: Path) -> None:
    """An encoder E and a decoder D, data, a picture and its latent, for commands that need them beside their input."""
    make_module(ENCODER).save(folder / "E")
    make_module(DECODER, seed=1).save(folder / "D")
    write_pictures(folder / "data.h5", (6, 2, 2), SIZE)
    photographs(folder / "photos")
    ola("encode", folder / "photos/0.png", "--encoder", folder / "E", "-o", folder / "latent.npz")


def modules(folder: Path) -> None:
    """Modules of each view and each way to store weights."""
    plain_modules(folder)
    write_plain(folder / "pairs.h5")
    for name, view, more in (
        ("encoder", ENCODER, {}),
        ("encoder-int8", ENCODER, {"stored": "int8"}),
        ("decoder", DECODER, {}),
        ("decoder-stack", DECODER, {"hidden": (3, 2), "stored": "float16"}),
    ):
        make_module(view, **more).save(folder / f"{name}.safetensors")
    for name, view in (("pixels", REFINERS[0]), ("latents", REFINERS[-1])):
        both = refined_by(make_module(DECODER, stored="float16"), view, hidden=(3,), stored="int8")
        both.save(folder / f"decoder-refined-by-{name}.safetensors")
    make_module(PLAIN, None).save(folder / "plain.safetensors")
    make_module(PLAIN, None, hidden=(3,), stored="int8", components=2).save(folder / "plain-components.safetensors")


def latents(folder: Path) -> None:
    """A latent in each form, and an exported module."""
    plain_modules(folder)
    array = np.load(folder / "latent.npz")["latent"]
    np.save(folder / "latent.npy", array)
    ola("export", folder / "D", "--to", "npz", "-o", folder / "export.npz")
    from safetensors.numpy import save_file

    save_file({"latent_tensor": array[None], "latent_format_version_0": np.zeros(0, np.float32)}, folder / "z.latent")


def tensors(folder: Path) -> None:
    """Latents as torch and safetensors write them, alone, in dictionaries and in a folder."""
    import torch
    from safetensors.torch import save_file

    latent = torch.from_numpy(smooth_pictures(1, 3, 2)[0]).permute(2, 0, 1).float().mean(0, keepdim=True) / 99
    latent = latent.expand(1, 4, 3, 2).contiguous()
    named = {"latents": latent, "noise": latent + 1}
    for name, held in (("half", {"samples": latent.half()}), ("brief", {**named, "latents": latent.bfloat16()})):
        torch.save(held, folder / f"{name}.pt")
    save_file(named, folder / "named.safetensors")
    (folder / "folder").mkdir()
    torch.save(named, folder / "folder" / "a.pt")
    save_file({"latent_tensor": latent.bfloat16()}, folder / "folder" / "b.latent")


def shared(folder: Path) -> None:
    """Folders as they are shared: of a module, and of a set."""
    from tests.support.set_samples import write_set

    plain_modules(folder)
    ola("export", folder / "D", "--to", "hub", "-o", folder / "one")
    (folder / "parts").mkdir()
    ola("export", write_set(folder / "parts"), "--to", "hub", "-o", folder / "set")
    shutil.rmtree(folder / "parts")


def data(folder: Path) -> None:
    """Pairs in one piece and in packed chunks, and frames with latents and decodings."""
    plain_modules(folder)
    make_module(PLAIN, None).save(folder / "P")
    write_plain(folder / "pairs.h5", 60)
    write_pictures(folder / "latents.h5", (6, 2, 2), SIZE, recon=True)
    with h5py.File(folder / "pairs.h5") as file, h5py.File(folder / "pairs-chunked.h5", "w") as packed:
        for name, array in file.items():
            packed.create_dataset(name, data=array, chunks=(7, *array.shape[1:]), compression="gzip")
        for name, value in file.attrs.items():
            packed.attrs[name] = value


def shares(folder: Path) -> None:
    """A data set in two shares, and their plan."""
    plain_modules(folder)
    given = [folder / "photos", "--latents-from", folder / "E", "--size", 16, "--workers", 0, "--h5", folder / "set"]
    for number in (1, 2):
        ola("precompute", *given, "--share", f"{number}/2")


def resumed(folder: Path) -> None:
    """A data set that was interrupted, and what it is made of."""
    plain_modules(folder)
    photographs(folder / "photos", 5)
    ola("precompute", folder / "photos", "--latents-from", folder / "E", "--h5", folder / "out.h5", "--size", 16)
    with h5py.File(folder / "out.h5", "r+") as file:
        for name, value in (("rows_valid", 2), ("complete", 0)):
            file.attrs.modify(name, value)


def runs(folder: Path) -> None:
    """Run folders of each strategy, a few generations long."""
    write_pictures(folder / "data.h5", (6, 2, 2), SIZE)
    write_plain(folder / "pairs.h5", 60)
    frames = folder / "data.h5"
    for name, path, more in (
        ("rows", frames, {}),
        ("classic", frames, {"strategy": "classic"}),
        ("int8", frames, {"weights": "int8"}),
        ("plain", folder / "pairs.h5", {}),
        ("stack", frames, {"module": "decoder", "stack": 4}),
        ("pair", frames, {"module": "pair", "stack": 2}),
    ):
        short = {"generations": 3} if name in ("rows", "classic", "int8", "plain") else {"generations": 12}
        train(make_config(path, folder / name, report_every=10, **short, **more))


def teachers(folder: Path) -> None:
    """Teachers of both families in a folder each, and as pickles."""
    import torch
    from safetensors.torch import load_file

    from tests.support.teacher_samples import build_kl, save_kl, save_model

    plain_modules(folder)
    save_model(folder / "tiny")
    save_kl(folder / "kl", build_kl(block_out_channels=(4, 4, 4, 4), norm_num_groups=2))
    for name in ("tiny", "kl"):
        torch.save(load_file(folder / name / "diffusion_pytorch_model.safetensors"), folder / f"{name}.pt")


def pictures(folder: Path) -> None:
    """Pictures of every format, of 8 and 16 bits, with and without alpha, palette and profile."""
    plain_modules(folder)
    folder = folder / "in"
    folder.mkdir()
    pixels = smooth_pictures(1, 18, 21)[0]
    image = Image.fromarray(pixels)
    deep = Image.fromarray(pixels[..., 0].astype(np.uint16) * 257)
    for suffix in ("png", "jpg", "webp", "gif", "bmp", "tif"):
        image.save(folder / f"rgb.{suffix}")
    image.convert("L").save(folder / "grey.png")
    image.convert("P").save(folder / "palette.png")
    image.convert("CMYK").save(folder / "cmyk.jpg")
    image.convert("RGBA").save(folder / "alpha.png")
    image.save(folder / "packed.tif", compression="tiff_lzw")
    image.save(folder / "moving.gif", save_all=True, append_images=[image.rotate(90)])
    image.save(folder / "moving.png", save_all=True, append_images=[image.rotate(180)])
    deep.save(folder / "deep.png")
    deep.save(folder / "deep.tif")
    from PIL import ImageCms

    turned = Image.Exif()
    turned[0x0112] = 6
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image.save(folder / "profile.jpg", icc_profile=profile, exif=turned)
    image.save(folder / "profile.png", icc_profile=profile, exif=turned)


def films(folder: Path) -> None:
    """Films in each container."""
    from tests.support.video_samples import scene, write_video

    plain_modules(folder)
    for name, codec in (("film.mp4", "mpeg4"), ("film.mkv", "ffv1"), ("film.ts", "libx264"), ("film.avi", "mpeg4")):
        write_video(folder / name, scene(12, 0), codec=codec, rate=25, stamps=[40 * number for number in range(12)])


def archives(folder: Path) -> None:
    """Archives of pictures, stored and packed."""
    plain_modules(folder)
    for name, method in (("stored.zip", zipfile.ZIP_STORED), ("packed.zip", zipfile.ZIP_DEFLATED)):
        with zipfile.ZipFile(folder / name, "w", method) as archive:
            for number, pixels in enumerate(smooth_pictures(2, 18, 21, seed=1)):
                held = io.BytesIO()
                Image.fromarray(pixels).save(held, "PNG")
                archive.writestr(zipfile.ZipInfo(f"in/{number}.png"), held.getvalue(), method)


def captions(folder: Path) -> None:
    """Tables of captions beside pictures."""
    plain_modules(folder)
    (folder / "photos/captions.tsv").write_text("0.png\ta red fox\n1.png\ta hen\tmore\n")
    (folder / "photos/more.tsv").write_text("0.png\tanother\n")
    (folder / "photos/0.txt").write_text("a fox\nan animal\n")
    (folder / "more.csv").write_text('file_name,text\n0.png,"a fox, red"\nphotos/1.png,a hen\n')
    (folder / "more.jsonl").write_text('{"file_name": "0.png", "captions": ["a fox"]}\n{"row": 1, "text": "a hen"}\n')
    (folder / "more.tsv").write_text("part\tfile\tcaption\ntrain\t0.png\ta fox\ntest\t1.png\ta hen\n")
    (folder / "parts.tsv").write_text("file\tpart\n0.png\ttrain\n1.png\theld-out\n")
    np.savez(folder / "pictures.npz", images=np.stack(smooth_pictures(2, 16, 16)))
    (folder / "rows.tsv").write_text("set\trow\tcaption\tpart\npictures\t0\ta fox\ttrain\npictures\t1\ta hen\ttest\n")


def captioned(folder: Path) -> None:
    """Data with captions, rows for denoisers of them, words, and modules that read these."""
    from teachers import precompute_words
    from tests.support.caption_samples import write_captioned, write_denoised
    from tests.support.captioned_samples import make
    from tests.support.letter_samples import LetterTeacher

    make(folder / "captioned.h5")
    write_captioned(
        folder / "expected.h5", {"train": 8, "validation": 2, "held-out:concept-held-out": 2}, styles=("ink", "")
    )
    write_denoised(folder / "denoised.h5", {"train": 4, "validation": 2, "held-out": 2})
    precompute_words(["fox", "hen", "cow"], folder / "words.h5", LetterTeacher())
    ola("precompute", folder / "captioned.h5", "--denoiser", "none", "--levels", "2,1", "--h5", folder / "rows.h5")
    with open_dataset(folder / "captioned.h5") as data:
        texts = sorted({text for captions in data.captions for text in captions})
        means = np.zeros((len(texts), *(data.latent_shape or ())), np.float32)
    np.savez(folder / "means.npz", captions=np.array(texts), text_means=means)
    short = ("--generations", 1, "--population", 4, "--block", 64)
    for name, data, given in (
        ("T", "expected.h5", ("text", "--buckets", 64)),
        ("N", "denoised.h5", ("denoiser", "--view", "whole", "--level", 2)),
    ):
        ola("train", "--module", *given, "--h5", folder / data, *short, "--out", folder / "run")
        (folder / "run/module.safetensors").rename(folder / name)
        shutil.rmtree(folder / "run")


def pipelines(folder: Path) -> None:
    """A text encoder, a list of words, and a pipeline with data for it."""
    from teachers.denoisers.load import load_denoiser
    from teachers.options import LoadOptions
    from tests.support.captioned_samples import make
    from tests.support.pipeline_samples import save_sd
    from tests.support.text_samples import save_sentence

    save_sentence(folder / "text")
    (folder / "list.txt").write_text("fox\nhen\n")
    save_sd(folder / "made").rename(folder / "pipe")
    shutil.rmtree(folder / "made")
    space = load_denoiser(folder / "pipe", LoadOptions(self_test=False, offline=True)).space
    make(folder / "captioned.h5", space=space, side=16)


def recipes(folder: Path) -> None:
    """A recipe."""
    plain_modules(folder)
    entries = [
        {"file": "0.png", "split": "train", "author": "Ann", "licence": "CC0", "crops": [[0, 1, 16], [2, 2, 16]]},
        {"file": "1.png", "split": "held-out"},
    ]
    (folder / "recipe.json").write_text(json.dumps({"pictures": entries}))


def reports(folder: Path) -> None:
    """A report of the benchmark."""
    small_report().save(folder / "report.json")

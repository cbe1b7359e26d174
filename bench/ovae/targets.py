"""The figures that the organic VAE is meant to reach, read off a report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bench.common.targets import Target
from bench.ovae.quality import AFFINE_PAIR, agreement_of
from olacore.quality.vae_test.codecs import AFFINE, PAIRED, TEACHER, THEIRS

KB = 1024
STACK, THEIR_AFFINE, PREVIEW = f"{THEIRS}, compatible decoder", f"{THEIRS}, {AFFINE}", "preview network"
QUARTER = "4"


def judge(report: Mapping[str, Any]) -> tuple[Target, ...]:
    """Compare a report with every target; what was not measured is neither met nor missed."""
    return tuple(targets(report))


def targets(report: Mapping[str, Any]) -> Iterator[Target]:
    """The targets one after the other, in the order in which they were set."""
    sd15, sd3 = report["quality"].get("sd15"), report["quality"].get("sd3")
    psnr = difference(sd15, PAIRED, TEACHER, "psnr")
    yield Target("SD 1.5 pair: PSNR over the teacher's", 0.0, True, "dB", psnr)
    yield Target("SD 1.5 pair: PSNR over the teacher's, aim", 0.7, True, "dB", psnr)
    ssim = difference(sd15, PAIRED, TEACHER, "ssim")
    yield Target("SD 1.5 pair: SSIM over the teacher's", 0.0, True, "", ssim)
    yield Target("SD 1.5 pair: size of both", 256.0, False, "KB", size(sd15, PAIRED))
    yield Target("SD 1.5 affine pair: size of both", 64.0, False, "KB", size(sd15, AFFINE_PAIR))
    affine = difference(sd15, AFFINE_PAIR, TEACHER, "psnr")
    yield Target("SD 1.5 affine pair: PSNR over the teacher's", -0.1, True, "dB", affine)
    for space, quality in report["quality"].items():
        decoder = difference(quality, STACK, THEIR_AFFINE, "psnr")
        yield Target(f"{space} compatible decoder: PSNR over affine least squares", 1.2, True, "dB", decoder)
        yield Target(f"{space} encoder: unexplained variance removed", 0.2, True, "", removed(quality))
    preview = difference(sd15, STACK, PREVIEW, "psnr", QUARTER)
    yield Target("SD 1.5 compatible decoder: PSNR over the preview network's, quarter size", 0.0, True, "dB", preview)
    yield Target("SD 1.5 compatible encoder: size", 512.0, False, "KB", encoder_size(sd15))
    yield Target("SD 3 pair: PSNR over the teacher's", -0.3, True, "dB", difference(sd3, PAIRED, TEACHER, "psnr"))
    speed = report["speed"]
    rows = speed.get("sd15", {}).get("rows", {})
    ours = {name: row for name, row in rows.items() if name != TEACHER}
    slowest = max((row["median_ms"] for row in ours.values()), default=None)
    yield Target("SD 1.5: encode and decode, largest stack", 20.0, False, "ms", slowest)
    yield Target(
        "SD 1.5: encode and decode, affine pair", 4.0, False, "ms", ours.get("affine pair", {}).get("median_ms")
    )
    ratios = [row["over_teacher"] for row in ours.values() if row["over_teacher"] is not None]
    yield Target("SD 1.5: times faster than the teacher, slowest", 80.0, True, "", min(ratios, default=None))
    rows = speed.get("sd3", {}).get("rows", {})
    slowest = max((row["median_ms"] for name, row in rows.items() if name != TEACHER), default=None)
    yield Target("SD 3: encode and decode, slowest", 35.0, False, "ms", slowest)
    pair = report["train"].get("codec4-pair")
    yield Target("SD 1.5 pair: training", 900.0, False, "s", pair and pair["seconds"])
    for case in report["backprop"]:
        yield Target(f"{case['case']}: gain over backprop's, same CPU-seconds", 0.9, True, "", case["ratio"])


def difference(
    quality: Mapping[str, Any] | None, row: str, other: str, figure: str, factor: str | None = None
) -> float | None:
    """A mean figure of one row less that of another, at full size or at `1/factor`; None where one is missing."""
    if quality is None:
        return None
    mean = quality["mean"]
    rows = mean["rows"] if factor is None else mean["small"].get(factor, {})
    if row not in rows or other not in rows or None in (rows[row][figure], rows[other][figure]):
        return None
    return float(rows[row][figure] - rows[other][figure])


def size(quality: Mapping[str, Any] | None, row: str) -> float | None:
    """Encoder and decoder of a row as stored, in KB."""
    if quality is None or row not in quality["rows"]:
        return None
    return float(quality["rows"][row]["encoder_bytes"] + quality["rows"][row]["decoder_bytes"]) / KB


def encoder_size(quality: Mapping[str, Any] | None) -> float | None:
    """The compatible encoder as stored, in KB."""
    row = None if quality is None else quality["rows"].get("compatible encoder, teacher's decoder")
    return None if row is None else row["encoder_bytes"] / KB


def removed(quality: Mapping[str, Any]) -> float | None:
    """Share of the variance left unexplained by affine least squares that the compatible encoder explains."""
    ours, affine = agreement_of(quality).get("r2"), quality["mean"]["latents"].get(AFFINE, {}).get("r2")
    if ours is None or affine is None or affine >= 1:
        return None
    return float((ours - affine) / (1 - affine))

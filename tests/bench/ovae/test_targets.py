"""Targets, read off a report."""

import json

import pytest

from bench.common import RESULTS
from bench.ovae.targets import judge


def test_judge__reads_each_figure():
    rows = {
        "teacher": {"psnr": 24.0, "ssim": 0.7},
        "organic, paired": {"psnr": 24.5, "ssim": 0.69},
        "teacher's latents, compatible decoder": {"psnr": 24.3, "ssim": 0.7},
        "teacher's latents, least squares": {"psnr": 23.0, "ssim": 0.7},
    }
    quality = {
        "mean": {
            "rows": rows,
            "small": {},
            "latents": {"compatible encoder": {"r2": 0.94}, "least squares": {"r2": 0.92}},
        },
        "rows": {"organic, paired": {"encoder_bytes": 100 * 1024, "decoder_bytes": 200 * 1024}},
    }
    speed = {"sd15": {"rows": {"pair": {"median_ms": 9.0, "over_teacher": 70.0}}}}
    report = {
        "quality": {"sd15": quality},
        "speed": speed,
        "train": {"codec4-pair": {"seconds": 901}},
        "backprop": [{"case": "c", "ratio": 0.95}],
    }
    found = {target.figure: (target.measured, target.met) for target in judge(report)}
    assert found["SD 1.5 pair: PSNR over the teacher's"] == (0.5, True)
    assert found["SD 1.5 pair: PSNR over the teacher's, aim"] == (0.5, False)
    assert found["SD 1.5 pair: SSIM over the teacher's"][1] is False
    assert found["SD 1.5 pair: size of both"] == (300.0, False)
    assert found["sd15 compatible decoder: PSNR over affine least squares"] == (pytest.approx(1.3), True)
    assert found["sd15 encoder: unexplained variance removed"] == (pytest.approx(0.25), True)
    assert found["SD 1.5: encode and decode, largest stack"] == (9.0, True)
    assert found["SD 1.5: times faster than the teacher, slowest"] == (70.0, False)
    assert found["SD 1.5 pair: training"] == (901, False)
    assert found["c: gain over backprop's, same CPU-seconds"] == (0.95, True)
    assert found["SD 3 pair: PSNR over the teacher's"] == (None, None)


def test_judge__finds_the_kept_reports_targets_again():
    report = json.loads((RESULTS / "2026-11-25-ovae.json").read_text())
    found = [target.to_dict() for target in judge(report)]
    # Its runs had other names then.
    different = [one["figure"] for one, kept in zip(found, report["targets"], strict=True) if one != kept]
    assert different == ["SD 1.5 pair: training"]

"""What is said of a set when it is made."""

from __future__ import annotations

from dataclasses import replace

import h5py
import numpy as np
import pytest

from olacore.data import open_dataset
from olacore.data.records import checksum_rows
from olacore.drawing.verdict import DECODED, FEW, LEAST_GAIN, MOST_PARTS, Apart, measure_apart, sentences, table_of
from olacore.errors import DataError
from olacore.modules.module import load
from olacore.quality.psnr import mean_psnr
from olacore.views.refining import Refiner
from tests.support.caption_samples import write_captioned
from tests.support.makers import refiner_of, write_pictures
from tests.support.set_samples import modules, write_set


def apart(part: str = "validation", pictures: int = 20, left: float = 0.3, gain: float | None = 1.0) -> Apart:
    """Figures of a part; a gain of None is of a set without a refiner."""
    alone = np.linspace(20, 30, max(pictures, 1))
    return Apart(part, pictures, left, alone, np.empty(0) if gain is None else alone + gain)


def test_sentences__say_nothing_bad_of_a_good_set():
    (explained,) = sentences([apart(), apart("concepts", left=0.79)])
    assert explained.startswith("left by the text mean: the share")
    heads, rows = table_of([apart(), apart("concepts", 1200, np.nan)])
    assert heads == ["", "pictures", "left by the text mean", "decoder, dB", "with refiner, dB"]
    assert rows == [["validation", "20", "0.30", "25.0", "26.0"], ["concepts", "1,200", "-", "25.0", "26.0"]]
    heads, rows = table_of([apart(gain=None)])
    assert (heads[-1], rows[0][-1]) == ("decoder, dB", "25.0")


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        (
            [apart(gain=LEAST_GAIN - 0.03)],
            "the refiner has learned nothing (+0.02 dB): leave [refiner] out",
        ),
        ([apart(gain=0.01 - LEAST_GAIN), apart("b", 1, gain=-9)], "the refiner has learned nothing (-0.04 dB)"),
        ([apart(gain=-0.5)], "the refiner makes pictures worse (-0.50 dB): leave [refiner] out"),
        ([apart(left=0.95)], "the text mean leaves 0.95 of validation pictures, so prompts will be smears: more"),
        (
            [apart("a", left=0.9), apart("b", left=1.1)],
            "leaves 0.90 of a and 1.10 of b pictures, so prompts will be smears: more",
        ),
        (
            [apart(), apart("b", left=0.9)],
            "the text mean leaves 0.90 of b pictures, so prompts as theirs will be smears or other things: more",
        ),
        ([apart("a"), apart("b", 1)], f"too few pictures for figures, of which a part has to have {FEW}: b (1)."),
        ([apart("a", FEW - 1), apart("b", left=0.9)], "the text mean leaves 0.90 of b pictures"),
        ([], "no pictures were held apart"),
        ([apart(str(number)) for number in range(MOST_PARTS + 2)], "there are 2 more parts."),
        ([apart(str(number), 1) for number in range(MOST_PARTS + 1)], "5 (1) and 1 more part."),
    ],
)
def test_sentences__say_what_is_wrong(parts, sentence):
    assert [told for told in sentences(parts) if sentence in told]
    assert len(table_of(parts)[1]) + len(sentences(parts)) <= MOST_PARTS + 5


def test_sentences__of_few_pictures_judge_neither_text_mean_nor_refiner():
    (told,) = sentences([apart(pictures=1, left=0.99), apart("b", FEW - 1, gain=-0.78)])
    assert "too few" in told
    assert table_of([apart(pictures=1)])[1] == []


def test_measure_apart__by_hand(tmp_path):
    """A text mean that knows nothing leaves all of it, one that is right nothing, and PSNR is that of the pictures."""
    folder = write_set(tmp_path)
    data, decoder = tmp_path / "data.h5", load(tmp_path / "decoder.safetensors")
    validation, held_out = measure_apart(folder, data)
    assert (validation.part, validation.pictures, held_out.part, held_out.pictures) == ("validation", 6, "held-out", 6)
    with open_dataset([data]) as found:
        arrays = found.read(["latents", "frames"], found.indices("held-out"))
    assert held_out.alone.mean() == pytest.approx(mean_psnr(decoder.run(arrays["latents"]), arrays["frames"]))
    assert len(held_out.refined) == 0
    mean = load(tmp_path / "mean.safetensors")
    nothing = replace(mean, weights=np.zeros_like(mean.weights), biases=np.zeros_like(mean.biases))
    (other := tmp_path / "other").mkdir()
    write_captioned(other / "data.h5")
    folder = write_set(other, mean=nothing)
    assert [part.left for part in measure_apart(folder, data)] == pytest.approx([1, 1], abs=1e-6)


def test_measure_apart__leaves_out_rows_with_nan(tmp_path):
    """Other programs write such files, and training takes them with --skip-nonfinite."""
    folder, data = write_set(tmp_path), tmp_path / "data.h5"
    whole = measure_apart(folder, data)[1]
    with h5py.File(data, "r+") as file:
        rows, frames, latents = (file[name][:] for name in ("rows", "frames", "latents"))
        latents[-6, 0, 0, 0] = np.nan  # the first of six that are held out
        rows["crc32"] = 0
        rows["crc32"] = checksum_rows(rows, [frames, latents])
        file["rows"][:], file["latents"][:] = rows, latents
    part = measure_apart(folder, data)[1]
    assert part.pictures == whole.pictures - 1
    assert 0 < part.left < np.inf
    np.testing.assert_allclose(part.alone, whole.alone[1:], rtol=1e-6)


def test_measure_apart__of_parts_with_names_and_a_refiner(tmp_path):
    write_captioned(tmp_path / "data.h5", {"train": 30, "validation": 2, "held-out:concepts": 3, "held-out": 1})
    folder = write_set(tmp_path, refiner=refiner_of(modules()["decoder"], Refiner()))
    parts = measure_apart(folder, tmp_path / "data.h5")
    assert [(part.part, part.pictures) for part in parts] == [("validation", 2), ("concepts", 3), ("held-out", 1)]
    assert all(len(part.refined) == len(part.alone) == part.pictures <= DECODED for part in parts)
    write_pictures(tmp_path / "bare.h5")
    with pytest.raises(DataError, match=r"bare\.h5 has no pictures with captions"):
        measure_apart(folder, tmp_path / "bare.h5")

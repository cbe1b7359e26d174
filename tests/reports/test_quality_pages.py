"""Pages of vae-test, t2i-test, compare and bench."""

from __future__ import annotations

import re

import numpy as np
import pytest

from bench.speed.page import bench_page, named
from bench.speed.tables import contents
from olacore.quality.psnr import psnr
from olacore.reports.page import render
from olacore.reports.parts import Gallery, Table
from olacore.reports.quality_pages import DRAWN, Drawn, t2i_page
from tests.support.bench_samples import small_report
from tests.support.command import check_refusal, fill, ola
from tests.support.makers import smooth_pictures
from tests.support.report_samples import NASTY


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with small modules, data and pictures."""
    monkeypatch.chdir(tmp_path)
    fill(tmp_path)
    return tmp_path


def images(text: str) -> list[str]:
    """Alternative texts of the pictures of a page."""
    return re.findall(r'<img src="data:image/webp;base64,[^"]+" alt="([^"]+)"', text)


def test_vae_test__writes_a_page_with_the_pictures(folder):
    (folder / "photos/a.png").rename(folder / "photos/<b>.png")
    asked = ("vae-test", "photos", "--encoder", "E", "--decoder", "P", "--repeats", "1", "--report", "vae.html")
    ola(*asked)
    text = (folder / "vae.html").read_text()
    assert "organic, paired" in text
    assert "&lt;b&gt;.png" in text
    assert "<b>" not in text
    assert sum(alt.startswith("error of ours") for alt in images(text)) == 2
    check_refusal("vae.html is already there", *asked, "--out", "other")
    assert not (folder / "other").exists()
    check_refusal("there is no folder", *asked[:-1], "no/where.html", "--force")


def test_compare__writes_a_page_with_the_worst_frames(folder):
    ola("compare", "E", "--h5", "data.h5", "--report", "compare.html")
    text = (folder / "compare.html").read_text()
    assert "Worst: " in text
    assert sum(alt.startswith("ours over the data&#39;s value") for alt in images(text)) == 4
    assert "The worst frames" in text


def test_drawn__keeps_the_worst_pictures_of_each_part():
    truth = smooth_pictures(5, 16, 16)
    ours = truth.copy()
    for number in range(5):
        ours[number] = np.clip(truth[number] + 10.0 * number, 0, 255)
    drawn = Drawn(most=4)
    captions = [f"{NASTY} {number}" for number in range(5)]
    drawn("held-out", captions, {"set": ours, "mean picture": truth[::-1], "true pictures": truth})
    gallery = drawn.galleries["held-out"]
    assert [row.title.partition(":")[0] for row in gallery.rows] == ["Worst", "2nd worst", "3rd worst", "Best of 5"]
    assert gallery.titles == ["true", "set", "mean picture"]
    assert gallery.rows[0].title.endswith(" 4")
    assert gallery.rows[0].pictures[1].note == f"{psnr(ours[4], truth[4]):.2f} dB"
    figures = {"held-out": {"set": dict.fromkeys(DRAWN, 0.5), "true pictures": {"left": 0.0}}}
    text = render(t2i_page(figures, drawn, NASTY))
    assert "<script" not in text
    assert len(images(text)) == 12
    for _, meaning in DRAWN.values():
        assert meaning.replace("'", "&#39;") in text


def test_bench_page__has_every_figure_of_the_console():
    report = small_report()
    page = bench_page(report, small_report(2.0))
    tables = [part for section in page.sections for part in section.parts if isinstance(part, Table)]
    console = [part for part in contents(report, small_report(2.0)) if not isinstance(part, str)]
    assert [table.rows for table in tables] == [table.rows for table in console]
    assert all(all(table.head) for table in tables)
    assert named(console[0])[0] == "case"
    assert not any(isinstance(part, Gallery) for section in page.sections for part in section.parts)
    text = render(page)
    assert report.machine["processor"] in text
    assert "2.00x" in text

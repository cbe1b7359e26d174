"""The file of a page, without a browser: it asks for nothing, shows names as text, and holds what goes together."""

from __future__ import annotations

import re
from typing import Any

import pytest

import olacore
from olacore.errors import ConfigError, FingerprintError
from olacore.exports.base import Part, export
from olacore.views.patch import PatchDecoder, PatchEncoder
from olacore.views.plain import Plain
from olacore.views.refining import Refiner
from tests.support.command import check_refusal
from tests.support.makers import OTHER_SPACE, make_module, refined_by
from tests.support.set_samples import of_scenes, write_set


def parts(**views: Any) -> list[Part]:
    return [Part.of(name, make_module(view, space)) for name, (view, space) in views.items()]


def test_page__asks_for_nothing(tmp_path):
    export([Part.of("m", olacore.load("codec4-decoder"))], "html", tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert all(f"{what} 'none'" in text for what in ("default-src", "form-action", "base-uri"))
    assert not re.findall(r"https?:|(?:src|href)=(?!\"data:)|\bimport\b|\bfetch\(|XMLHttpRequest|\{\{\w", text)
    export([Part.of("m", olacore.load("codec4-decoder"))], "html", tmp_path / "again.html")
    assert (tmp_path / "again.html").read_text(encoding="utf-8") == text


def test_page__has_names_of_strangers_as_text(tmp_path):
    name = "</title><script>alert(1)</script>"
    export([Part.of(name, make_module(PatchDecoder(4, 8, 3)))], "html", tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "alert(1)" in text
    assert "<script>alert" not in text


def test_page__takes_an_encoder_and_a_decoder_or_a_set(tmp_path):
    space = make_module(PatchDecoder(4)).space
    path = tmp_path / "page.html"
    with pytest.raises(ConfigError, match="p is a plain module; a page takes encoders and decoders of"):
        export(parts(p=(Plain(5, 3), None)), "html", path)
    with pytest.raises(ConfigError, match="a page holds one decoder; got a and b"):
        export(parts(a=(PatchDecoder(4), space), b=(PatchDecoder(4), space)), "html", path)
    with pytest.raises(ConfigError, match="must agree in channels and pixels .*; got e 4, 8, d 16, 8"):
        export(parts(e=(PatchEncoder(4), space), d=(PatchDecoder(16), None)), "html", path)
    with pytest.raises(FingerprintError, match="latent spaces differ: d has .*, e has"):
        export(parts(e=(PatchEncoder(4), space), d=(PatchDecoder(4), OTHER_SPACE)), "html", path)
    decoder, refiner = make_module(PatchDecoder(4, 8, 3)), Part.of("r", make_module(Refiner(), None))
    with pytest.raises(ConfigError, match="r refines what a decoder draws; name that decoder too"):
        export([refiner], "html", path)
    with pytest.raises(FingerprintError, match="r was trained on the pictures of another decoder than d; train it"):
        export([Part.of("d", decoder), refiner], "html", path)
    with pytest.raises(ConfigError, match="d carries a refiner; leave r out"):
        export([Part.of("d", refined_by(decoder, Refiner())), refiner], "html", path)
    check_refusal("a page holds one set", "export", "google64", "sd15-decoder", "--to", "html", "-o", path)
    wrong = "export", write_set(tmp_path, (), **of_scenes()), "--to", "html", "-o", path
    check_refusal("writes sets whose text module has the view table; that of the set set has the view scene", *wrong)
    assert not path.exists()

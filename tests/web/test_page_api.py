"""What the page asks: drawings, pictures through codecs, and the curves of runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

import olacore
from olacore.drawing.notes import ALIKE, SAME
from olacore.drawing.settings import VARIETIES
from olacore.errors import FileFormatError
from olacore.quality.psnr import psnr
from olacore.web.runs import POINTS, Runs
from tests.support.makers import smooth_pictures
from tests.support.served import in_base64, pixels, png, serving, write_run
from tests.support.set_samples import LEVELS, SIDE, resealed, write_set


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return write_set(tmp_path_factory.mktemp("set"))


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    found = tmp_path_factory.mktemp("runs")
    write_run(found / "encoder-0001")
    write_run(found / "decoder-0001", 3 * POINTS, '{"generation": 12')
    return found


@pytest.fixture(scope="module")
def client(folder, runs) -> Iterator[TestClient]:
    with serving(folder, (runs,)) as found:
        yield found


def draw(client: TestClient, code: int = 200, **given: Any) -> Any:
    answer = client.post("/api/draw", json=given)
    assert answer.status_code == code, answer.text
    return answer.json()


def test_draw__is_what_the_generator_draws(client, folder):
    generator = olacore.Generator(folder)
    told = draw(client, prompt="a fox xyzzy", count=4, seed=2, variety=LEVELS[-1], negative="a boat", guidance=1.5)
    drawn = generator.draw("a fox xyzzy", count=4, seed=2, variety=LEVELS[-1], negative="a boat", guidance=1.5)
    assert [one["seed"] for one in told["pictures"]] == [2, 3, 4, 5]
    for one, other in zip(told["pictures"], drawn, strict=True):
        np.testing.assert_array_equal(pixels(one["png"]), other.picture)
    assert told["notes"] == list(drawn[0].notes)
    assert [one["caption"] for one in told["nearest"]] == [text for text, _ in drawn[0].nearest]
    assert told["seconds"] > 0
    assert draw(client, prompt="a fox", count=2)["notes"] == [ALIKE]
    assert draw(client, prompt="a fox", count=2, seed=3)["notes"] == [ALIKE]
    start = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    (one,) = draw(client, prompt="a fox", init=in_base64(png(start)), strength=0.2)["pictures"]
    np.testing.assert_array_equal(pixels(one["png"]), generator.draw("a fox", init=start, strength=0.2)[0].picture)


def test_draw__in_a_style_of_the_set(client, folder, tmp_path):
    assert client.get("/api/about").json()["styles"] == []
    assert (
        draw(client, 422, prompt="a", style="warm")["detail"]
        == "the set set knows no styles; leave the style 'warm' out."
    )
    styled = write_set(tmp_path, styles=("warm", "pale"))
    with serving(styled) as other:
        told = other.get("/api/about").json()
        assert (told["styles"], told["style"]) == (["pale", "warm"], "pale")
        (one,) = draw(other, prompt="a red fox", style="warm")["pictures"]
        expected = olacore.Generator(styled).draw("a red fox", style="warm")[0]
        np.testing.assert_array_equal(pixels(one["png"]), expected.picture)
        told = draw(other, 422, prompt="a", style="dotted")["detail"]
        assert told == "the set set knows the styles pale, warm; got the style 'dotted'."
        assert draw(other, 422, prompt="a", style="a" * 101)["detail"].startswith("style: ")


def test_draw__refuses_in_a_sentence(client):
    assert draw(client, 422, prompt="a", count=65)["detail"].startswith("count: input should be less than or equal to")
    assert draw(client, 422, prompt="a", init="x y")["detail"].startswith("the picture to start from must be the file")


def test_queue__that_is_full_is_429_with_when_to_come_back(folder):
    with serving(folder, queue=2) as client:
        answer = client.post("/api/draw", json={"prompt": "a fox", "count": 3})
        assert answer.status_code == 429
        assert answer.headers["retry-after"] == "1"
        assert answer.json()["detail"] == "too many requests are waiting; ask again in a moment."
        other = client.post("/v1/images/generations", json={"prompt": "a fox", "n": 3})
        assert (other.status_code, other.json()["error"]["type"]) == (429, "rate_limit_exceeded")
        assert client.post("/api/draw", json={"prompt": "a fox", "count": 2}).status_code == 200


def test_answer__that_takes_too_long_is_504(folder):
    with serving(folder, seconds=0.0) as client:
        answer = client.post("/api/draw", json={"prompt": "a fox"})
        assert answer.status_code == 504
        assert answer.json()["detail"] == "the answer took longer than 0 seconds; ask for less."
        engine = client.app.app.state.serving.engine  # type: ignore[attr-defined]
        # It may be at a step of the drawing still, after which it lets go.
        until = monotonic() + 60
        while engine.active and monotonic() < until:
            sleep(0.01)
        assert not engine.active


def test_about__says_what_the_page_has_to_know(client, folder):
    told = client.get("/api/about").json()
    assert (told["set"], told["size"], told["levels"], told["encoder"]) == ("set", SIDE, [*reversed(LEVELS)], True)
    assert told["runs"]
    assert "codec4" in [one["name"] for one in told["codecs"]]
    assert {*told["captions"]} <= {*olacore.Generator(folder, kernels=False).captions.listed}


def test_about__offers_variety_where_prompts_lean_without_denoisers(tmp_path):
    leaning = resealed(write_set(tmp_path, levels=()), "", seen=2.0)
    with serving(leaning) as client:
        assert client.get("/api/about").json()["levels"] == list(VARIETIES)
        asked = {"prompt": "a fox", "count": 4, "variety": VARIETIES[0]}
        assert len({one["png"] for one in draw(client, **asked)["pictures"]}) > 1
        assert draw(client, **asked, lean=0)["notes"][-1] == SAME


@pytest.mark.filterwarnings("ignore:the latents lie")
@pytest.mark.parametrize("shape", [(40, 24), (13, 21), (1, 1)])
def test_codec__gives_the_picture_of_the_modules_and_their_figures(client, shape):
    (picture,) = smooth_pictures(1, *shape)
    told = client.post("/api/codec/codec4", content=png(picture)).json()
    latent = olacore.load("codec4-encoder").encode(picture)
    decoded = olacore.load("codec4-decoder").decode(latent)[: shape[0], : shape[1]]
    np.testing.assert_array_equal(pixels(told["png"]), decoded)
    assert told["psnr"] == pytest.approx(psnr(decoded, picture))
    assert told["latent"] == list(latent.shape)
    assert (told["latent_bytes"], told["picture_bytes"]) == (2 * latent.size, picture.size)


def test_codec__refuses_what_it_cannot_take(client, folder):
    assert (
        client.post("/api/codec/codec4", content=b"hello").json()["detail"].startswith("the picture is not a picture")
    )
    answer = client.post("/api/codec/none", content=png(np.zeros((8, 8, 3), np.uint8)))
    assert (answer.status_code, answer.json()["detail"][:30]) == (404, "there is no codec of this name")
    with serving(folder, codec_pixels=99) as small:
        answer = small.post("/api/codec/codec4", content=png(np.zeros((10, 10, 3), np.uint8)))
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("the picture has 10 x 10 pixels")


def test_runs__are_those_of_the_folders(client, runs):
    assert {*client.get("/api/runs").json()["runs"]} == {"encoder-0001", "decoder-0001"}
    told = client.get("/api/runs/encoder-0001").json()
    assert [line["generation"] for line in told["lines"]] == [1, 2, 3]
    assert [*told["lines"][0]] == ["generation", "seconds", "loss", "validation_loss"]
    thin = client.get("/api/runs/decoder-0001").json()
    assert (len(thin["lines"]), thin["lines"][-1]["generation"], thin["count"]) == (POINTS, 3 * POINTS, 3 * POINTS)
    with (runs / "encoder-0001" / "log.jsonl").open("a") as file:
        file.write('{"generation": 4, "seconds": 2.0}\n{"generation": 5')
    assert client.get("/api/runs/encoder-0001").json()["lines"][-1]["generation"] == 4


def test_runs__outside_the_folders_are_not_there(tmp_path):
    outside = write_run(tmp_path / "outside")
    inside = write_run(tmp_path / "runs" / "own")
    (tmp_path / "runs" / "linked").symlink_to(outside)
    (tmp_path / "runs" / "half").mkdir()
    (tmp_path / "runs" / "half" / "log.jsonl").symlink_to(outside / "log.jsonl")
    found = Runs([inside.parent])
    assert [*found.found()] == ["own"]
    for name in ("../outside", "linked", "half", "outside", str(outside), ""):
        with pytest.raises(KeyError):
            found.curve(name)
    assert {*Runs([outside, inside.parent]).found()} == {"outside", "own"}
    assert {*Runs([inside, write_run(tmp_path / "other" / "own")]).found()} == {"own", "other/own"}
    with pytest.raises(FileFormatError, match="is no folder; name a run, or a folder of runs"):
        Runs([tmp_path / "none"])


def test_runs__that_are_damaged_are_said_to_be(folder, tmp_path):
    (write_run(tmp_path / "run") / "log.jsonl").write_text('{"generation": "x"}\n')
    with serving(folder, (tmp_path,)) as client:
        answer = client.get("/api/runs/run")
        assert answer.status_code == 409
        assert "cannot be read" in answer.json()["detail"]
        assert str(tmp_path) not in answer.text
        assert client.get("/api/runs/..%2Frun").status_code == 404

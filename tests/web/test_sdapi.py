"""What clients of AUTOMATIC1111's web UI send, and what they get."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

import olacore
from olacore.drawing.notes import ALIKE
from olacore.drawing.pictures import read_drawing
from olacore.media.pictures import crop
from olacore.web import engine
from tests.support.command import ola
from tests.support.makers import smooth_pictures
from tests.support.served import in_base64, pixels, png, serving
from tests.support.set_samples import LEVELS, SIDE, write_set

# As a client writes it where nobody has chosen anything: most of it is nothing here.
USUAL: dict[str, Any] = {
    "enable_hr": False,
    "hr_upscaler": "Latent",
    "denoising_strength": 0.7,
    "firstphase_width": 0,
    "prompt": "a fox",
    "styles": [],
    "seed": -1,
    "subseed": -1,
    "subseed_strength": 0.0,
    "batch_size": 1,
    "n_iter": 1,
    "steps": 20,
    "cfg_scale": 7.0,
    "width": 512,
    "height": 512,
    "restore_faces": False,
    "tiling": False,
    "negative_prompt": "",
    "eta": 1.0,
    "override_settings": {},
    "sampler_name": "Euler a",
    "scheduler": "automatic",
    "sampler_index": "Euler a",
    "script_name": None,
    "script_args": [],
    "send_images": True,
    "save_images": False,
    "alwayson_scripts": {},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("set"))


@pytest.fixture(scope="module")
def client(folder) -> Iterator[TestClient]:
    with serving(folder) as found:
        yield found


@pytest.fixture(scope="module")
def generator(folder) -> olacore.Generator:
    return olacore.Generator(folder)


def ask(client: TestClient, way: str = "txt2img", code: int = 200, **given: Any) -> Any:
    answer = client.post(f"/sdapi/v1/{way}", json=given)
    assert answer.status_code == code, answer.text
    return answer.json()


def test_txt2img__has_the_answer_that_clients_read(client, generator):
    told = ask(client, **USUAL)
    assert [*told] == ["images", "parameters", "info"]
    found = pixels(told["images"][0])
    drawn = generator.draw("a fox")[0].picture
    assert found.shape == (512, 512, 3)
    expected = np.asarray(Image.fromarray(drawn).resize((512, 512), Image.Resampling.LANCZOS))
    np.testing.assert_array_equal(found, expected)
    assert told["parameters"]["prompt"] == "a fox"
    info = json.loads(told["info"])
    assert (info["seed"], info["all_seeds"], info["width"], info["sampler_name"]) == (0, [0], 512, "DPM++ 2M")
    assert info["infotexts"][0].splitlines()[0] == "a fox"
    assert "Seed: 0, Size: 512x512" in info["infotexts"][0]


def test_txt2img__has_the_bytes_of_ola_generate(client, folder, tmp_path):
    given = {"prompt": "a fox", "negative_prompt": "a boat", "seed": 5, "variety": LEVELS[-1], "sampler_name": "DDIM"}
    (image,) = ask(client, **given)["images"]
    (tmp_path / "served.png").write_bytes(base64.b64decode(image))
    about = read_drawing(tmp_path / "served.png")
    assert about is not None
    assert (about["drawn by"], about["seed"], about["solver"], about["steps"]) == ("kernels", 5, "ddim", 20)
    ola("generate", "--like", tmp_path / "served.png", "--set", folder, "-o", tmp_path / "again.png")
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "served.png").read_bytes()


def test_txt2img__draws_seeds_that_follow_each_other(client, generator):
    told = ask(client, prompt="a fox", seed=3, batch_size=2, n_iter=2, override_settings={"variety": LEVELS[-1]})
    assert json.loads(told["info"])["all_seeds"] == [3, 4, 5, 6]
    for image, drawn in zip(told["images"], generator.draw("a fox", seed=3, variety=LEVELS[-1], count=4), strict=True):
        np.testing.assert_array_equal(pixels(image), drawn.picture)
    by_chance = [json.loads(ask(client, prompt="a fox", variety=LEVELS[-1])["info"])["seed"] for _ in range(3)]
    assert len({*by_chance}) > 1
    alike = json.loads(ask(client, prompt="a fox xyzzy", batch_size=2)["info"])
    assert alike["extra_generation_params"]["Notes"] == f"'xyzzy' is not known; left out; {ALIKE}"
    assert ask(client, prompt="a fox", send_images=False)["images"] == []


def test_txt2img__cfg_scale_is_guidance_unless_it_is_the_usual_one(client, generator):
    for given, guidance in (({"cfg_scale": 7}, None), ({"cfg_scale": 10}, 2.0), ({"guidance": 0.5}, 0.5)):
        (image,) = ask(client, prompt="a fox", **given)["images"]
        np.testing.assert_array_equal(pixels(image), generator.draw("a fox", guidance=guidance)[0].picture)


def test_img2img__starts_from_a_picture(client, generator, folder, tmp_path):
    picture = smooth_pictures(1, 40, 60)[0]
    file = png(picture)
    for content in (in_base64(file), f"data:image/png;base64,{in_base64(file)}"):
        told = ask(client, "img2img", prompt="a fox", init_images=[content], denoising_strength=0.3, mask=None)
        expected = generator.draw("a fox", init=crop(picture, SIDE), strength=0.3)[0].picture
        np.testing.assert_array_equal(pixels(told["images"][0]), expected)
        assert json.loads(told["info"])["denoising_strength"] == 0.3
        assert "init_images" not in told["parameters"]
    (tmp_path / "photo.png").write_bytes(file)
    ola("generate", "a fox", "--init", tmp_path / "photo.png", "--set", folder, "-o", tmp_path / "by-ola.png")
    served = base64.b64decode(ask(client, "img2img", prompt="a fox", init_images=[in_base64(file)])["images"][0])
    (tmp_path / "served.png").write_bytes(served)
    by_ola, by_server = read_drawing(tmp_path / "by-ola.png"), read_drawing(tmp_path / "served.png")
    assert by_ola is not None
    assert by_server is not None
    assert by_ola["init"] == by_server["init"]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"prompt": "x" * 2001}, "prompt: string should have at most 2000 characters"),
        ({"prompt": 5}, "prompt: input should be a valid string; got 5"),
        ({"width": 4096}, "width: input should be less than or equal to 1024; got 4096"),
        ({"height": 1}, "height: input should be greater than or equal to 8"),
        ({"batch_size": 65}, "batch_size: input should be less than or equal to 64"),
        ({"batch_size": 10, "n_iter": 7}, "batch_size times n_iter is 70; a request may ask for 64 pictures"),
        ({"batch_size": 64, "width": 1024, "height": 1024}, "64 pictures of 1024 x 1024 are 67,108,864 pixels"),
        ({"seed": -2}, "seed: input should be greater than or equal to -1"),
        ({"cfg_scale": -1}, "cfg_scale: input should be"),
        ({"variety": 0.1}, "the set set has denoisers from level 0.5 on; variety 0.1 has no effect"),
        ({"mask": "abc", "tiling": True}, "this server does not do mask, tiling; leave it out"),
        ({"script_name": "x"}, "this server does not do script_name"),
        ({"override_settings": {"sd_model_checkpoint": "v1-5"}}, "this server has the model set and no other"),
    ],
)
def test_txt2img__refuses_in_a_sentence(client, given, sentence):
    told = ask(client, code=422, **{"prompt": "a fox", **given})
    assert told["detail"].startswith(sentence)
    assert told["detail"].endswith(".")
    assert "\n" not in told["detail"]


@pytest.mark.parametrize(
    ("pictures", "sentence"),
    [
        ([], "init_images: list should have at least 1 item"),
        (["a", "b"], "init_images: list should have at most 1 item"),
        (["/etc/passwd"], "the picture to start from must be the file of a picture in base64; paths and addresses are"),
        (["http://127.0.0.1/a.png"], "the picture to start from must be the file of a picture in base64"),
        (["data:image/png;base64,%%"], "the picture to start from must be the file of a picture in base64"),
        ([in_base64(b"hello")], "the picture to start from is not a picture of a known format"),
        ([""], "the picture to start from is empty"),
        (
            [in_base64(png(smooth_pictures(1, 30, 30)[0])[:200])],
            "the picture to start from cannot be read as a picture",
        ),
    ],
)
def test_img2img__refuses_what_is_no_picture(client, pictures, sentence):
    told = ask(client, "img2img", 422, prompt="a fox", init_images=pictures)
    assert told["detail"].startswith(sentence)


def test_img2img__reads_no_picture_of_too_many_pixels(folder, tmp_path):
    with serving(folder, start_pixels=100) as client:
        told = ask(client, "img2img", 422, prompt="a", init_images=[in_base64(png(np.zeros((11, 10, 3), np.uint8)))])
    assert told["detail"] == "the picture to start from has 10 x 11 pixels, 0.0 million; at most 0.0 million are read."
    alone = write_set(tmp_path, encoder=False)
    with serving(alone) as client:
        told = ask(client, "img2img", 422, prompt="a", init_images=["x"])
    assert told["detail"] == "the set set has no encoder, and starts from no picture."


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"null", b'"a"', b"\xff\xfe", b'{"seed": 1e999}', b"[" * 5000])
def test_txt2img__refuses_what_is_no_json(client, content):
    answer = client.post("/sdapi/v1/txt2img", content=content, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.json()["detail"].endswith(".")


def test_txt2img__takes_what_json_can_hold_and_nobody_can_write(client):
    headers = {"content-type": "application/json"}
    for content in (
        b'{"prompt": "\\ud800"}',
        b'{"prompt": %s1%s}' % (b"[" * 300, b"]" * 300),
        b'{"seed": %s}' % (b"9" * 5000),
    ):
        answer = client.post("/sdapi/v1/txt2img", content=content, headers=headers)
        assert answer.status_code in (400, 422)
        assert answer.json()["detail"].endswith(".")
    content = b'{"prompt": "a\\u0000fox", "x\\ud800": 1, "override_settings": {"a": ["\\ud800", %s1%s]}}' % (
        b"[" * 300,
        b"]" * 300,
    )
    assert client.post("/sdapi/v1/txt2img", content=content, headers=headers).status_code == 200


def test_start__of_clients_finds_what_it_asks_for(client):
    (model,) = client.get("/sdapi/v1/sd-models").json()
    assert (model["model_name"], model["filename"]) == ("set", "set")
    assert client.get("/sdapi/v1/options").json()["sd_model_checkpoint"] == model["title"]
    assert [one["name"] for one in client.get("/sdapi/v1/samplers").json()] == ["DPM++ 2M", "DDIM"]
    assert client.get("/sdapi/v1/schedulers").json()[0]["name"] == "automatic"
    for name in ("upscalers", "sd-vae", "loras", "prompt-styles", "latent-upscale-modes", "scripts"):
        assert client.get(f"/sdapi/v1/{name}").status_code == 200
    assert client.post("/sdapi/v1/options", json={"sd_model_checkpoint": model["title"]}).json() is None
    assert client.post("/sdapi/v1/options", json={"sd_model_checkpoint": "other"}).status_code == 422
    assert client.get("/sdapi/v1/none").status_code == 404


def test_styles__are_those_of_the_set(client, tmp_path):
    assert client.get("/sdapi/v1/prompt-styles").json() == []
    answer = client.post("/sdapi/v1/txt2img", json={"prompt": "a fox", "styles": ["warm"]})
    assert (answer.status_code, answer.json()["detail"]) == (
        422,
        "the set set knows no styles; leave the style 'warm' out.",
    )
    styled = write_set(tmp_path, styles=("warm", "pale"))
    with serving(styled) as other:
        assert other.get("/sdapi/v1/prompt-styles").json() == [
            {"name": style, "prompt": f"{{prompt}}, {style}", "negative_prompt": ""} for style in ("pale", "warm")
        ]
        told = other.post("/sdapi/v1/txt2img", json={"prompt": "a fox", "styles": ["warm"]}).json()
        expected = olacore.Generator(styled).draw("a fox", style="warm")[0].picture
        np.testing.assert_array_equal(pixels(told["images"][0]), expected)
        about = json.loads(told["info"])
        assert about["styles"] == ["warm"]
        assert (about["prompt"], about["all_prompts"]) == ("a fox, warm", ["a fox, warm"])
        assert about["infotexts"][0].splitlines()[0] == "a fox, warm"
        again = other.post("/sdapi/v1/txt2img", json={"prompt": "a fox, warm"}).json()
        np.testing.assert_array_equal(pixels(again["images"][0]), expected)
        unread = other.post("/sdapi/v1/txt2img", json={"prompt": "xqzv", "styles": ["warm"]}).json()
        assert json.loads(unread["info"])["infotexts"][0].splitlines()[0] == "xqzv", "nothing of it is known"
        bare = other.post("/sdapi/v1/txt2img", json={"prompt": "a fox", "styles": "warm"}).json()
        assert bare["images"] == told["images"]
        assert (bare["parameters"]["styles"], json.loads(bare["info"])["styles"]) == (["warm"], ["warm"])
        unknown = [
            other.post("/sdapi/v1/txt2img", json={"prompt": "a fox", "styles": styles})
            for styles in ("dotted", ["dotted"])
        ]
        assert {(one.status_code, one.json()["detail"]) for one in unknown} == {
            (422, "the set set knows the styles pale, warm; got the style 'dotted'.")
        }


@pytest.mark.parametrize("styles", [["warm", "pale"], 5, [5], {"warm": 1}, [["warm"]], True, 0, {}])
def test_styles__of_another_shape_are_refused_with_what_to_send(client, styles):
    answer = client.post("/sdapi/v1/txt2img", json={"prompt": "a fox", "styles": styles})
    sentence = 'styles: send one name that /sdapi/v1/prompt-styles lists, as ["NAME"], or none, as []'
    assert answer.status_code == 422
    assert answer.json()["detail"] in (f"{sentence}.", f"{sentence}; got {styles}.")


@pytest.mark.parametrize("styles", ["", [], [None], ["", None], None])
def test_styles__that_are_empty_ask_for_nothing(client, styles):
    told, plain = (
        client.post("/sdapi/v1/txt2img", json={"prompt": "a fox", **given}) for given in ({"styles": styles}, {})
    )
    assert told.status_code == 200, told.text
    assert told.json()["parameters"]["styles"] == []
    assert told.json()["images"] == plain.json()["images"]


def test_addresses__asked_in_the_wrong_way_say_how_they_are_asked(client):
    for address in ("/sdapi/v1/txt2img", "/sdapi/v1/interrupt", "/v1/images/generations", "/api/draw", "/api/codec/x"):
        answer = client.get(address)
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
        assert "this address takes POST and not GET." in answer.text
    assert "this address takes GET and not POST." in client.post("/sdapi/v1/progress").text


def test_progress__and_interrupt(client, monkeypatch):
    idle = client.get("/sdapi/v1/progress").json()
    assert (idle["progress"], idle["state"]["job_count"], idle["current_image"]) == (0.0, 0, None)
    begun, go, told = threading.Event(), threading.Event(), []
    draw = engine.draw_together
    batches = []

    def held(*given: Any) -> Any:
        batches.append(given)
        if len(batches) == 2:
            begun.set()
            go.wait()
        return draw(*given)

    monkeypatch.setattr(engine, "draw_together", held)
    many = threading.Thread(target=lambda: told.append(ask(client, prompt="a fox", batch_size=64)))
    many.start()
    begun.wait()
    found = client.get("/sdapi/v1/progress").json()
    assert (found["progress"], found["state"]["job_no"], found["state"]["job_count"]) == (0.5, 32, 64)
    assert found["state"]["job"] == "a fox"
    assert pixels(found["current_image"]).shape == (SIDE, SIDE, 3)
    assert client.get("/sdapi/v1/progress?skip_current_image=true").json()["current_image"] is None
    queued, order = threading.Event(), client.app.app.state.serving.engine.order  # type: ignore[attr-defined]

    def noted(wishes: Any) -> Any:
        found = order(wishes)
        queued.set()
        return found

    monkeypatch.setattr(client.app.app.state.serving.engine, "order", noted)  # type: ignore[attr-defined]
    later = threading.Thread(target=lambda: told.append(ask(client, prompt="a boat")))
    later.start()
    queued.wait()
    assert client.post("/sdapi/v1/interrupt").json() == {}
    later.join()
    assert told[0]["images"] == []
    go.set()
    many.join()
    assert len(told[1]["images"]) == 64

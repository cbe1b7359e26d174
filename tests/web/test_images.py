"""What clients of OpenAI's image interface send, and what they get."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

import olacore
from tests.support.served import pixels, serving
from tests.support.set_samples import LEVELS, SIDE, write_set


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("set"))


@pytest.fixture(scope="module")
def client(folder) -> Iterator[TestClient]:
    with serving(folder) as found:
        yield found


def ask(client: TestClient, code: int = 200, **given: Any) -> Any:
    answer = client.post("/v1/images/generations", json=given)
    assert answer.status_code == code, answer.text
    return answer.json()


def test_generations__have_the_answer_that_clients_read(client, folder):
    told = ask(client, prompt="a fox", model="gpt-image-1", n=2, user="me", quality="auto", seed=4, variety=LEVELS[-1])
    assert isinstance(told["created"], int)
    assert (len(told["data"]), told["output_format"], told["size"]) == (2, "png", f"{SIDE}x{SIDE}")
    drawn = olacore.Generator(folder).draw("a fox", seed=4, variety=LEVELS[-1], count=2)
    for one, other in zip(told["data"], drawn, strict=True):
        assert [*one] == ["b64_json"]
        np.testing.assert_array_equal(pixels(one["b64_json"]), other.picture)


def test_generations__in_a_style(client, folder, tmp_path):
    plain = ask(client, prompt="a red fox")["data"]
    for style in ("vivid", "Vivid", " NATURAL"):
        assert ask(client, prompt="a red fox", style=style)["data"] == plain, "of the interface, asks for nothing"
    assert (
        "knows no styles; leave the style 'warm' out" in ask(client, 422, prompt="a", style="warm")["error"]["message"]
    )
    styled = write_set(tmp_path, styles=("warm", "vivid"))
    generator = olacore.Generator(styled)
    with serving(styled) as other:
        for style, read in (("warm", "warm"), ("Vivid", "vivid"), ("Natural", "")):
            (one,) = ask(other, prompt="a red fox", style=style)["data"]
            np.testing.assert_array_equal(pixels(one["b64_json"]), generator.draw("a red fox", style=read)[0].picture)


def test_generations__of_another_size_and_format(client):
    for form in ("png", "jpeg", "webp"):
        told = ask(client, prompt="a fox", size="48x32", output_format=form, response_format="b64_json")
        assert pixels(told["data"][0]["b64_json"]).shape == (32, 48, 3)
        assert told["size"] == "48x32"


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"response_format": "url"}, "response_format must be b64_json: pictures are in the answer, and are not kept"),
        ({"stream": True}, "stream must be false"),
        ({"n": 11}, "n: input should be less than or equal to 10; got 11"),
        ({"size": "large"}, "size must be auto or WIDTHxHEIGHT"),
        ({"size": "2048x2048"}, "size must have sides of 8 to 1024 pixels; got 2048x2048"),
        ({"size": "4x64"}, "size must have sides of 8"),
        ({"prompt": None}, "prompt: field required"),
        ({"output_format": "gif"}, "output_format: input should be 'png', 'jpeg' or 'webp'; got 'gif'"),
        ({"variety": 0.1}, "the set set has denoisers from level 0.5 on"),
    ],
)
def test_generations__are_refused_in_the_shape_of_that_interface(client, given, sentence):
    error = ask(client, 422, **{"prompt": "a fox", **given})["error"]
    assert [*error] == ["message", "type", "param", "code"]
    assert error["message"].startswith(sentence)
    assert error["type"] == "invalid_request_error"


def test_models__are_the_one_set(client):
    told = client.get("/v1/models").json()
    assert (told["object"], [one["id"] for one in told["data"]]) == ("list", ["set"])

"""The command as a process: clients of other servers, somebody who leaves, and its end."""

from __future__ import annotations

import json
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import numpy as np
import pytest
from PIL import Image

import olacore
from tests.support.documents import blocks
from tests.support.makers import smooth_pictures
from tests.support.served import pixels, started
from tests.support.set_samples import LEVELS, SIDE, write_set


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return write_set(tmp_path_factory.mktemp("set"))


@pytest.fixture(scope="module")
def address(folder) -> Iterator[str]:
    with started("--set", folder) as (_, found):
        yield found


def ask(address: str, path: str, given: Any = None) -> Any:
    content = None if given is None else json.dumps(given).encode()
    with urlopen(Request(address + path, content, {"Content-Type": "application/json"})) as answer:
        return json.load(answer)


def test_openai__client_gets_pictures(address, folder):
    openai = pytest.importorskip("openai", reason="needs openai, of the extra test")
    with openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0) as client:
        told = client.images.generate(
            prompt="a fox",
            n=2,
            size="512x512",
            response_format="b64_json",
            extra_body={"variety": LEVELS[-1], "seed": 1},
        )
        assert [pixels(one.b64_json).shape for one in told.data] == [(512, 512, 3)] * 2
        other = client.images.generate(prompt="a fox", model="gpt-image-1")
        np.testing.assert_array_equal(
            pixels(other.data[0].b64_json), olacore.Generator(folder).draw("a fox")[0].picture
        )
        with pytest.raises(openai.UnprocessableEntityError, match="response_format must be b64_json"):
            client.images.generate(prompt="a fox", response_format="url")
        assert [one.id for one in client.models.list()] == ["set"]


def test_documentation__has_a_recipe_that_works(address):
    pytest.importorskip("openai", reason="needs openai, of the extra test")
    (block,) = blocks("docs/serve.md", "What clients of other servers call")
    recipe = block.text.replace("http://127.0.0.1:7860", address).replace('"variety": 1', f'"variety": {LEVELS[-1]}')
    found: dict[str, Any] = {}
    exec(compile(recipe, "docs/serve.md", "exec"), found)
    found["client"].close()
    assert pixels(found["told"].data[0].b64_json).shape == (SIDE, SIDE, 3)


def test_webuiapi__client_gets_pictures(address, folder):
    webuiapi = pytest.importorskip("webuiapi", reason="needs webuiapi, of the extra test")
    client = webuiapi.WebUIApi(baseurl=f"{address}/sdapi/v1")
    generator = olacore.Generator(folder)
    told = client.txt2img(prompt="a fox", seed=3, width=SIDE, height=SIDE, override_settings={"variety": LEVELS[-1]})
    expected = generator.draw("a fox", seed=3, variety=LEVELS[-1], steps=20)[0].picture
    np.testing.assert_array_equal(np.asarray(told.image), expected)
    assert told.info["all_seeds"] == [3]
    start = Image.fromarray(smooth_pictures(1, SIDE, SIDE)[0])
    other = client.img2img(images=[start], prompt="a fox", denoising_strength=0.3, width=SIDE, height=SIDE)
    expected = generator.draw("a fox", init=np.asarray(start), strength=0.3)[0].picture
    np.testing.assert_array_equal(np.asarray(other.image), expected)
    assert client.util_get_model_names() == [client.util_get_current_model()]
    assert [one["name"] for one in client.get_samplers()] == ["DPM++ 2M", "DDIM"]
    assert client.get_progress()["progress"] == 0.0
    assert client.interrupt() == {}
    with pytest.raises(RuntimeError, match="width: input should be less than"):
        client.txt2img(prompt="a fox", width=2000)


def test_clients__that_leave_give_their_places_up(address):
    """Many who do not wait for their answers keep nobody else from theirs."""
    host, port = address.removeprefix("http://").split(":")
    content = json.dumps({"prompt": "a fox", "batch_size": 64}).encode()
    head = f"POST /sdapi/v1/txt2img HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
    for _ in range(40):  # five times what may wait
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
    for _ in range(5000):
        told = ask(address, "/sdapi/v1/progress?skip_current_image=true")
        if not told["state"]["job_count"]:
            break
    else:
        pytest.fail("orders of those who left are still there")
    assert ask(address, "/api/draw", {"prompt": "a fox"})["pictures"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signal__ends_it_when_what_is_asked_is_answered(folder, number, code):
    with started("--set", folder) as (process, address):
        told: list[Any] = []
        given = {"prompt": "a fox", "batch_size": 64, "width": 256, "height": 256, "variety": LEVELS[-1]}
        asking = threading.Thread(target=lambda: told.append(ask(address, "/sdapi/v1/txt2img", given)))
        asking.start()
        for _ in range(5000):
            if ask(address, "/sdapi/v1/progress?skip_current_image=true")["state"]["job_count"]:
                break
        process.send_signal(number)
        asking.join()
        assert len(told[0]["images"]) == 64
        assert process.wait() == code
        assert process.stderr is not None
        last = process.stderr.read().splitlines()[-1]
        assert last == f"{'interrupted' if code == 130 else 'terminated'}: all requests are answered"

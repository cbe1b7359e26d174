"""Whatever JSON comes, the server answers with pictures or with a sentence, and never with a fault."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from tests.support.makers import smooth_pictures
from tests.support.served import in_base64, png, serving
from tests.support.set_samples import write_set

NUMBERS = st.one_of(st.integers(-3, 70), st.integers(), st.floats(-2, 8), st.floats(allow_nan=False, width=32))
TEXTS = st.one_of(
    st.text(max_size=20), st.sampled_from(("a fox", "256x256", "url", "b64_json", "DDIM", "../x", "http://a"))
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)
VALUES = st.recursive(
    SCALARS, lambda one: st.one_of(st.lists(one, max_size=3), st.dictionaries(TEXTS, one, max_size=3)), max_leaves=6
)
# Values that would be taken, so that bodies are not all refused for their first field.
START = in_base64(png(smooth_pictures(1, 9, 12)[0]))
SOUND: dict[str, Any] = {"prompt": "a fox", "seed": 3, "steps": 2, "variety": 2, "count": 2, "n": 2, "batch_size": 2}
SOUND |= {"width": 40, "height": 24, "size": "30x20", "negative_prompt": "a boat", "cfg_scale": 5, "guidance": 2}
SOUND |= {"init_images": [START], "init": START, "denoising_strength": 0.2, "strength": 0.1, "n_iter": 1, "lean": 0.5}
SOUND |= {"override_settings": {"variety": 2.0}, "sampler_name": "DDIM", "output_format": "webp", "negative": "a"}
NAMES = (*SOUND, "response_format", "stream", "model", "mask", "send_images", "sampler_index", "alwayson_scripts")
FIELDS = st.sampled_from(NAMES)
BODIES = st.one_of(
    VALUES,
    st.dictionaries(FIELDS, VALUES, max_size=6).map(lambda own: {"prompt": "a fox", **own}),
    st.sets(FIELDS, max_size=8).map(lambda names: {name: SOUND[name] for name in names if name in SOUND}),
    st.tuples(FIELDS, VALUES).map(lambda pair: {**SOUND, pair[0]: pair[1]}),
)
WAYS = ("/sdapi/v1/txt2img", "/sdapi/v1/img2img", "/v1/images/generations", "/api/draw", "/sdapi/v1/options")


@pytest.fixture(scope="module")
def client(tmp_path_factory) -> Iterator[TestClient]:
    with serving(write_set(tmp_path_factory.mktemp("set")), asked_pixels=1 << 16) as found:
        yield found


@settings(max_examples=150, deadline=None, derandomize=True)
@given(way=st.sampled_from(WAYS), body=BODIES)
def test_server__never_fails(client, way, body):
    answer = client.post(way, json=body)
    if answer.status_code != 200:
        assert answer.status_code == 422, answer.text
        told = answer.json()
        sentence = told["error"]["message"] if way.startswith("/v1/") else told["detail"]
        assert sentence.endswith(".")
        assert "\n" not in sentence
        assert "Error" not in sentence
        assert "Traceback" not in sentence

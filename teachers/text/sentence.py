"""What a folder of a sentence encoder says of the steps behind its network: pooling, dense layers, unit length."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from olacore.errors import FileFormatError
from olacore.foreign.json_text import read_json
from teachers.text.encoder import Pooling
from teachers.text.pooling import POOLINGS

Step = Callable[[torch.Tensor], torch.Tensor]
ACTIVATIONS = {"Tanh": torch.tanh, "Identity": lambda x: x, "ReLU": torch.relu, "GELU": torch.nn.functional.gelu}


def read_steps(folder: Path) -> tuple[Pooling, str]:
    """The steps that `modules.json` lists behind the network, as one pooling, and their names.

    Raises
    ------
    FileFormatError  if a file is missing or damaged, or a step is unknown
    """
    try:
        modules = read_json(folder / "modules.json", "the list of steps")
        kinds = [(module["type"].rsplit(".", 1)[-1], folder / module["path"]) for module in modules]
    except (KeyError, TypeError, AttributeError) as error:
        raise FileFormatError(f"{folder / 'modules.json'} lists no steps of a sentence encoder: {error}.") from error
    if [kind for kind, _ in kinds[:2]] != ["Transformer", "Pooling"]:
        raise FileFormatError(f"{folder} has the steps {[kind for kind, _ in kinds]}; expected Transformer, Pooling.")
    pools, names = _poolings(kinds[1][1])
    steps: list[Step] = []
    for kind, path in kinds[2:]:
        if kind not in STEPS:
            raise FileFormatError(f"{folder} has the step {kind!r}; known are {', '.join(STEPS)}.")
        steps.append(STEPS[kind](path))

    def pool(found: Any, mask: torch.Tensor) -> torch.Tensor:
        vector = torch.cat([one(found, mask) for one in pools], -1)
        for step in steps:
            vector = step(vector)
        return vector

    return pool, " ".join([*names, *(kind for kind, _ in kinds[2:])])


def _poolings(folder: Path) -> tuple[list[Pooling], list[str]]:
    config = _config(folder)
    wanted = [name for name, asked in config.items() if name.startswith("pooling_mode_") and asked is True]
    unknown = [name for name in wanted if name not in POOLINGS]
    if unknown or not wanted:
        raise FileFormatError(f"{folder} asks for the pooling {wanted}; known are {', '.join(POOLINGS)}.")
    return [POOLINGS[name] for name in wanted], wanted


def _normalize(folder: Path) -> Step:
    return lambda vector: torch.nn.functional.normalize(vector, dim=-1)


def _dense(folder: Path) -> Step:
    config = _config(folder)
    name = str(config.get("activation_function", "Tanh")).rsplit(".", 1)[-1]
    try:
        weights = load_file(folder / "model.safetensors")
        matrix, bias = weights["linear.weight"].float(), weights.get("linear.bias")
        act = ACTIVATIONS[name]
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        raise FileFormatError(f"the dense layer in {folder} cannot be read: {error}.") from error
    shift = 0.0 if bias is None else bias.float()
    return lambda vector: act(vector @ matrix.T.to(vector.device) + shift)


STEPS: dict[str, Callable[[Path], Step]] = {"Normalize": _normalize, "Dense": _dense}


def _config(folder: Path) -> dict[str, Any]:
    config = read_json(folder / "config.json", "the configuration")
    if not isinstance(config, dict):
        raise FileFormatError(f"{folder / 'config.json'} is no configuration.")
    return config

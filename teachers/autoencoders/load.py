"""Loading an autoencoder by folder, file or hub id, whole and proved."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from olacore.errors import ConfigError, FileFormatError
from olacore.foreign.json_text import read_json
from olacore.foreign.schema import record, require, shown
from olacore.spaces import LatentSpace
from teachers.autoencoders.configuration import CHECKS
from teachers.autoencoders.families import FAMILIES, recognise
from teachers.autoencoders.hub import ModelFiles, find_model
from teachers.options import LoadOptions
from teachers.protocol import Autoencoder

PIECE_BYTES = 1 << 22


def load_teacher(reference: str | Path, options: LoadOptions | None = None) -> Autoencoder:
    """Load an autoencoder, `AutoencoderKL` or `AutoencoderTiny` of diffusers, and prove that it is whole.

    It comes from a folder in the layout of the public hub, by its hub id (the local cache is asked first), or from a
    single file, also a full checkpoint. Its weights must be exactly those that its configuration asks for.

    Parameters
    ----------
    reference : a folder, a hub id `owner/name`, or a `.safetensors`, `.ckpt` or `.pt` file
    options : how it is loaded; None for the defaults

    Raises
    ------
    ConfigError  if torch or diffusers are not installed, the device is not there, or a file's model is not clear
    FileFormatError  if there is no such model, its files are damaged or of another model, or it fails its self-test
    """
    try:
        return _load_network(reference, options or LoadOptions())
    except ImportError as error:
        name = error.name or "torch"
        raise ConfigError(f"a teacher needs the package {name}; pip install 'olacore[teachers]'.") from error


def _load_network(reference: str | Path, options: LoadOptions) -> Autoencoder:
    import torch

    from teachers.autoencoders.device import batch_for, find_device, peak_of
    from teachers.autoencoders.kl import build_kl, mode_of
    from teachers.autoencoders.network import NetworkTeacher
    from teachers.autoencoders.self_test import prove
    from teachers.autoencoders.tiny import build_tiny, latents_of
    from teachers.autoencoders.weights import load_strictly, read_weights

    device = find_device(options.device)
    files = find_model(reference, options.offline)
    weights, names = read_weights(files.weights)
    config, path = _configuration(files, options.config, names)
    kind = config.get("_class_name")
    kinds = {"AutoencoderKL": (build_kl, mode_of), "AutoencoderTiny": (build_tiny, latents_of)}
    if not isinstance(kind, str) or kind not in kinds:
        raise FileFormatError(f"a teacher is an AutoencoderKL or an AutoencoderTiny; {path} describes {shown(kind)}.")
    build, latent = kinds[kind]
    require(CHECKS[kind], config, f"the configuration {path}")
    # Without memory for weights until they are known to be those of the file.
    with torch.device("meta"):
        model, factor = build(config, path)
    model.eval().requires_grad_(False)
    load_strictly(model, files.weights, weights)
    space = _space(files, model.config, factor, path)
    model.to(device)
    settings: dict[str, Any] = {"device": device.type, "self_test": options.self_test}
    teacher = NetworkTeacher(model, space, latent, device, 1, settings)
    if options.self_test:
        prove(teacher, model, reference)

    def peak() -> int:
        side = max(options.size // factor, 1) * factor
        blank = np.zeros((1, side, side, 3), np.uint8)
        return peak_of(device, lambda: teacher.decode(teacher.encode(blank)))

    parameters = sum(weight.numel() for weight in model.parameters())
    batch = options.batch or batch_for(device, parameters, peak)
    if device.type != "cpu":
        settings["batch"] = batch
    return NetworkTeacher(model, space, latent, device, batch, settings)


def _configuration(files: ModelFiles, asked: str | None, names: Sequence[str]) -> tuple[dict[str, Any], Path]:
    """The model's configuration, and where it comes from."""
    if asked in FAMILIES:
        return FAMILIES[asked], Path(asked)
    path = Path(asked) if asked else files.config
    if path is None:
        family = recognise(files.weights, names)
        return FAMILIES[family], Path(family)
    if asked and not path.exists():
        raise FileFormatError(f"a configuration is one of {', '.join(FAMILIES)}, or a file; there is no {path}.")
    config = read_json(path, "the configuration")
    return require(record({}), config, f"the configuration {path}"), path


def _space(files: ModelFiles, settings: Any, factor: int, path: Path) -> LatentSpace:
    scaling: Any = settings.scaling_factor
    shift: Any = settings.get("shift_factor") or 0.0
    means, deviations = settings.get("latents_mean"), settings.get("latents_std")
    if means is not None and deviations is not None:
        shift = tuple(float(mean) for mean in means)
        scaling = tuple(settings.scaling_factor / float(deviation) for deviation in deviations)
    digest = hashlib.sha256()
    with files.weights.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            digest.update(piece)
    try:
        return LatentSpace(files.name, digest.hexdigest(), scaling, shift, settings.latent_channels, factor)
    except ConfigError as error:
        raise FileFormatError(
            f"{path} does not fit its own {settings.latent_channels} latent channels: {error}"
        ) from error

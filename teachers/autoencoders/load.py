"""Loading an autoencoder by folder, file or hub id, whole and proved."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from olacore.errors import ConfigError, FileFormatError
from olacore.foreign.json_text import read_json
from olacore.foreign.schema import record, require, shown
from olacore.spaces import LatentSpace
from teachers.autoencoders.configuration import CHECKS
from teachers.autoencoders.families import FAMILIES, recognise, shrinking
from teachers.autoencoders.hub import ModelFiles, find_model
from teachers.options import LoadOptions
from teachers.protocol import Autoencoder, check_side

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
    with _packages():
        return _load_network(reference, options or LoadOptions())


def check_size(reference: str | Path, options: LoadOptions) -> None:
    """Compare the size of the pictures to come with an autoencoder's configuration, before torch takes its seconds.

    A configuration that leaves its sizes to diffusers is not looked at.

    Parameters
    ----------
    reference, options : as of `load_teacher`; the size is that of `options`

    Raises
    ------
    ConfigError  if it is no multiple of what a latent stands for, or the package that asks the hub is not installed
    FileFormatError  if there is no such model, or its configuration is damaged
    """
    with _packages():
        files = find_model(reference, options.offline)
    if files.config is None and options.config is None:
        # The family shows in the weights, which take torch; all families have the same factor.
        config, path = FAMILIES["sd"], Path("sd")
    else:
        config, path = _configuration(files, options.config, ())
    kind = _kind_in(config, path)
    with suppress(KeyError):
        check_side(options.size, shrinking(kind, config), files.name)


@contextmanager
def _packages() -> Iterator[None]:
    """Name a package that is not installed in an error of ours."""
    try:
        yield
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
    kinds = {"AutoencoderKL": (build_kl, mode_of), "AutoencoderTiny": (build_tiny, latents_of)}
    build, latent = kinds[_kind_in(config, path)]
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


def _kind_in(config: dict[str, Any], path: Path) -> str:
    """The class of diffusers that a configuration is of, which has been checked to describe one."""
    kind = config.get("_class_name")
    if not isinstance(kind, str) or kind not in CHECKS:
        raise FileFormatError(f"a teacher is an AutoencoderKL or an AutoencoderTiny; {path} describes {shown(kind)}.")
    require(CHECKS[kind], config, f"the configuration {path}")
    return kind


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

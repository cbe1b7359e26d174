"""Loading the denoiser of a diffusers pipeline by folder or hub id, whole and proved."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from olacore.errors import ConfigError, FileFormatError
from olacore.foreign.json_text import read_json
from olacore.foreign.schema import record, require, text
from teachers.hub_folder import folder_of
from teachers.options import LoadOptions

if TYPE_CHECKING:
    from teachers.denoisers.denoiser import DenoiserTeacher

INDEX = "model_index.json"
# Parts that no answer needs.
NEEDLESS = ("safety_checker", "feature_extractor", "image_encoder")


def load_denoiser(reference: str | Path, options: LoadOptions | None = None, *, plain: bool = False) -> DenoiserTeacher:
    """Load a pipeline's network with its scheduler and text encoders, and prove that it is whole.

    Parameters
    ----------
    reference : a folder or hub id of a diffusers pipeline of a known family: SD 1 and 2, SDXL, LCM, SD 3, PixArt
    options : its configuration does not count here
    plain : ask without the prompt as well

    Raises
    ------
    ConfigError  if torch, diffusers or transformers are not installed, or the device is not there
    FileFormatError  if there is no such pipeline, its family or what its network predicts is unknown, a part is missing
        or damaged, or it fails its self-test
    """
    try:
        return _load(str(reference), options or LoadOptions(), plain)
    except ImportError as error:
        name = error.name or "diffusers"
        raise ConfigError(f"a denoiser needs the package {name}; pip install 'olacore[teachers]'.") from error


def is_pipeline(reference: str) -> bool:
    """Whether a reference is the folder of a pipeline."""
    return (Path(reference).expanduser() / INDEX).is_file()


def _load(reference: str, options: LoadOptions, plain: bool) -> DenoiserTeacher:
    from dataclasses import replace

    from teachers.autoencoders.device import find_device
    from teachers.autoencoders.load import load_teacher
    from teachers.denoisers.conditions import FAMILIES
    from teachers.denoisers.denoiser import DenoiserTeacher
    from teachers.denoisers.schedule import schedule_of
    from teachers.denoisers.self_test import prove
    from teachers.network import digest_weights, sound

    device = find_device(options.device)
    folder = _folder_of(reference, options.offline)
    index = _index(folder)
    kind = index["_class_name"]
    if kind not in FAMILIES:
        raise FileFormatError(f"{reference} is a {kind!r}; the pipelines known are {', '.join(FAMILIES)}.")
    family = FAMILIES[kind]
    pipeline = _pipeline(folder, index)
    pipeline.to(device)
    pipeline.set_progress_bar_config(disable=True)
    with sound(f"the scheduler of {reference} has no known noise levels"):
        schedule = schedule_of(pipeline.scheduler)
    network = getattr(pipeline, family.network)
    vae = load_teacher(folder, replace(options, config=None, self_test=False))
    name = folder.resolve().name if Path(reference).expanduser().exists() else reference
    teacher = DenoiserTeacher(
        name,
        pipeline,
        family,
        schedule,
        vae.space,
        digest_weights(network).hexdigest(),
        plain=plain,
        proved=options.self_test,
    )
    if options.self_test:
        prove(teacher, vae, reference)
    return teacher


def _folder_of(reference: str, offline: bool) -> Path:
    from diffusers import DiffusionPipeline

    return folder_of(reference, "a denoiser's pipeline", offline, partial(DiffusionPipeline.download, reference))


def _index(folder: Path) -> dict[str, Any]:
    if not (folder / INDEX).is_file():
        raise FileFormatError(f"{folder} is no pipeline: {INDEX} is missing.")
    index = read_json(folder / INDEX, "the index of the pipeline")
    return require(record({"_class_name": text()}), index, str(folder / INDEX))


def _pipeline(folder: Path, index: dict[str, Any]) -> Any:
    import diffusers
    import transformers

    from teachers.network import load_whole, most_tokens, require_fitting, sound

    parts = {name: part for name, part in index.items() if isinstance(part, list) and part and name not in NEEDLESS}
    absent = [name for name, part in parts.items() if part[:1] != [None] and not (folder / name).is_dir()]
    if absent:
        raise FileFormatError(f"the pipeline {folder} is not whole: {', '.join(absent)} is missing.")
    given: dict[str, Any] = {name: None for name, part in parts.items() if part[:1] == [None]}
    given |= dict.fromkeys({*NEEDLESS} & index.keys())
    # The pipeline itself would fill weights that are missing with random ones.
    for name, part in parts.items():
        if name.startswith("text_encoder") and name not in given:
            given[name] = load_whole(_kind(transformers, part, folder), folder / name)
        elif name in ("unet", "transformer", "vae"):
            given[name] = load_whole(_kind(diffusers, part, folder), folder / name, low_cpu_mem_usage=False)
    with sound(f"the pipeline {folder} cannot be loaded"):
        pipeline = diffusers.DiffusionPipeline.from_pretrained(
            folder, local_files_only=True, low_cpu_mem_usage=False, **given
        )
    for name in parts:
        tokenizer = getattr(pipeline, name, None) if name.startswith("tokenizer") else None
        encoder = getattr(pipeline, name.replace("tokenizer", "text_encoder"), None)
        if tokenizer is not None and encoder is not None:
            require_fitting(tokenizer, encoder, folder / name, pads=True)
            places = getattr(encoder.config, "max_position_embeddings", None)
            # Pipelines pad every prompt to as many tokens as the tokenizer says.
            if places is not None and most_tokens(tokenizer, encoder, folder / name) < tokenizer.model_max_length:
                told = f"gives {tokenizer.model_max_length} tokens, and the network has places for {places}"
                raise FileFormatError(f"the tokenizer in {folder / name} {told}; they do not belong together.")
    return pipeline


def _kind(package: Any, part: list[Any], folder: Path) -> Any:
    kind = getattr(package, str(part[-1]), None)
    if kind is None or not hasattr(kind, "from_pretrained"):
        raise FileFormatError(f"the pipeline {folder} names a {part[-1]!r}, which {package.__name__} does not know.")
    return kind

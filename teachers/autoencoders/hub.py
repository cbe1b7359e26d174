"""The files of a model: a single file, a local folder, the hub's cache, or the hub."""

import logging
from dataclasses import dataclass
from pathlib import Path

from olacore.errors import FileFormatError

CONFIG = "config.json"
WEIGHTS = "diffusion_pytorch_model.safetensors"
# In the order of preference; pickles are read as weights only.
OTHER_WEIGHTS = ("diffusion_pytorch_model.fp16.safetensors", "diffusion_pytorch_model.bin")
# A model of a whole pipeline keeps its autoencoder in this folder.
FOLDERS = ("", "vae/")
HUB_SECONDS = 10

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ModelFiles:
    """Where a model's files are.

    Parameters
    ----------
    name : the hub id, or the name of the folder or file
    config : None for a single file
    """

    name: str
    weights: Path
    config: Path | None


def find_model(reference: str | Path, offline: bool = False) -> ModelFiles:
    """Find a model's name, its configuration and its weights.

    Parameters
    ----------
    reference : a file of weights, a local folder, or an id `owner/name` of the public hub
    offline : look in the hub's cache only

    Raises
    ------
    FileFormatError  if the folder lacks one of the files, or the hub cannot give them
    """
    path = Path(reference).expanduser()
    if path.is_file():
        return ModelFiles(path.name, path, None)
    if not path.exists():
        return _from_hub(str(reference), offline)
    folder = path / "vae" if not (path / CONFIG).is_file() and (path / "vae" / CONFIG).is_file() else path
    weights = next((folder / name for name in (WEIGHTS, *OTHER_WEIGHTS) if (folder / name).is_file()), folder / WEIGHTS)
    for needed in (folder / CONFIG, weights):
        if not needed.is_file():
            raise FileFormatError(f"a teacher's folder holds {CONFIG} and {WEIGHTS}; {needed} is missing.")
    return ModelFiles(path.resolve().name, weights, folder / CONFIG)


def _from_hub(name: str, offline: bool) -> ModelFiles:
    from huggingface_hub import HfApi, hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, HFValidationError, LocalEntryNotFoundError

    missing = f"no folder {name!r}, and"
    for folder in FOLDERS:
        try:
            found = (Path(hf_hub_download(name, folder + file, local_files_only=True)) for file in (CONFIG, WEIGHTS))
            config, weights = found
            return ModelFiles(name, weights, config)
        except HFValidationError as error:
            raise FileFormatError(f"{missing} that is no hub id 'owner/name' either; check the path.") from error
        except LocalEntryNotFoundError:
            continue
    if offline:
        raise FileFormatError(
            f"{missing} the hub's cache does not hold that model; leave --offline out, or copy it here."
        )
    logger.info("%s is not in the hub's cache: asking the hub", name)
    reason = "has no such files"
    try:
        # One short question first: the download itself retries for half a minute where there is no network.
        HfApi().model_info(name, timeout=HUB_SECONDS)
        for folder in FOLDERS:
            try:
                config = Path(hf_hub_download(name, folder + CONFIG))
                return ModelFiles(name, Path(hf_hub_download(name, folder + WEIGHTS)), config)
            except EntryNotFoundError:
                continue
    # Its errors have no common base across versions and transports; whichever it is, the model is not here.
    except Exception as error:
        reason = f"did not give {CONFIG} and {WEIGHTS} ({type(error).__name__})"
        raise FileFormatError(f"{missing} the hub {reason}; check the name, or download it into a folder.") from error
    raise FileFormatError(f"{missing} the hub {reason}: {CONFIG} and {WEIGHTS}, at its root or in vae/.")

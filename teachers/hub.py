"""The files of a model: from a local folder, the hub's cache, or the hub."""

import logging
from pathlib import Path

from olacore.errors import FileFormatError

CONFIG = "config.json"
WEIGHTS = "diffusion_pytorch_model.safetensors"
HUB_SECONDS = 10

logger = logging.getLogger(__name__)


def find_model(reference: str | Path) -> tuple[str, Path, Path]:
    """Find a model's name, its configuration and its weights.

    Parameters
    ----------
    reference : a local folder, or an id `owner/name` of the public hub

    Returns
    -------
    the hub id or the folder's name, the path of `config.json`, the path of the weights

    Raises
    ------
    FileFormatError  if the folder lacks one of the files, or the hub cannot give them
    """
    folder = Path(reference).expanduser()
    if not folder.exists():
        name = str(reference)
        config, weights = (_from_hub(name, file) for file in (CONFIG, WEIGHTS))
        return name, config, weights
    for path in (folder / CONFIG, folder / WEIGHTS):
        if not path.is_file():
            raise FileFormatError(f"a teacher's folder holds {CONFIG} and {WEIGHTS}; {path} is missing.")
    return folder.resolve().name, folder / CONFIG, folder / WEIGHTS


def _from_hub(name: str, file: str) -> Path:
    from huggingface_hub import HfApi, hf_hub_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    missing = f"no folder {name!r}, and"
    try:
        return Path(hf_hub_download(name, file, local_files_only=True))
    except HFValidationError as error:
        raise FileFormatError(f"{missing} that is no hub id 'owner/name' either; check the path.") from error
    except LocalEntryNotFoundError:
        logger.info("%s of %s is not in the hub's cache: asking the hub", file, name)
    try:
        # One short question first: the download itself retries for half a minute where there is no network.
        HfApi().model_info(name, timeout=HUB_SECONDS)
        return Path(hf_hub_download(name, file))
    # Its errors have no common base across versions and transports; whichever it is, the model is not here.
    except Exception as error:
        reason = f"the hub did not give {file} ({type(error).__name__})"
        raise FileFormatError(f"{missing} {reason}; check the name, or download it into a folder.") from error

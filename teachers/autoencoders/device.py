"""Where a teacher runs, and how many pictures it takes at once."""

from collections.abc import Callable

import torch

from olacore.errors import ConfigError

# Pictures that are encoded one by one on a CPU and written together; few where each takes seconds, because an
# interruption waits for them.
CPU_BATCH, LARGE_BATCH = 8, 2
LARGE = 10_000_000
MOST = 64
# Of a GPU's memory; the rest is for algorithms' own room and for whatever else uses the card.
SHARE = 0.4


def find_device(name: str) -> torch.device:
    """The device of this name: `cpu`, `cuda` or `cuda:1`.

    Raises
    ------
    ConfigError  if there is no such device
    """
    kind, _, number = name.partition(":")
    if kind not in ("cpu", "cuda") or (number and not (kind == "cuda" and number.isdecimal())):
        raise ConfigError(f"a device is cpu, cuda or cuda:1 and so on; got {name!r}.")
    if kind == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if int(number or 0) >= count:
            raise ConfigError(f"this torch finds {count} CUDA devices, so there is no {name}; use --device cpu.")
    return torch.device(name)


def batch_for(device: torch.device, parameters: int, peak: Callable[[], int]) -> int:
    """Pictures to hand over at once.

    Parameters
    ----------
    parameters : of the network
    peak : runs the network on one picture and tells the bytes that it took on the card
    """
    if device.type == "cpu":
        return CPU_BATCH if parameters < LARGE else LARGE_BATCH
    return fitting_batch(torch.cuda.get_device_properties(device).total_memory, 4 * parameters, peak())


def fitting_batch(total: int, weights: int, picture: int) -> int:
    """The largest power of two, up to 64, of pictures that fit into a share of a card's memory, and at least 1.

    A power of two and the card's whole memory, because the answers may depend on it in their last bits: a run that
    is resumed on the same card must come to the same number.

    Parameters
    ----------
    total, weights, picture : bytes of the card, of the network and of the work on one picture
    """
    room = max(1, int((SHARE * total - weights) / max(picture, 1)))
    return min(MOST, 1 << room.bit_length() - 1)


def peak_of(device: torch.device, work: Callable[[], object]) -> int:
    """Bytes that some work took on the card beyond what was there before."""
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    work()
    return torch.cuda.max_memory_allocated(device) - before

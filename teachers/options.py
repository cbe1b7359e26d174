"""How a teacher is loaded, whatever it is."""

from dataclasses import dataclass

from olacore.errors import ConfigError


@dataclass(frozen=True)
class LoadOptions:
    """How a teacher is loaded.

    Parameters
    ----------
    config : of a single file: sd, sdxl, sd3, flux, or the path of a `config.json`; in place of a folder's own
    device : cpu, cuda, or cuda:1 and so on
    batch : items at once; None chooses
    offline : never ask the hub
    self_test : prove that it answers as it should; what is skipped is said in the data set
    size : side of the pictures to come, for choosing the batch

    Raises
    ------
    ConfigError  if the batch is out of range
    """

    config: str | None = None
    device: str = "cpu"
    batch: int | None = None
    offline: bool = False
    self_test: bool = True
    size: int = 256

    def __post_init__(self) -> None:
        if self.batch is not None and self.batch < 1:
            raise ConfigError(f"a batch holds 1 picture or more; got {self.batch}.")

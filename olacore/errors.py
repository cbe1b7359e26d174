"""The errors that olacore raises on purpose; each message says what was expected, what came, and what to do."""


class OlacoreError(Exception):
    """A known error; the command line prints it as one line and exits with code 1."""


class ShapeError(OlacoreError, ValueError):
    """Dimensions that do not fit each other; both are named."""


class DTypeError(OlacoreError, TypeError):
    """A wrong number type, memory order or a read-only output."""


class DataError(OlacoreError, ValueError):
    """Data that are there but cannot be learnt from: NaN, inf, no rows, no split."""


class FileFormatError(OlacoreError, OSError):
    """A file that is missing, truncated, foreign or of an unknown schema."""


class FingerprintError(OlacoreError, ValueError):
    """A module and data of different latent spaces; both are named."""


class OutputExistsError(OlacoreError, FileExistsError):
    """An output that is already there, without `--resume` or `--force`."""


class OutputError(OlacoreError, OSError):
    """An output that cannot be written: no permission, no room, locked by another process."""


class ConfigError(OlacoreError, ValueError):
    """A setting that is unknown or out of range."""


class SearchError(OlacoreError, ArithmeticError):
    """A search that cannot go on: a generation with only non-finite losses."""

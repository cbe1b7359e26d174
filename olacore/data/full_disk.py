"""HDF5 on a disk that fills up: it crashes some time after a write that failed, so it never gets to know of one.

Reserved room does not always help: file systems that copy on write need more of it for every change.
"""

import io
from pathlib import Path
from typing import Any


class Disk(io.FileIO):
    """A file for HDF5 to change. The first write that fails is remembered, and from then on nothing is written: what
    is on disk is as a kill at that moment would have left it.

    Attributes
    ----------
    failure : why a write failed; None while all went well
    """

    failure: OSError | None = None

    def __init__(self, path: Path) -> None:
        super().__init__(path, "r+b")

    def write(self, data: Any) -> int:
        """Write all of it, or remember why not."""
        left = memoryview(data).cast("B")
        size = len(left)
        try:
            while left and not self.failure:
                left = left[super().write(left) :]
        except OSError as error:
            self.failure = error
        return size

    def truncate(self, size: int | None = None) -> int:
        """Change the size, or remember why not."""
        try:
            return self.tell() if self.failure else super().truncate(size)
        except OSError as error:
            self.failure = error
            return self.tell()

    def check(self) -> None:
        """Raise the `OSError` of the first write that failed."""
        if self.failure:
            raise OSError(self.failure.errno, self.failure.strerror)

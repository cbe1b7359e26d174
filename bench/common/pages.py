"""Files without what the system holds of them in memory."""

from __future__ import annotations

import os
from pathlib import Path


def drop_pages(path: Path) -> None:
    """Ask the system to forget what it holds of a file that is safely on disk; without effect where it cannot."""
    if not hasattr(os, "posix_fadvise"):
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)

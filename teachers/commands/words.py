"""`ola precompute --words`: a table of single words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from olacore.commands.say import say
from olacore.foreign.names import counted
from teachers.commands.reporting import reporting

if TYPE_CHECKING:
    from teachers import LoadOptions


def embed_words(
    sources: Sequence[Path],
    h5: Path,
    reference: str,
    loading: LoadOptions,
    counts: tuple[int | None, int],
    resume: bool,
    force: bool,
) -> None:
    """Make a table of words with a text teacher's embeddings; `counts`: of its own (None: all), of common ones."""
    import teachers

    teachers.check_target(h5, None, resume, force)
    teacher = teachers.load_text_teacher(reference, loading)
    vocabulary, common = counts
    words = teachers.collect_words(sources, common, teacher.vocabulary()[:vocabulary])
    say(f"embedding {counted(len(words), 'word')}, each alone: with many thousands that takes minutes", err=True)
    with reporting(h5, rows="words") as report:
        teachers.precompute_words(words, h5, teacher, resume=resume, force=force, progress=report)
    say(f"{h5}: {counted(len(words), 'word')} with embeddings of {teacher.name}")

"""`ola precompute` of captions alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from olacore.commands.say import say
from olacore.foreign.names import counted
from teachers.commands.reporting import reporting

if TYPE_CHECKING:
    from teachers import LoadOptions, PictureRule, Share


def embed_texts(
    sources: Sequence[Path],
    h5: Path,
    reference: str,
    loading: LoadOptions,
    tokens: bool,
    rule: PictureRule,
    share: Share | None,
    resume: bool,
    force: bool,
) -> None:
    """Make a data set of captions with a text teacher's embeddings, and with those of their tokens where asked."""
    import teachers

    teachers.check_target(h5, None, resume, force, share)
    texts = teachers.collect_texts(sources, rule)
    teacher = teachers.load_text_teacher(reference, loading, tokens=tokens)
    with reporting(h5, rows="captions") as report:
        made = teachers.precompute_texts(texts, h5, teacher, share=share, resume=resume, force=force, progress=report)
    if teacher.cut:
        say(f"cut to what the text teacher takes: {counted(teacher.cut, 'caption')}", err=True)
    say(f"{h5}: {counted(made, 'caption')} with embeddings of {teacher.name}")

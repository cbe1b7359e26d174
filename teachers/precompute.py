"""`precompute`: a teacher looks at photographs once, and a data set keeps what it answered."""

import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from olacore.data import ROW, LatentWriter
from olacore.files import check_output
from olacore.pictures import crop, read_picture
from teachers.photographs import PictureRule, choose_photographs
from teachers.protocol import Teacher

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Summary:
    """What `precompute` made.

    Parameters
    ----------
    rows : in the file
    photographs : in the file, by split
    skipped : files that are not in it, each with the reason
    """

    rows: int
    photographs: dict[str, int]
    skipped: tuple[tuple[Path, str], ...]


def precompute(
    sources: Sequence[Path],
    h5: Path,
    teacher: Teacher,
    rule: PictureRule | None = None,
    *,
    recon: bool = False,
    resume: bool = False,
    force: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Summary:
    """Make a data set of photographs with a teacher's latents.

    The rule says how squares are cut from a photograph; each one is resized to `rule.size` with an
    antialiased Lanczos filter. Damaged files, exact copies and, unless `rule.upscale`, photographs smaller
    than `rule.size` are skipped and reported. Splits are by photograph. A killed run that is resumed with the
    same settings and pictures gives the same bytes as one that was not killed.

    Parameters
    ----------
    sources : pictures and folders of pictures
    h5 : the file to write
    teacher : makes the latents
    recon : store the teacher's decoding of the stored latents too
    resume : go on behind the last finished row of `h5`; start it if it is missing
    force : replace `h5`
    progress : is called with the rows done and all rows, before the first row and after each one

    Raises
    ------
    OutputExistsError  if there is a file and neither `resume` nor `force`
    OutputError  if the file cannot be written
    FileFormatError  if a source is missing
    DataError  if no picture can be used, or the teacher's latents are not finite
    ConfigError  if the settings are wrong, or a resumed file was made with other ones
    """
    rule = rule or PictureRule()
    check_output(h5, force=force or resume)
    photographs, skipped = choose_photographs(sources, rule)
    squares = [(number, square) for number, photo in enumerate(photographs) for square in photo.squares]
    digests = "".join(photo.digest for photo in photographs)
    settings = {
        "resize": "square to size, Lanczos",
        "crops": "recipe" if rule.recipe else rule.crops,
        "seed": rule.seed,
        "squares_sha256": hashlib.sha256(repr([(n, *square) for n, square in squares]).encode()).hexdigest(),
        "pictures_sha256": hashlib.sha256(digests.encode()).hexdigest(),
    }
    logger.info("%d rows from %d photographs, %d skipped", len(squares), len(photographs), len(skipped))
    read = lru_cache(maxsize=1)(read_picture)
    with LatentWriter(
        h5,
        space=teacher.space,
        size=(rule.size, rule.size),
        capacity=len(squares),
        sources=[photo.source for photo in photographs],
        recon=recon,
        settings=settings,
        force=force,
        resume=resume,
    ) as writer:
        if progress:
            progress(writer.rows_valid, len(squares))
        for number, square in squares[writer.rows_valid :]:
            frames = crop(read(photographs[number].path), rule.size, square)[None]
            # As stored: the decoding belongs to the latent that a reader of the file will find.
            with np.errstate(over="ignore"):
                latents = teacher.encode(frames).astype(np.float16)
            rows = np.array([(number, -1, *square, square.side)], ROW)
            writer.append(frames, latents, rows, teacher.decode(latents) if recon else None)
            if progress:
                progress(writer.rows_valid, len(squares))
    splits = Counter(photo.source.split for photo in photographs)
    return Summary(len(squares), dict(splits), tuple(skipped))

"""Text modules: texts to the embeddings that a text teacher would give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from olacore.errors import DataError, DTypeError, ShapeError
from olacore.modules.kinds.base import KINDS, Kind

if TYPE_CHECKING:
    from olacore.modules.module import Module


class Text(Kind):
    """`embed` turns texts into embeddings."""

    name: ClassVar[str] = "text"
    verb: ClassVar[str] = "embed"
    reads: ClassVar[tuple[str, ...]] = ("captions",)

    def run(self, module: Module, given: Any) -> np.ndarray:
        """Embed one text, or a list of them."""
        texts = [given] if isinstance(given, str) else list(given) if np.iterable(given) else [given]
        if not texts:
            raise ShapeError("expected at least one text; got none.")
        if odd := [text for text in texts if not isinstance(text, str)]:
            raise DTypeError(f"expected a text or a list of texts; got {type(odd[0]).__name__}.")
        try:
            captions = np.array([text.encode() for text in texts])
        except UnicodeEncodeError as error:
            raise DataError(f"a text has a character that UTF-8 cannot hold ({error.reason}); leave it out.") from error
        answers = module.answer({"captions": captions})
        return answers[0] if isinstance(given, str) else answers


KINDS.add(Text())

"""Words of texts, and a table of what a text teacher says of single words."""

from olacore.text.table import WordTable
from olacore.text.words import words_in, words_read

__all__ = ["WordTable", "words_in", "words_read"]

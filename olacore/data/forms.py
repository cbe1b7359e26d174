"""The forms of data files: which named fields a row has. Writer, reader and checksums go by the form alone.

A file names its form by its schema. Another form is a `Form` that is added to `FORMS`; nothing else has to know it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from olacore.errors import ConfigError
from olacore.registry import Registry

UINT8, FLOAT16, FLOAT32, FLOAT64 = (np.dtype(name) for name in ("uint8", "float16", "float32", "float64"))
INT32, UINT64 = np.dtype("int32"), np.dtype("uint64")
# The field that says which caption a row has; without it a row has those of its source.
CAPTION = "caption"
# Names that a file needs for itself.
TAKEN = ("rows", "sources", "files", "split", "captions", "caption_sums", "source_captions")
PER = ("row", "source", "caption")


@dataclass(frozen=True)
class FieldSpec:
    """A named field of a data set.

    Parameters
    ----------
    name : of the data set in the file
    shape : of one entry; a word stands for a size that each file decides, the same size wherever it stands
    dtype : that it is written and handed out in
    also : other types that it may be stored in
    finite : whether NaN and inf are refused when it is written
    optional : whether a file may lack it
    per : "row"; "source" for what is stored once a source and read for each of its rows; "caption" likewise
    chunked : whether each entry is a chunk of its own; otherwise all lie one behind the other
    flat : whether (n,) is read as (n, 1)

    Raises
    ------
    ConfigError  if `per` is none of these, or the name is one that a file needs for itself
    """

    name: str
    shape: tuple[int | str, ...]
    dtype: np.dtype
    also: tuple[np.dtype, ...] = ()
    finite: bool = True
    optional: bool = False
    per: str = "row"
    chunked: bool = False
    flat: bool = False

    def __post_init__(self) -> None:
        if self.per not in PER:
            places = f"{', '.join(PER[:-1])} or {PER[-1]}"
            raise ConfigError(f"a field has one entry per {places}; /{self.name} was given per {self.per!r}.")
        if self.name in TAKEN or "/" in self.name:
            raise ConfigError(f"a field has a name of its own, without '/', not {', '.join(TAKEN)}; got {self.name!r}.")

    @property
    def types(self) -> tuple[np.dtype, ...]:
        """All types that it may be stored in."""
        return tuple(sorted((self.dtype, *self.also), key=lambda dtype: dtype.itemsize))

    def sized(self, sizes: Mapping[str, int]) -> tuple[int | str, ...]:
        """The shape of an entry with the words replaced whose sizes are known."""
        return tuple(sizes.get(size, size) if isinstance(size, str) else size for size in self.shape)

    def takes(self, dtype: np.dtype) -> bool:
        """Whether numbers of a type can be written to it: floats take all, other types their own kind."""
        return dtype.kind == self.dtype.kind or (self.dtype.kind == "f" and dtype.kind in "iub")


@dataclass(frozen=True)
class Form:
    """What the files of one schema hold.

    Parameters
    ----------
    schema : maker, kind and version, such as `olacore/latents/1`
    fields : in the order of a row's checksum
    sourced : whether `/rows` says of each row which source it is from, where it lies there and its checksum, and
        `/sources` the split; otherwise a row has nothing but its split, in `/split`
    spaced : whether the file names a latent space and the size of its pictures. They decide the words H, W (of
        pictures), C, h, w (of latents)

    Raises
    ------
    ConfigError  if the schema or the fields make no form
    """

    schema: str
    fields: tuple[FieldSpec, ...]
    sourced: bool = True
    spaced: bool = False

    def __post_init__(self) -> None:
        parts = self.schema.split("/")
        if len(parts) < 3 or not (all(parts) and parts[-1].isdecimal()):
            raise ConfigError(f"a schema is maker/kind/version, such as olacore/latents/1; got {self.schema!r}.")
        names = [field.name for field in self.fields]
        certain = [field for field in self.fields if field.per == "row" and not field.optional]
        if len(set(names)) < len(names) or not certain:
            raise ConfigError(f"{self.schema} needs fields of different names, one of them in every row; got {names}.")
        if not self.sourced and any(field.per != "row" for field in self.fields):
            raise ConfigError(f"{self.schema} has fields per source or caption, and its rows name no source.")

    @property
    def name(self) -> str:
        """What it is found by: the schema."""
        return self.schema

    @property
    def kind(self) -> str:
        """The schema without maker and version, for people."""
        return self.schema.split("/")[-2]

    @property
    def captioned(self) -> bool:
        """Whether the file has captions of their own, in `/captions`, and `/source_captions` says whose they are."""
        return any(field.per == "caption" for field in self.fields)

    @property
    def first(self) -> FieldSpec:
        """A field that every file has, with an entry for each row."""
        return next(field for field in self.fields if field.per == "row" and not field.optional)

    def words(self, optional: Iterable[str]) -> tuple[str, ...]:
        """Sizes that each file decides, of one that has these of the optional fields."""
        shapes = [*(field.shape for field in self.present(optional)), ("H", "W") if self.spaced else ()]
        return tuple(dict.fromkeys(size for shape in shapes for size in shape if isinstance(size, str)))

    def present(self, optional: Iterable[str]) -> tuple[FieldSpec, ...]:
        """The fields of a file that has these of the optional ones."""
        return tuple(field for field in self.fields if not field.optional or field.name in optional)


# Forms of data by their schema: which fields a file has.
FORMS: Registry[Form] = Registry("form of data")

LATENTS = FORMS.add(
    Form(
        "olacore/latents/1",
        (
            FieldSpec("frames", ("H", "W", 3), UINT8, chunked=True),
            FieldSpec("latents", ("C", "h", "w"), FLOAT16, chunked=True),
            FieldSpec("recon", ("H", "W", 3), UINT8, optional=True, chunked=True),
        ),
        spaced=True,
    )
)

EMBEDDINGS = FieldSpec("embeddings", ("E",), FLOAT32, per="caption")
# Latents that the caption alone leads one to expect, by a module that did not see the row; and how near the caption is
# to the nearest, and to the eight nearest, captions of training, itself left out.
OF_TEXT = (
    FieldSpec("text_means", ("C", "h", "w"), FLOAT16, optional=True, per="caption", chunked=True),
    FieldSpec("certainty", (2,), FLOAT32, optional=True, per="caption"),
)

TOKENS = FieldSpec("tokens", ("T", "F"), FLOAT16, optional=True, per="caption", chunked=True)

CAPTIONED = FORMS.add(
    Form(
        "olacore/captioned/1",
        (
            *LATENTS.fields,
            EMBEDDINGS,
            TOKENS,
            *OF_TEXT,
        ),
        spaced=True,
    )
)

# A noisy latent is latents + sigmas * noise; the noise follows from the seed, unless the noisy latent itself is stored.
# Rows are too small for chunks of their own: of 4 channels and 8 x 8 sites the index takes 13 % of latent and answer.
DENOISED = FORMS.add(
    Form(
        "olacore/denoised/1",
        (
            FieldSpec("latents", ("C", "h", "w"), FLOAT16),
            FieldSpec("sigmas", (), FLOAT32),
            FieldSpec("noise_seeds", (), UINT64),
            FieldSpec(CAPTION, (), INT32),
            FieldSpec("answers", ("C", "h", "w"), FLOAT16, optional=True),
            FieldSpec("plain_answers", ("C", "h", "w"), FLOAT16, optional=True),
            FieldSpec("noisy", ("C", "h", "w"), FLOAT16, optional=True),
            EMBEDDINGS,
            *OF_TEXT,
        ),
        spaced=True,
    )
)

# Captions alone, and what a text teacher says of them.
TEXTS = FORMS.add(Form("olacore/texts/1", (FieldSpec(CAPTION, (), INT32), EMBEDDINGS, TOKENS)))

# Words, a text teacher's embedding of each, and how far the word moves the teacher behind other words: 1 less the
# cosine, or 1 where that was not asked.
WORD_BYTES = 64
WORDS = FORMS.add(
    Form(
        "olacore/words/1",
        (
            FieldSpec("words", (), np.dtype(f"S{WORD_BYTES}")),
            replace(EMBEDDINGS, per="row"),
            FieldSpec("shifts", (), FLOAT32),
        ),
        sourced=False,
    )
)

# Also any file that names no schema and has these two.
PAIRS = FORMS.add(
    Form(
        "olacore/pairs/1",
        (
            FieldSpec("inputs", ("in",), FLOAT32, also=(FLOAT16, FLOAT64)),
            FieldSpec("targets", ("out",), FLOAT32, also=(FLOAT16, FLOAT64), flat=True),
        ),
        sourced=False,
    )
)


def form_for(written: Iterable[str], offered: Iterable[str]) -> Form:
    """Find the form that keeps everything which is written, and lacks nothing beside what is offered.

    Parameters
    ----------
    written : names of fields that somebody makes
    offered : names of fields that there are anyway

    Raises
    ------
    ConfigError  if no form does, or several do
    """
    wanted, there = set(written), {*written, *offered}
    found = [
        form
        for form in FORMS.values()
        if wanted <= {field.name for field in form.fields} and there >= {field.name for field in form.present(())}
    ]
    if len(found) == 1:
        return found[0]
    forms = ", ".join(form.schema for form in found or FORMS.values())
    what = f"{len(found)} forms of data hold" if found else "no form of data holds"
    raise ConfigError(f"{what} {', '.join(sorted(wanted))} beside {', '.join(sorted(there - wanted))}; see {forms}.")

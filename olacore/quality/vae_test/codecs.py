"""The rows of `ola vae-test`: which decoder works on which encoder's latents."""

from __future__ import annotations

from dataclasses import dataclass, field

from olacore.data import Dataset
from olacore.quality.evaluation import usable_items
from olacore.quality.protocols import DecodesLatents, EncodesPictures
from olacore.quality.reference.least_squares import LeastSquares, TrainingPictures
from olacore.quality.reference.simple import BlockMeans, LinearPreview, PatchComponents
from olacore.quality.vae_test.request import Entrants
from olacore.spaces import accepts, named

TEACHER, PAIRED, COMPATIBLE = "teacher", "organic, paired", "organic, compatible"
ENCODER, AFFINE, BLOCKS, THEIRS = "encoder", "least squares", "block mean", "teacher's latents"
NO_DATA = "least squares, linear preview and principal components are left out: they are fitted to data, see --h5"


@dataclass(frozen=True)
class Row:
    """A codec: a decoder on the latents of one of the encoders.

    Parameters
    ----------
    encoder : its name in `Lineup.encoders`
    nbytes : of the decoder as stored; a teacher's file holds its encoder too
    """

    name: str
    encoder: str
    decoder: DecodesLatents
    nbytes: int


@dataclass
class Lineup:
    """What is compared.

    Parameters
    ----------
    encoders : by name
    sizes : bytes of each encoder as stored; a teacher's file holds its decoder too
    imitators : names of the encoders whose latents are to be like the teacher's
    rows : in the order of the table
    factor : pixels along a side that a latent site stands for
    main : name of the row that is shown as ours
    notes : what was left out, and why
    """

    encoders: dict[str, EncodesPictures] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    imitators: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    factor: int = 8
    main: str = PAIRED
    notes: list[str] = field(default_factory=list)

    def enter(self, name: str, encoder: EncodesPictures, nbytes: int, imitates: bool = False) -> None:
        """Name an encoder."""
        self.encoders[name], self.sizes[name] = encoder, nbytes
        if imitates:
            self.imitators.append(name)

    def add(self, name: str, encoder: str, decoder: DecodesLatents, nbytes: int) -> None:
        """Append a row."""
        self.rows.append(Row(name, encoder, decoder, nbytes))


def line_up(entrants: Entrants) -> Lineup:
    """Make all rows that the entrants allow; closed forms are fitted here, which takes most of the time."""
    lineup = Lineup(factor=entrants.encoder.space.factor, main=PAIRED if entrants.paired else COMPATIBLE)
    encoder, decoder = entrants.encoder.module, entrants.decoder.module
    compatible_encoder, compatible_decoder = entrants.compatible()
    teacher, size = entrants.teacher, entrants.teacher_bytes
    imitation = ENCODER if entrants.compatible_encoder is None else "compatible encoder"
    imitates = accepts(entrants.space, entrants.encoder.space)
    lineup.enter(ENCODER, encoder, encoder.nbytes(), imitates)
    if compatible_encoder and imitation != ENCODER:
        lineup.enter(imitation, compatible_encoder.module, compatible_encoder.module.nbytes(), True)
    if teacher:
        lineup.enter(TEACHER, teacher, size)
        lineup.add(TEACHER, TEACHER, teacher, size)
    if entrants.paired:
        lineup.add(PAIRED, ENCODER, decoder, decoder.nbytes())
    if compatible_decoder:
        module = compatible_decoder.module
        if compatible_encoder:
            lineup.add(COMPATIBLE, imitation, module, module.nbytes())
        if teacher:
            lineup.add(f"{THEIRS}, compatible decoder", TEACHER, module, module.nbytes())
    if teacher and compatible_encoder:
        lineup.add("compatible encoder, teacher's decoder", imitation, teacher, size)
    elif teacher:
        spaces = ", not the teacher's ".join(named(entrants.encoder.space, teacher.space))
        lineup.notes.append(f"the encoder imitates {spaces}: no row mixes them")
    latents = TEACHER if teacher else imitation
    if entrants.data is not None:
        _fit(lineup, entrants, entrants.data, latents)
    else:
        lineup.notes.append(NO_DATA)
    if entrants.preview:
        lineup.add("preview network", latents, entrants.preview, entrants.preview.nbytes())
    blocks = BlockMeans(lineup.factor)
    lineup.enter(BLOCKS, blocks, 0)
    lineup.add(BLOCKS, BLOCKS, blocks, 0)
    return lineup


def _fit(lineup: Lineup, entrants: Entrants, dataset: Dataset, latents: str) -> None:
    """Add everything that is fitted to data."""
    encoder, decoder = entrants.encoder.module.view, entrants.decoder.module.view
    channels = entrants.encoder.space.channels
    items = usable_items(dataset, encoder, skip_nonfinite=True)
    data = TrainingPictures(dataset, items["train"], items["validation"])
    affine = LeastSquares.fit(data, encoder)
    lineup.enter(AFFINE, affine, affine.nbytes(), True)
    paired, compatible = LeastSquares.fit(data, decoder, affine), LeastSquares.fit(data, decoder)
    lineup.add(f"{AFFINE}, paired", AFFINE, paired, paired.nbytes())
    lineup.add(f"{AFFINE}, compatible", AFFINE, compatible, compatible.nbytes())
    if entrants.teacher:
        lineup.add(f"{THEIRS}, {AFFINE}", TEACHER, compatible, compatible.nbytes())
    # Without a teacher the preview is fitted to, and shown, the latents that our encoder gives in its place.
    preview = LinearPreview.fit(data, None if entrants.teacher else lineup.encoders[latents])
    lineup.add("linear preview", latents, preview, preview.nbytes())
    components = PatchComponents.fit(data, channels)
    name = f"{channels} principal components"
    lineup.enter(name, components, components.nbytes())
    fitted = LeastSquares.fit(data, decoder, components)
    lineup.add(name, name, fitted, fitted.nbytes())

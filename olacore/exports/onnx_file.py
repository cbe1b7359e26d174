"""A module, or a whole set that draws, as an ONNX file, which ONNX Runtime and many other programs run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from olacore import pretrained
from olacore.drawing.module_set import NEEDED
from olacore.drawing.settings import Settings
from olacore.errors import ConfigError, FileFormatError
from olacore.exports.base import EXPORTERS, Exporter, Part
from olacore.exports.onnx_drawing import Drawing
from olacore.exports.onnx_graph import IR_VERSION, OPSET, Form, Graph, Port
from olacore.exports.onnx_modules import form_of
from olacore.exports.onnx_words import by_words, table_of
from olacore.files import replace_file
from olacore.foreign.reading import read_file
from olacore.modules.module import load
from olacore.spaces import FAMILIES
from olacore.text.style import JOINED
from olacore.text.words import LEFT_OUT
from olacore.version import __version__

if TYPE_CHECKING:
    from onnx import ModelProto, ValueInfoProto

SCHEMA = "olacore/onnx/1"
AUTOMATIC = -1.0
# Of a file that is looked into.
MOST_BYTES = 1 << 30
# Modules of the largest set.
MOST_PARTS = 128
# Where a module says nothing of licences; shipped ones are under the package's.
UNKNOWN, SHIPPED = "not stated", "Apache-2.0; its NOTICE and the card of {} name what it was made from"
SCALE = (
    "as the denoiser of the model has them: raw latents of its VAE are first made (raw - shift_factor) * "
    "scaling_factor, by the VAE's configuration, such as "
    + ", ".join(
        f"{one.scaling:g}{f' with a shift of {one.shift:g}' if one.shift else ''} for {one.title}"
        for one in FAMILIES.values()
    )
    + "; latents of a codec are as its encoder makes them"
)


@dataclass(frozen=True)
class OnnxFile(Exporter):
    """One graph of opset 17; free sizes have names, and all numbers of pictures and latents are float32.

    Parameters
    ----------
    uint8 : pictures are (batch, height, width, 3) uint8 and not (batch, 3, height, width) float32 in [-1, 1]
    fp16 : weights are stored as float16, in half the space; not for modules that read texts or embeddings
    words : what reads features of texts reads lines of words in its place, which the metadata list
    guidance, lean, variety, steps, solver : of a set, see `Settings`; -1 stands for its own guidance, and 0 for all
        steps. With variety, the graph reads `noise` where the set has denoisers up to it, and `chance` where texts lean
    """

    name: ClassVar[str] = "onnx"
    suffix: ClassVar[str] = ".onnx"
    most: ClassVar[int] = MOST_PARTS
    of_sets: ClassVar[tuple[str, ...]] = ("guidance", "lean", "variety", "steps", "solver")

    uint8: bool = False
    fp16: bool = False
    words: bool = False
    guidance: float = AUTOMATIC
    lean: float = 1.0
    variety: float = 0.0
    steps: int = 0
    solver: str = "dpm"

    def write(self, parts: Sequence[Part], path: Path) -> int:
        """Write the graph; the same bytes for the same modules."""
        return replace_file(path, self.model(parts).SerializeToString(deterministic=True))

    def model(self, parts: Sequence[Part]) -> ModelProto:
        """Make the graph.

        Raises
        ------
        ConfigError  if onnx is not installed, modules of such a view are not written, or these not together, or an
            option does not go with them
        """
        form = self._form(parts)  # which refuses first what no package would help with
        try:
            from onnx import helper
        except ImportError as error:
            raise ConfigError("the exporter onnx needs the package onnx; pip install 'olacore[onnx]'.") from error
        graph = Graph(self.fp16)
        form.build(graph, *(port.name for port in form.inputs))
        graph.end(form.output.name)
        model = model_of(form, graph, _title(parts))
        helper.set_model_props(model, _told(parts, form, self))
        return model

    @property
    def drawing(self) -> dict[str, Any]:
        """The options that are settings of a drawing."""
        return {name: getattr(self, name) for name in self.of_sets}

    @property
    def _settings(self) -> Settings:
        guidance = None if self.guidance == AUTOMATIC else self.guidance
        return Settings(0, self.variety, self.steps or None, self.solver, guidance, lean=self.lean)

    def _form(self, parts: Sequence[Part]) -> Form:
        named = {part.name: part for part in parts}
        sets = {part.about["set"]["folder"] for part in parts if "set" in part.about}
        drawn_by = all("set" in part.about for part in parts) and len(sets) == 1 and len(named) == len(parts)
        if self.fp16 and (frail := [part.name for part in parts if _is_frail(part)]):
            raise ConfigError(
                f"float16 is too coarse for sums of so many units as in {', '.join(frail)}, and moves what is drawn by "
                "many levels; leave fp16 out."
            )
        if drawn_by and {*NEEDED} <= {*named}:
            drawing = Drawing.of(named, self._settings, self.uint8)
            if not drawing.levels and (self.steps or self.solver != OnnxFile.solver):
                raise ConfigError(
                    "steps and solver need noise to take away: a set with denoisers, and variety for them."
                )
            form = drawing.form
        elif len(parts) == 1:
            default = OnnxFile().drawing
            if given := [name for name, value in self.drawing.items() if value != default[name]]:
                raise ConfigError(
                    f"options of a set that draws: {', '.join(given)}; {parts[0].name} is one module, leave them out."
                )
            form = form_of(parts[0], self.uint8)
        else:
            raise ConfigError(f"the exporter onnx writes one module, or one set; got {', '.join(named)}.")
        return by_words(form, table_of(_text_among(parts))) if self.words else form


EXPORTERS.add(OnnxFile())


def read_about(path: Path) -> dict[str, Any]:
    """What an ONNX file says of itself, and what its graph reads and gives.

    Raises
    ------
    FileFormatError  if it cannot be read, or is no ONNX file
    ConfigError  if onnx is not installed
    """
    try:
        import onnx
    except ImportError as error:
        raise ConfigError(f"{path} is looked into by the package onnx; pip install 'olacore[onnx]'.") from error
    content = read_file(path, "the graph", MOST_BYTES)
    try:
        model = onnx.load_model_from_string(content)
    except Exception as error:  # of protobuf, of several kinds
        raise FileFormatError(f"{path} is no ONNX file, or damaged.") from error
    if not model.graph.output:
        raise FileFormatError(f"{path} is no ONNX file, or damaged.")
    told = {one.key: one.value for one in model.metadata_props}
    held = {one.name for one in model.graph.initializer}
    return {
        "kind": f"ONNX graph, {told.get('kind', 'of another program')}",
        "reads": {one.name: _shape(one) for one in model.graph.input if one.name not in held},
        "gives": {one.name: _shape(one) for one in model.graph.output},
        "opset": max((one.version for one in model.opset_import), default=None),
        "run it with": "ONNX Runtime, or another program that reads ONNX; olacore writes such files and runs none",
        "made by": f"{model.producer_name} {model.producer_version}".strip(),
        **{name: told[name] for name in ("sha256", "licence", "settings") if name in told},
    }


def _shape(port: ValueInfoProto) -> str:
    """The type and the sides of an input or an output; free ones by their names."""
    from onnx import TensorProto

    kind, sides = port.type.tensor_type.elem_type, port.type.tensor_type.shape.dim
    named = TensorProto.DataType.Name(kind).lower() if kind in TensorProto.DataType.values() else "unknown"
    return f"{named} ({', '.join(side.dim_param or str(side.dim_value) for side in sides)})"


def _text_among(parts: Sequence[Part]) -> Part:
    return next((part for part in parts if part.program.gather["kind"] == "text"), parts[0])


def _is_frail(part: Part) -> bool:
    """Whether rounding weights to float16 shows: wide stacks of texts and embeddings, whose units nearly cancel."""
    gather = part.program.gather
    return gather["kind"] == "text" or bool(gather.get("embedding"))


def model_of(form: Form, graph: Graph, title: str) -> ModelProto:
    """A graph as a model."""
    from onnx import helper, numpy_helper

    made = helper.make_graph(
        # Named after what they make: some runtimes take nodes without names for the same one.
        [helper.make_node(one.kind, one.inputs, one.outputs, one.outputs[0], **one.attributes) for one in graph.nodes],
        "olacore",
        [_described(port) for port in form.inputs],
        [_described(form.output)],
        [numpy_helper.from_array(array, name) for name, array in graph.constants.items()],
    )
    opset = helper.make_opsetid("", OPSET)
    return helper.make_model(
        made,
        opset_imports=[opset],
        ir_version=IR_VERSION,
        producer_name="olacore",
        producer_version=__version__,
        doc_string=title,
    )


def _described(port: Port) -> ValueInfoProto:
    from onnx import helper

    return helper.make_tensor_value_info(port.name, port.kind, port.shape, port.about)


def _title(parts: Sequence[Part]) -> str:
    of_set = parts[0].about.get("set")
    if len(parts) > 1 and of_set:
        return f"The set {of_set['name']} of olacore: from features of texts to pictures."
    return f"The {parts[0].program.title} {parts[0].name} of olacore."


def _told(parts: Sequence[Part], form: Form, options: OnnxFile) -> dict[str, str]:
    """What the file says of itself, texts; nothing of where and when it was made."""
    modules = {part.name: {key: value for key, value in part.about.items() if key != "set"} for part in parts}
    digests = {part.name: part.digest for part in parts}
    first = parts[0]
    told = {
        "schema": SCHEMA,
        "olacore": __version__,
        "kind": "set" if len(parts) > 1 else first.program.gather["kind"],
        "module": _json(modules[first.name] if len(parts) == 1 else modules),
        "sha256": first.digest if len(parts) == 1 else sha256(_json(digests).encode()).hexdigest(),
        "licence": _licence(parts),
        "ports": _json({port.name: port.about for port in (*form.inputs, form.output)}),
    }
    if options.words:
        text = _text_among(parts)
        told["words"] = "\n".join(table_of(text).listed)
        if not text.program.gather.get("tokens"):
            told["left_out"] = LEFT_OUT
    if of_set := first.about.get("set"):
        told["set"] = _json({key: value for key, value in of_set.items() if key != "folder"})
        if of_set.get("styles"):
            told["styled"] = JOINED
    if len(parts) > 1:
        told |= {"digests": _json(digests), "settings": _json(options.drawing)}
    if space := next((found for part in parts if (found := _space(part))), None):
        told |= {"latent_space": _json(space), "latent_scale": SCALE}
    return dict(sorted(told.items()))


def _space(part: Part) -> Mapping[str, Any] | None:
    """The latent space that a module reads, imitates or makes."""
    return part.about.get("reads") or part.about.get("imitates") or part.about.get("makes")


def _licence(parts: Sequence[Part]) -> str:
    """Of the data that the modules were trained on, as far as they say it."""
    stated = sorted({str(one) for part in parts for one in part.about["training"].get("licences", ())})
    if stated:
        return "; ".join(stated)
    of_set = parts[0].about.get("set")
    if of_set and Path(of_set["folder"]).parent == pretrained.FOLDER:
        return SHIPPED.format(of_set["name"])
    name = parts[0].name
    shipped = name in pretrained.names() and load(pretrained.FOLDER / f"{name}.safetensors").digest == parts[0].digest
    return SHIPPED.format(name) if shipped else UNKNOWN


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True)

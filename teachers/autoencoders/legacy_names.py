"""Names of an autoencoder's weights in older files, in today's layout.

Checkpoints of the original latent-diffusion code call `encoder.down.0.block.1.conv1.weight` what diffusers calls
`encoder.down_blocks.0.resnets.1.conv1.weight`, count the decoder's levels the other way round, and keep the matrices of
attention as 1 x 1 convolutions. Early versions of diffusers had other names for attention alone.
"""

import re
from collections.abc import Mapping
from typing import TypeVar

Weight = TypeVar("Weight")

# Each rule names a whole part of a weight's name; what no rule knows keeps its name and is refused as unexpected.
RULES = tuple(
    (re.compile(pattern), new)
    for pattern, new in (
        (r"encoder\.down\.(\d+)\.block\.(\d+)\.nin_shortcut", r"encoder.down_blocks.\1.resnets.\2.conv_shortcut"),
        (r"encoder\.down\.(\d+)\.block\.(\d+)\.(norm1|norm2|conv1|conv2)", r"encoder.down_blocks.\1.resnets.\2.\3"),
        (r"encoder\.down\.(\d+)\.downsample\.conv", r"encoder.down_blocks.\1.downsamplers.0.conv"),
        (r"decoder\.up\.(\d+)\.block\.(\d+)\.nin_shortcut", r"decoder.up_blocks.<\1>.resnets.\2.conv_shortcut"),
        (r"decoder\.up\.(\d+)\.block\.(\d+)\.(norm1|norm2|conv1|conv2)", r"decoder.up_blocks.<\1>.resnets.\2.\3"),
        (r"decoder\.up\.(\d+)\.upsample\.conv", r"decoder.up_blocks.<\1>.upsamplers.0.conv"),
        (r"(encoder|decoder)\.mid\.block_1\.(norm1|norm2|conv1|conv2)", r"\1.mid_block.resnets.0.\2"),
        (r"(encoder|decoder)\.mid\.block_2\.(norm1|norm2|conv1|conv2)", r"\1.mid_block.resnets.1.\2"),
        (r"(encoder|decoder)\.mid\.attn_1\.norm", r"\1.mid_block.attentions.0.group_norm"),
        (r"(encoder|decoder)\.mid\.attn_1\.(q|k|v)", r"\1.mid_block.attentions.0.to_\2"),
        (r"(encoder|decoder)\.mid\.attn_1\.proj_out", r"\1.mid_block.attentions.0.to_out.0"),
        (r"(encoder|decoder)\.norm_out", r"\1.conv_norm_out"),
        (r"(encoder|decoder)\.mid_block\.attentions\.0\.query", r"\1.mid_block.attentions.0.to_q"),
        (r"(encoder|decoder)\.mid_block\.attentions\.0\.key", r"\1.mid_block.attentions.0.to_k"),
        (r"(encoder|decoder)\.mid_block\.attentions\.0\.value", r"\1.mid_block.attentions.0.to_v"),
        (r"(encoder|decoder)\.mid_block\.attentions\.0\.proj_attn", r"\1.mid_block.attentions.0.to_out.0"),
    )
)
MATRIX = re.compile(r"(encoder|decoder)\.mid_block\.attentions\.0\.to_(q|k|v|out\.0)\.weight")
LEVEL = re.compile(r"<(\d+)>")
OLD_LEVEL = re.compile(r"decoder\.up\.(\d+)\.")


def to_new_names(names: Mapping[str, Weight] | list[str]) -> dict[str, str]:
    """Today's name of each weight, by the name that it has.

    Parameters
    ----------
    names : of all weights of one autoencoder
    """
    levels = 1 + max([int(found[1]) for name in names if (found := OLD_LEVEL.match(name))], default=0)
    return {name: _translate(name, levels) for name in names}


def is_matrix(name: str) -> bool:
    """Whether the weight of this new name is a matrix that older files keep as a 1 x 1 convolution."""
    return MATRIX.fullmatch(name) is not None


def _translate(name: str, levels: int) -> str:
    part, dot, kind = name.rpartition(".")
    for pattern, new in RULES:
        if found := pattern.fullmatch(part):
            return LEVEL.sub(lambda level: str(levels - 1 - int(level[1])), found.expand(new)) + dot + kind
    return name

"""What the `config.json` of an autoencoder may say: checked before a network is made of it."""

from olacore.foreign.schema import Check, either, flag, listed, maybe, number, one_of, record, text, whole

# Several times what the largest public models have. Networks are built without memory for their weights, which are
# compared with those of the file first; these bounds keep the building itself short.
MOST_CHANNELS, MOST_BLOCKS, MOST_LAYERS = 8192, 8, 32

_CHANNELS = whole(1, MOST_CHANNELS)
_WIDTHS = listed(_CHANNELS, 1, MOST_BLOCKS)
_LAYERS = listed(whole(0, MOST_LAYERS), 1, MOST_BLOCKS)
_NAMES = listed(text(64), 1, MOST_BLOCKS)
_POSITIVE = number(1e-6, 1e6)
_COMMON: dict[str, Check] = {
    "in_channels": _CHANNELS,
    "out_channels": _CHANNELS,
    "latent_channels": _CHANNELS,
    "act_fn": text(64),
    "scaling_factor": _POSITIVE,
    "shift_factor": maybe(number()),
    "force_upcast": maybe(flag),
}
CHECKS: dict[str, Check] = {
    "AutoencoderKL": record(
        {},
        _COMMON
        | {
            "block_out_channels": _WIDTHS,
            "down_block_types": _NAMES,
            "up_block_types": _NAMES,
            "layers_per_block": whole(1, MOST_LAYERS),
            "norm_num_groups": _CHANNELS,
            "latents_mean": maybe(listed(number(), 1, MOST_CHANNELS)),
            "latents_std": maybe(listed(_POSITIVE, 1, MOST_CHANNELS)),
            "use_quant_conv": flag,
            "use_post_quant_conv": flag,
            "mid_block_add_attention": flag,
            "sample_size": maybe(either(whole(1), listed(whole(1), 1, 2), "a number of pixels")),
        },
    ),
    "AutoencoderTiny": record(
        {},
        _COMMON
        | {
            "encoder_block_out_channels": _WIDTHS,
            "decoder_block_out_channels": _WIDTHS,
            "num_encoder_blocks": _LAYERS,
            "num_decoder_blocks": _LAYERS,
            "upsample_fn": one_of(["nearest", "nearest-exact", "bilinear", "bicubic", "area"]),
            "upsampling_scaling_factor": whole(1, 16),
            "latent_magnitude": _POSITIVE,
            "latent_shift": number(),
        },
    ),
}

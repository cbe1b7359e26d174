"""The large networks that olacore clones: the only package that uses torch and PyAV, and only once one is needed.

| where | what |
|---|---|
| `protocol`, `registry`, `options` | what a teacher is, how one is found by its reference, how it is loaded |
| `autoencoders/` | `AutoencoderKL` and `AutoencoderTiny` of diffusers: found, read, built, proved |
| `text/` | text encoders: CLIP's, T5's and sentence encoders |
| `denoisers/` | denoisers of pipelines: levels, answers, trajectories |
| `own/` | teachers of the user's own: a function in a file, an organic encoder; without torch |
| `collect/` | which pictures and frames become rows: survey, scenes, crops, recipes, captions, plan; without torch |
| `jobs/` | `precompute`: decoding ahead, asking, writing, resuming; `denoise`: rows for denoisers; without torch |
| `comparison/` | networks under torch, and closed forms, that ours are measured beside |
| `small_pipeline/` | trains a small text-to-picture pipeline, as a teacher where there is no other |
| `adapters/` | modules inside other programs of torch: diffusers and its pipelines, ComfyUI |
| `commands/` | `ola precompute`, `ola vae-test` |

Names are looked up when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from teachers.autoencoders.load import load_teacher
    from teachers.collect.captions import CaptionRule
    from teachers.collect.crops import PictureRule
    from teachers.collect.survey import VideoRule
    from teachers.denoisers.load import load_denoiser
    from teachers.jobs.decode_ahead import default_workers
    from teachers.jobs.denoise import denoise
    from teachers.jobs.merge import Merged, merge_shares
    from teachers.jobs.noise_rule import NoiseRule
    from teachers.jobs.output_path import Share, check_target
    from teachers.jobs.run import Summary, precompute
    from teachers.jobs.share_places import precompute_shares
    from teachers.jobs.share_work import PrecomputeConfig, precompute_share
    from teachers.jobs.texts import collect_texts, precompute_texts
    from teachers.jobs.words import collect_words, precompute_words
    from teachers.options import LoadOptions
    from teachers.own.function import FunctionTeacher
    from teachers.own.organic import OrganicEncoder
    from teachers.protocol import Autoencoder, Decoder, Encoder, Teacher
    from teachers.registry import LOADERS, Loader, check_any_size, load_any_teacher
    from teachers.text.load import load_text_teacher

_HOMES = {
    "LOADERS": "teachers.registry",
    "Autoencoder": "teachers.protocol",
    "CaptionRule": "teachers.collect.captions",
    "Decoder": "teachers.protocol",
    "Encoder": "teachers.protocol",
    "FunctionTeacher": "teachers.own.function",
    "LoadOptions": "teachers.options",
    "Loader": "teachers.registry",
    "Merged": "teachers.jobs.merge",
    "NoiseRule": "teachers.jobs.noise_rule",
    "OrganicEncoder": "teachers.own.organic",
    "PictureRule": "teachers.collect.crops",
    "PrecomputeConfig": "teachers.jobs.share_work",
    "Share": "teachers.jobs.output_path",
    "Summary": "teachers.jobs.run",
    "Teacher": "teachers.protocol",
    "VideoRule": "teachers.collect.survey",
    "check_any_size": "teachers.registry",
    "check_target": "teachers.jobs.output_path",
    "default_workers": "teachers.jobs.decode_ahead",
    "collect_texts": "teachers.jobs.texts",
    "collect_words": "teachers.jobs.words",
    "denoise": "teachers.jobs.denoise",
    "load_any_teacher": "teachers.registry",
    "load_denoiser": "teachers.denoisers.load",
    "load_teacher": "teachers.autoencoders.load",
    "load_text_teacher": "teachers.text.load",
    "merge_shares": "teachers.jobs.merge",
    "precompute": "teachers.jobs.run",
    "precompute_share": "teachers.jobs.share_work",
    "precompute_shares": "teachers.jobs.share_places",
    "precompute_texts": "teachers.jobs.texts",
    "precompute_words": "teachers.jobs.words",
}

__all__ = [
    "LOADERS",
    "Autoencoder",
    "CaptionRule",
    "Decoder",
    "Encoder",
    "FunctionTeacher",
    "LoadOptions",
    "Loader",
    "Merged",
    "NoiseRule",
    "OrganicEncoder",
    "PictureRule",
    "PrecomputeConfig",
    "Share",
    "Summary",
    "Teacher",
    "VideoRule",
    "check_any_size",
    "check_target",
    "collect_texts",
    "collect_words",
    "default_workers",
    "denoise",
    "load_any_teacher",
    "load_denoiser",
    "load_teacher",
    "load_text_teacher",
    "merge_shares",
    "precompute",
    "precompute_share",
    "precompute_shares",
    "precompute_texts",
    "precompute_words",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'teachers' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)

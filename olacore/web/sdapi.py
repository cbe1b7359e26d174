"""The addresses of AUTOMATIC1111's web UI, under `/sdapi/v1`, as its clients call them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.routing import APIRoute
from pydantic import Field, field_validator, model_validator

from olacore.drawing.generator import Drawing
from olacore.drawing.job import with_seed
from olacore.drawing.settings import MOST_GUIDANCE, MOST_SEED, Settings
from olacore.drawing.together import Wish
from olacore.text.style import styled
from olacore.version import __version__
from olacore.web.serving import (
    LIMITS,
    Body,
    Count,
    Picture,
    Prompt,
    Server,
    Serving,
    Side,
    Style,
    check_size,
    draw,
    encoded,
    notes_of,
    refuse,
    settings,
    start_of,
)

router = APIRouter(prefix="/sdapi/v1")

SAMPLERS = {"DPM++ 2M": "dpm", "DDIM": "ddim"}
DEFAULT = "DPM++ 2M"
# What clients send where nobody has chosen a value, and what other values are divided by: 5 leaves the text mean as it
# is.
USUAL_SCALE, PLAIN_SCALE = 7.0, 5.0
# What would change the picture, and is not done here. A value that asks for nothing may be sent.
NOT_DONE = (
    "mask",
    "enable_hr",
    "tiling",
    "restore_faces",
    "script_name",
    "alwayson_scripts",
    "subseed_strength",
    "refiner_checkpoint",
    "infotext",
)
# Settings of ours, which clients with a fixed list of names send in `override_settings`.
OWN = ("variety", "guidance", "lean")
# Lists that clients ask for when they start, and that have nothing in them here.
EMPTY = ("sd-vae", "sd-modules", "loras", "hypernetworks", "face-restorers", "latent-upscale-modes")


class Asked(Body):
    """What both ways of drawing take; `variety`, `guidance` and `lean` are additions, as `Settings` has them."""

    prompt: Prompt = ""
    negative_prompt: Prompt = ""
    seed: int = Field(-1, ge=-1, le=MOST_SEED - LIMITS.count)
    steps: int = Field(20, ge=1, le=1000)
    cfg_scale: float = Field(USUAL_SCALE, ge=0, le=PLAIN_SCALE * MOST_GUIDANCE)
    width: Side | None = None
    height: Side | None = None
    batch_size: Count = 1
    n_iter: Count = 1
    styles: list[Style] = Field(default_factory=list, max_length=1)
    sampler_name: str = Field("", max_length=100)
    sampler_index: str = Field("", max_length=100)
    denoising_strength: float = Field(0.75, ge=0, le=1)
    send_images: bool = True
    override_settings: dict[str, Any] = Field(default_factory=dict)
    variety: float = Field(0.0, ge=0, le=1000)
    guidance: float | None = Field(None, ge=0, le=MOST_GUIDANCE)
    lean: float = Field(1.0, ge=0, le=1)

    @model_validator(mode="before")
    @classmethod
    def _only_what_is_done(cls, data: Any) -> Any:
        asked = [name for name in NOT_DONE if data.get(name)] if isinstance(data, dict) else []
        if asked:
            raise ValueError(f"this server does not do {', '.join(asked)}; leave it out")
        if isinstance(data, dict) and isinstance(own := data.get("override_settings"), dict):
            return {**data, **{name: own[name] for name in OWN if name in own}}
        return data

    @field_validator("styles", mode="before")
    @classmethod
    def _one_or_none(cls, styles: Any) -> Any:
        # The web UI takes lists alone; a text can mean nothing else than a list of it.
        given = [one for one in (styles if isinstance(styles, list) else [styles]) if one not in ("", None)]
        if len(given) > 1 or not all(isinstance(one, str) for one in given):
            raise ValueError('send one name that /sdapi/v1/prompt-styles lists, as ["NAME"], or none, as []')
        return given

    @property
    def count(self) -> int:
        """Pictures in all."""
        return self.batch_size * self.n_iter

    @property
    def sampler(self) -> str:
        """One of `SAMPLERS`; what else clients name is drawn by the default."""
        named = (self.sampler_name or self.sampler_index).upper()
        return next((name for name in SAMPLERS if name == named), DEFAULT)

    def settings(self, server: Serving) -> Settings:
        """As the set draws."""
        guidance = self.guidance
        if guidance is None and self.cfg_scale != USUAL_SCALE:
            guidance = self.cfg_scale / PLAIN_SCALE
        found = settings(
            server,
            variety=self.variety,
            steps=self.steps if self.variety else None,
            solver=SAMPLERS[self.sampler],
            guidance=guidance,
            negative=self.negative_prompt,
            lean=self.lean,
            style="".join(self.styles),
        )
        return with_seed(found, None if self.seed < 0 else self.seed)


class AskedWithPicture(Asked):
    """A picture to start from beside it."""

    init_images: list[Picture] = Field(min_length=1, max_length=1)


@router.post("/txt2img")
async def txt2img(asked: Asked, request: Request, server: Server) -> dict[str, Any]:
    """Draw pictures of a prompt."""
    return await answer(asked, request, server)


@router.post("/img2img")
async def img2img(asked: AskedWithPicture, request: Request, server: Server) -> dict[str, Any]:
    """Draw pictures on the way from a picture to a prompt."""
    return await answer(asked, request, server, asked.init_images[0])


async def answer(asked: Asked, request: Request, server: Serving, init: str | None = None) -> dict[str, Any]:
    """Draw what is asked for, and answer as the web UI does."""
    if asked.count > server.limits.count:
        raise refuse(f"batch_size times n_iter is {asked.count}; a request may ask for {server.limits.count} pictures.")
    check_model(server, asked.override_settings.get("sd_model_checkpoint"))
    size = check_size(server, asked.count, asked.width, asked.height)
    one = asked.settings(server)
    strength = asked.denoising_strength
    start, about = await start_of(server, init, strength)
    wishes = [Wish(asked.prompt, with_seed(one, one.seed + number), start, strength) for number in range(asked.count)]
    drawings = await draw(request, server, wishes)
    images = await encoded(drawings, size, about=about) if asked.send_images else []
    return {
        "images": images,
        "parameters": asked.model_dump(exclude={"init_images", "override_settings"}),
        "info": json.dumps(info(asked, server, wishes, drawings, size)),
    }


def info(
    asked: Asked, server: Serving, wishes: Sequence[Wish], drawings: Sequence[Drawing], size: tuple[int, int] | None
) -> dict[str, Any]:
    """What the web UI says of pictures, under its names."""
    found = server.generator.set
    width, height = size or (found.size, found.size)
    seeds = [wish.settings.seed for wish in wishes[: len(drawings)]]
    # Of a prompt that nothing is known of, no style is read.
    prompt = styled(asked.prompt, drawings[0].settings.style) if asked.styles and drawings else asked.prompt
    texts = [infotext(asked, prompt, server, seed, width, height) for seed in seeds]
    return {
        "prompt": prompt,
        "all_prompts": [prompt] * len(drawings),
        "negative_prompt": asked.negative_prompt,
        "all_negative_prompts": [asked.negative_prompt] * len(drawings),
        "seed": wishes[0].settings.seed,
        "all_seeds": seeds,
        "subseed": -1,
        "all_subseeds": [-1] * len(drawings),
        "subseed_strength": 0,
        "width": width,
        "height": height,
        "sampler_name": asked.sampler,
        "cfg_scale": asked.cfg_scale,
        "steps": asked.steps,
        "batch_size": asked.batch_size,
        "restore_faces": False,
        "face_restoration_model": None,
        "sd_model_name": found.name,
        "sd_model_hash": digest(server)[:10],
        "sd_vae_name": None,
        "sd_vae_hash": None,
        "seed_resize_from_w": -1,
        "seed_resize_from_h": -1,
        "denoising_strength": asked.denoising_strength if isinstance(asked, AskedWithPicture) else None,
        "extra_generation_params": {"Notes": "; ".join(notes)} if (notes := notes_of(drawings)) else {},
        "index_of_first_image": 0,
        "infotexts": texts,
        "styles": asked.styles,
        "job_timestamp": datetime.now().strftime("%Y%m%d%H%M%S"),
        "clip_skip": 1,
        "is_using_inpainting_conditioning": False,
        "version": f"olacore {__version__}",
    }


def infotext(asked: Asked, prompt: str, server: Serving, seed: int, width: int, height: int) -> str:
    """The text that the web UI writes below a picture."""
    values = {
        "Steps": asked.steps,
        "Sampler": asked.sampler,
        "CFG scale": f"{asked.cfg_scale:g}",
        "Seed": seed,
        "Size": f"{width}x{height}",
        "Model hash": digest(server)[:10],
        "Model": server.generator.set.name,
        "Version": f"olacore {__version__}",
    }
    below = [f"Negative prompt: {asked.negative_prompt}"] if asked.negative_prompt else []
    return "\n".join([prompt, *below, ", ".join(f"{name}: {value}" for name, value in values.items())])


def digest(server: Serving) -> str:
    """SHA-256 of the module that stands for the set."""
    return server.generator.set.digests["mean"]


@router.get("/progress")
async def progress(server: Server, skip_current_image: bool = False) -> dict[str, Any]:
    """How far what is being drawn has come."""
    active = server.engine.active
    asked, done = sum(len(order.wishes) for order in active), sum(len(order.drawn) for order in active)
    oldest = active[0] if active else None
    image = None
    if oldest and oldest.drawn and not skip_current_image:
        (image,) = await encoded(oldest.drawn[-1:])
    return {
        "progress": done / asked if asked else 0.0,
        "eta_relative": server.engine.seconds_for(asked - done),
        "state": {
            "skipped": False,
            "interrupted": False,
            "stopping_generation": False,
            "job": oldest.wishes[0].prompt if oldest and oldest.wishes else "",
            "job_count": len(oldest.wishes) if oldest else 0,
            "job_timestamp": datetime.now().strftime("%Y%m%d%H%M%S"),
            "job_no": len(oldest.drawn) if oldest else 0,
            "sampling_step": 0,
            "sampling_steps": 1 if oldest else 0,
        },
        "current_image": image,
        "textinfo": None,
    }


@router.post("/interrupt")
@router.post("/skip")
async def interrupt(server: Server) -> dict[str, Any]:
    """Answer all requests with the pictures that are done."""
    server.engine.interrupt()
    return {}


@router.get("/samplers")
async def samplers() -> list[dict[str, Any]]:
    """What takes noise away."""
    return [{"name": name, "aliases": [solver], "options": {}} for name, solver in SAMPLERS.items()]


@router.get("/schedulers")
async def schedulers() -> list[dict[str, Any]]:
    """The noise levels are those of the set."""
    return [{"name": "automatic", "label": "Automatic", "aliases": None, "default_rho": -1, "need_inner_model": False}]


@router.get("/upscalers")
async def upscalers() -> list[dict[str, Any]]:
    """Larger pictures are made by interpolation alone."""
    return [{"name": "Lanczos", "model_name": None, "model_path": None, "model_url": None, "scale": 4}]


@router.get("/scripts")
async def scripts() -> dict[str, list[str]]:
    """There are none."""
    return {"txt2img": [], "img2img": []}


def model(server: Serving) -> dict[str, Any]:
    """The one set that is served."""
    name, sha = server.generator.set.name, digest(server)
    return {
        "title": f"{name} [{sha[:10]}]",
        "model_name": name,
        "hash": sha[:10],
        "sha256": sha,
        "filename": name,
        "config": None,
    }


def check_model(server: Serving, chosen: Any) -> None:
    """Raise 422 if another model than the one that is served is chosen."""
    if chosen is not None and chosen not in model(server).values():
        raise refuse(f"this server has the model {server.generator.set.name} and no other.")


@router.get("/sd-models")
async def models(server: Server) -> list[dict[str, Any]]:
    """The models that there are."""
    return [model(server)]


@router.get("/options")
async def options(server: Server) -> dict[str, Any]:
    """Settings that clients look at."""
    return {
        "sd_model_checkpoint": model(server)["title"],
        "sd_checkpoint_hash": digest(server),
        "samples_format": "png",
        "CLIP_stop_at_last_layers": 1,
    }


class Options(Body):
    """Settings that clients change: the model, which has to be the one that there is."""

    sd_model_checkpoint: str | None = Field(None, max_length=1000)


@router.post("/options")
async def set_options(asked: Options, server: Server) -> None:
    """Take a choice that changes nothing."""
    check_model(server, asked.sd_model_checkpoint)


@router.get("/prompt-styles")
async def prompt_styles(server: Server) -> list[dict[str, str]]:
    """The styles of the set."""
    return [
        {"name": style, "prompt": styled("{prompt}", style), "negative_prompt": ""}
        for style in server.generator.set.styles
    ]


@router.get("/{name}")
async def nothing(name: str) -> list[Any]:
    """Lists that are empty here."""
    if name in POSTED:
        raise HTTPException(405, headers={"Allow": "POST"})
    if name not in EMPTY:
        raise refuse("there is no such address on this server.", 404)
    return []


# Addresses that would be taken for such a list where they are asked in the wrong way.
POSTED = {one.path.rpartition("/")[2] for one in router.routes if isinstance(one, APIRoute) and one.methods == {"POST"}}

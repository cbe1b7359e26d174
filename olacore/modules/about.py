"""What a module's file says of it beside its numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from olacore.modules.identity import ROLES, spaces_to_dict
from olacore.modules.refined import CARRIED_BY

if TYPE_CHECKING:
    from olacore.modules.module import Module


def metadata_of(module: Module) -> dict[str, Any]:
    """Kind, view, form, training, latent spaces and sizes of a module, and of its refiner, in JSON types."""
    content = {
        "kind": module.kind,
        "view": module.view.to_dict(),
        "activation": "tanh",
        "weights": module.stored,
        "training": module.training,
        **spaces_to_dict({role: getattr(module, role) for role in ROLES}),
    }
    content |= {"layers": list(module.layers)} if module.hidden else {}
    content |= {CARRIED_BY: metadata_of(module.refiner)} if module.refiner else {}
    return content | ({} if module.components is None else {"components": module.components})

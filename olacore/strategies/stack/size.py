"""How many hidden units a file of a given size has room for."""

from __future__ import annotations

from olacore.errors import ConfigError

# Bytes of a module's file that tell what it is and how it was found.
ABOUT = 4096
# Bytes of a weight.
SIZES = {"float32": 4, "float16": 2, "int8": 1}
# The overlap of so many takes 2 GiB.
MOST_UNITS = 1 << 14


def units_within(budget: int, inputs: int, outputs: int, stored: str) -> int:
    """Return how many hidden units a module's file of `budget` bytes has room for, at most `MOST_UNITS`.

    Raises
    ------
    ConfigError  if not even one
    """
    size, fixed = SIZES[stored], affine_bytes(inputs, outputs, stored)
    scales = 2 if stored == "int8" else 0
    units = (budget - fixed) // (size * (inputs + outputs) + 8 + scales)
    if units < 1:
        raise ConfigError(
            f"a file of {budget} bytes has no room for a stack of {inputs} inputs and {outputs} outputs; "
            f"the affine map alone takes about {fixed}."
        )
    return min(int(units), MOST_UNITS)


def affine_bytes(inputs: int, outputs: int, stored: str) -> int:
    """Return what the file of a module without hidden units takes at most."""
    return ABOUT + SIZES[stored] * outputs * inputs + 8 * (inputs + outputs) + 4 * outputs


def basis_bytes(components: int, targets: int, stored: str) -> int:
    """Return what so many components of targets add to the file of a module that answers them, at most."""
    return SIZES[stored] * components * targets + 6 * (components + targets) + ABOUT // 8

"""Ways to mangle a file: blindly, byte by byte, and knowing its format, so that the damage gets past the first checks.

A mangler takes a `random.Random` and the bytes of a file, and returns other bytes and a word on what it did.
"""

from __future__ import annotations

from random import Random

from tests.fuzz.damage import arrays, blind, hdf5, pictures, safetensors, texts, weights, zips

# By how a file begins: the manglers that know it. The first that recognises it counts; text is what else decodes.
KNOWING = (hdf5, weights, zips, arrays, pictures, safetensors, texts)
FAILED = "could not use"


def damage(rng: Random, data: bytes, other: bytes) -> tuple[bytes, list[str]]:
    """Mangle a file at one to three places.

    Parameters
    ----------
    other : a file of the same kind, to splice with
    """
    knowing = next((module for module in KNOWING if module.knows(data)), None)
    way = rng.random()
    done: list[str] = []
    refused: list[str] = []
    if knowing and way < 0.6:
        try:
            data, word = knowing.mangle(rng, data)
            done.append(word)
        except Exception as error:  # a library that refuses to write something is no reason to end a long run
            refused.append(f"{FAILED} {knowing.__name__}: {type(error).__name__} {error}"[:100])
    if not done or way < 0.1:
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            data, word = blind.mangle(rng, data, other)
            done.append(word)
    return data, done + refused

"""How the width of a wide stack's units is found: trials of numbers a factor apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import exp, log

# How many trials there are at most in one direction; and in what order places around the start are tried.
MOST, NEAREST = 8, (0, 1, -1, 2)
# Wider units are straight lines in float32, and what reads them leaves the range of float16.
WIDEST = 10_000.0
TINY = 1e-12


def climb(
    losses_of: Callable[[Sequence[float]], Sequence[float]], start: float, factor: float, at_once: int = 1
) -> dict[float, float]:
    """Try numbers a factor apart, from a start on in the direction in which the loss falls, until it no longer does.

    Parameters
    ----------
    losses_of : tries several numbers
    at_once : trials that take no longer than one, so that some are made before it is known whether they are needed

    Returns
    -------
    the losses of the numbers that were tried, the lowest first
    """

    def tried(places: Sequence[int]) -> dict[int, float]:
        return dict(zip(places, losses_of([start * factor**place for place in places]), strict=True))

    losses = tried(NEAREST[: max(2, at_once)])
    best = min(losses, key=lambda place: losses[place])
    while (low := min(losses)) == best or best == max(losses):
        step = -1 if low == best else 1
        places = [best + step * further for further in range(1, at_once + 1)]
        places = [place for place in places if start * factor**place <= WIDEST]
        if max(losses) - low > MOST or not places:
            break
        for place, loss in tried(places).items():
            losses[place] = loss
            if not loss < losses[best]:
                break  # what was tried beyond counts for nothing: one after the other, it would not have been
            best = place
    return {start * factor**place: loss for place, loss in sorted(losses.items(), key=lambda tried: tried[1])}


def lowest(losses: Mapping[float, float]) -> float:
    """Return where a parabola through the lowest loss and its neighbours is lowest, over the logarithm of the numbers;
    the number of the lowest loss if there are none on both sides.

    Parameters
    ----------
    losses : of numbers, in any order
    """
    best, numbers = min(losses, key=lambda number: losses[number]), sorted(losses)
    place = numbers.index(best)
    if not 0 < place < len(numbers) - 1:
        return best
    below, above = numbers[place - 1], numbers[place + 1]
    down, up = log(best / below), log(above / best)
    fall, rise = (losses[below] - losses[best]) / down, (losses[above] - losses[best]) / up
    return float(best * exp(0.5 * (fall * up - rise * down) / max(fall + rise, TINY)))

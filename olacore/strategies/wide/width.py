"""How the width of a wide stack's units is found: trials of numbers a factor apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

# How many trials there are at most in one direction; and in what order places around the start are tried.
MOST, NEAREST = 8, (0, 1, -1, 2)
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
    places: list[int] = [*NEAREST[: max(2, at_once)]]
    losses: dict[int, float] = {}
    while places:
        numbers = [start * factor**place for place in places]
        losses |= dict(zip(places, losses_of(numbers), strict=True))
        best, low, high = min(losses, key=lambda place: losses[place]), min(losses), max(losses)
        if low < best < high or high - low > MOST:
            break
        step, edge = (1, high) if best == high else (-1, low)
        places = [edge + step * further for further in range(1, at_once + 1)]
    return {start * factor**place: loss for place, loss in sorted(losses.items(), key=lambda tried: tried[1])}


def lowest(losses: Mapping[float, float]) -> float:
    """Return where a parabola through the lowest loss and its neighbours is lowest, over the logarithm of the numbers.

    Parameters
    ----------
    losses : of numbers the same factor apart, the lowest first
    """
    best, numbers = next(iter(losses)), sorted(losses)
    place = numbers.index(best)
    if not 0 < place < len(numbers) - 1:
        return best
    below, above = numbers[place - 1], numbers[place + 1]
    fall, rise = losses[below] - losses[best], losses[above] - losses[best]
    return float(best * (above / best) ** (0.5 * (fall - rise) / max(fall + rise, TINY)))

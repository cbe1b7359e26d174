"""Numbers as people read them."""

from __future__ import annotations

from math import floor, isfinite, log10

NOTHING = "-"
# Powers of ten between which numbers are written out.
PLAIN = (-4, 6)


def figure(value: object, digits: int = 4) -> str:
    """A number with so many significant digits, whole thousands apart; a dash for what is no finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return NOTHING
    if value == 0:
        return "0"
    power = floor(log10(abs(value)))
    if not PLAIN[0] <= power < PLAIN[1]:
        return f"{value:.{digits - 1}e}"
    if isinstance(value, int) or power >= digits:
        return f"{round(value):,}"
    return f"{value:.{max(digits - 1 - power, 0)}f}"


def tick(value: float, step: float | None = None) -> str:
    """A label of an axis: as short as the number is exact.

    Parameters
    ----------
    step : between this tick and the next, where they are evenly spread
    """
    if value == 0:
        return "0"
    power = floor(log10(abs(value)) + 1e-9)
    last = power - 2 if step is None else floor(log10(step) + 1e-9) - 1
    if not PLAIN[0] <= power < PLAIN[1]:
        mantissa = f"{value / 10.0**power:.{min(max(power - last, 0), 12)}f}"
        mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
        return f"10^{power}" if mantissa == "1" else f"{mantissa}e{power}"
    text = f"{value:,.{max(-last, 0)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def size(count: int) -> str:
    """Bytes as B, kB or MB, in units of 1000."""
    if count < 1000:
        return f"{count} B"
    value, unit = (count / 1000, "kB") if count < 1_000_000 else (count / 1_000_000, "MB")
    return f"{value:.3g} {unit}" if value < 100 else f"{value:,.0f} {unit}"


def duration(seconds: float) -> str:
    """Seconds, minutes or hours."""
    if seconds < 90:
        return f"{seconds:.3g} s"
    if seconds < 5400:
        return f"{seconds / 60:.3g} min"
    return f"{seconds / 3600:.3g} h"


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd and so on."""
    ends = {1: "st", 2: "nd", 3: "rd"}
    return f"{number}{'th' if 10 < number % 100 < 14 else ends.get(number % 10, 'th')}"

"""How does an engineer write a number? `3.8k/s`, `4.1 TB`, `12.5 ms`, `23 to 61 per s`, `99.95%`.

The unit follows from the dimension and the size, unless it is given. What is written here can be read
back by the grammar, and is the same value but for the rounding. A value that is not finite is said in
words, never as `nan` or `inf`.
"""

from __future__ import annotations

import math

from toscale.quantity.units import (
    BANDWIDTH,
    COST_RATE,
    MONEY,
    NUMBER,
    PLURALS,
    RATE,
    SIZE,
    TIME,
    UNITS,
    Dimension,
    Unit,
    base_unit,
    parse_unit,
)

_LADDERS: dict[Dimension, tuple[Unit, ...]] = {
    TIME: tuple(UNITS[name] for name in ("ns", "us", "ms", "s", "min", "hour", "day", "year")),
    SIZE: tuple(UNITS[name] for name in ("byte", "kB", "MB", "GB", "TB", "PB", "EB")),
    RATE: tuple(parse_unit(f"1/{name}") for name in ("year", "day", "hour", "min", "s")),
    BANDWIDTH: tuple(parse_unit(f"{name}/s") for name in ("byte", "kB", "MB", "GB", "TB", "PB")),
    COST_RATE: (parse_unit("USD/month"),),
    MONEY: (UNITS["USD"],),
}
_STEPS = ((1e12, " trillion"), (1e9, " billion"), (1e6, "M"), (1e3, "k"))
_PLURAL = {unit: plural for plural, unit in PLURALS.items() if plural == unit + "s"}
_FRACTION_OF_UNIT = 0.1
"""A rate or a range keeps its unit down to this part of it: `0.5/s` rather than `30/min`."""


def choose_unit(dimension: Dimension, si_value: float) -> Unit | None:
    """The unit in which a value is best written; None for a plain number."""
    if dimension == NUMBER:
        return None
    ladder = _LADDERS.get(dimension)
    if ladder is None:
        return base_unit(dimension)
    size = abs(si_value)
    if size == 0 or not math.isfinite(size):
        return UNITS["s"] if dimension == TIME else ladder[-1] if dimension == RATE else ladder[0]
    least = _FRACTION_OF_UNIT if dimension == RATE else 1.0
    fitting = [unit for unit in ladder if round_to(size / unit.factor_to_si, 3) >= least]
    return fitting[-1] if fitting else ladder[0]


def round_to(value: float, digits: int) -> float:
    """The value rounded to so many significant digits."""
    rounded = float(f"{value:.{max(digits, 1) - 1}e}")
    return rounded if math.isfinite(rounded) else value  # next to the largest float there is


def format_number(value: float, digits: int = 3) -> str:
    """A plain number: `20`, `9999`, `0.106`, `12.5k`, `2.4M`, `6 billion`, `5e18`."""
    if not math.isfinite(value):
        return _not_finite(value)
    if abs(value) < 10_000 and value == int(value):
        return str(int(value))
    mantissa, step = _scale(value, digits)
    return mantissa + step


def format_quantity(si_value: float, dimension: Dimension, unit: Unit | None = None, digits: int = 3) -> str:
    """A value given in s, byte and USD, in `unit` or in the one that fits, to `digits` significant digits."""
    if not math.isfinite(si_value):
        return _not_finite(si_value)
    unit = unit or choose_unit(dimension, si_value)
    if unit is None:
        return format_number(si_value, digits)
    value = si_value / unit.factor_to_si
    if not math.isfinite(value):
        return _not_finite(value)
    if unit.name == "%":
        return _percent(value, digits) + "%"
    mantissa, step = _scale(value, digits)
    return _with_unit(mantissa, step, unit)


def format_range(
    low: float, high: float, dimension: Dimension, unit: Unit | None = None, digits: int = 2
) -> str:
    """Two values, in s, byte and USD: `23 to 61 per s`, `60M to 160M`, `20 ms to 1.2 s`.

    More digits are written where the two ends would look alike; ends that are equal are written once.
    """
    if not (math.isfinite(low) and math.isfinite(high)):
        return f"{format_quantity(low, dimension, unit)} to {format_quantity(high, dimension, unit)}"
    while digits < 6 and low != high and round_to(low, digits) == round_to(high, digits):
        digits += 1
    if round_to(low, digits) == round_to(high, digits):
        return format_quantity(low, dimension, unit, digits)
    largest = max(abs(low), abs(high))
    shown = unit or choose_unit(dimension, largest)
    if shown is None:
        return " to ".join(_ends(low, high, digits))
    if unit is None and dimension in (TIME, SIZE) and 0 < low < _FRACTION_OF_UNIT * shown.factor_to_si:
        return " to ".join(format_quantity(end, dimension, None, digits) for end in (low, high))
    first, last = low / shown.factor_to_si, high / shown.factor_to_si
    if shown.name == "%":
        return f"{_percent(first, digits)}% to {_percent(last, digits)}%"
    ends = _ends(first, last, digits)
    if shown.name.startswith("1/"):
        above, *below = shown.name[2:].split("/")
        return " to ".join(ends) + f" per {above}" + "".join(f"/{part}" for part in below)
    if shown.name == "x":
        return " to ".join(_with_unit(end, "", shown) for end in ends)
    return _with_unit(" to ".join(ends), "", shown)


def _ends(low: float, high: float, digits: int) -> tuple[str, str]:
    """Both ends, with the multiplier of the larger where the smaller is not much smaller.

    `2 to 5M` could be read in two ways, and the grammar refuses it: the low end takes a `k` then.
    """
    sizes = {step: size for size, step in _STEPS} | {"": 1.0}
    larger, smaller = max(low, high, key=abs), min(low, high, key=abs)
    mantissa, step = _scale(larger, digits)
    if "e" in mantissa or (not step and abs(smaller) < 1e-3):
        return format_number(low, digits), format_number(high, digits)

    def written(value: float) -> str:
        if value == 0:
            return "0"
        if not step or abs(value) >= sizes[step] / 100:
            return _plain(value / sizes[step], digits) + step
        text, own = _scale(value, digits)
        if own or "e" in text or float(text) > abs(float(mantissa)):
            return text + own
        return _plain(value / 1e3, digits) + "k"

    return written(low), written(high)


def _scale(value: float, digits: int) -> tuple[str, str]:
    """The mantissa and the multiplier of a number: `("3.8", "k")`, `("6", " billion")`."""
    rounded = round_to(value, digits)
    size = abs(rounded)
    if size >= 1e15 or 0 < size < 1e-4:
        mantissa, exponent = f"{rounded:.{max(digits, 1) - 1}e}".split("e")
        return f"{_trimmed(mantissa)}e{int(exponent)}", ""
    for least, step in _STEPS:
        if size >= least:
            return _plain(rounded / least, digits), step
    return _plain(rounded, digits), ""


def _plain(value: float, digits: int) -> str:
    """A number without exponent, to so many significant digits."""
    rounded = round_to(value, digits)
    if rounded == 0:
        return "0"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(rounded))))
    return _trimmed(f"{rounded:.{decimals}f}")


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def _percent(value: float, digits: int) -> str:
    """A number of percent; close below 100 it is what is missing that has the digits: `99.95`."""
    if 90 < value < 100:
        missing = 100 - value
        decimals = min(9, max(0, digits - 2 - math.floor(math.log10(missing))))
        return _trimmed(f"{value:.{decimals}f}")
    mantissa, step = _scale(value, digits)
    return mantissa + step


def _with_unit(mantissa: str, step: str, unit: Unit) -> str:
    """A number and its unit, as they stand together: `3.8k/s`, `10x`, `500 bytes`, `1 day`."""
    name = unit.name
    if name.startswith("1/"):
        return f"{mantissa}{step}{name[1:]}"
    if name == "x":
        return f"{mantissa}{step}{' ' if step else ''}x"
    first, slash, rest = name.partition("/")
    if (mantissa, step) not in (("1", ""), ("-1", "")):
        first = _PLURAL.get(first, first)
    # `3 s^2` could be read in two ways, and the grammar refuses it.
    joint = " * " if "^" in first.partition("*")[0] else " "
    return f"{mantissa}{step}{joint}{first}{slash}{rest}"


def _not_finite(value: float) -> str:
    return "unknown" if math.isnan(value) else "beyond all bounds"

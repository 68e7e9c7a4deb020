"""Which units are there, and what is each in seconds, bytes and dollars?

Everything is held in one base: second, byte, USD. A `Dimension` says how many times each of the three is
in a quantity, a `Unit` how many of the base it is. Sources: decimal and binary prefixes by IEC 80000-13;
a year is the Julian year of 365.25 days (IAU), a month a twelfth of it. Counts of users, requests or links
have no unit: they are plain numbers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType

from toscale.quantity.errors import QuantityError, did_you_mean, excerpt

MOST_EXPONENT = 12
"""The highest power of a base unit that is carried; beyond it a formula is a mistake."""


@dataclass(frozen=True, slots=True)
class Dimension:
    """How many times time, information and money are in a quantity; all zero for a plain number."""

    time: Fraction = Fraction(0)
    information: Fraction = Fraction(0)
    money: Fraction = Fraction(0)

    def __mul__(self, other: Dimension) -> Dimension:
        return Dimension(
            self.time + other.time, self.information + other.information, self.money + other.money
        )

    def __truediv__(self, other: Dimension) -> Dimension:
        return self * other ** Fraction(-1)

    def __pow__(self, exponent: Fraction | int) -> Dimension:
        return Dimension(self.time * exponent, self.information * exponent, self.money * exponent)

    @property
    def is_number(self) -> bool:
        return not (self.time or self.information or self.money)

    @property
    def is_reasonable(self) -> bool:
        """Whether every exponent is a whole number or a half, and small."""
        return all(
            abs(e) <= MOST_EXPONENT and e.denominator <= 2 for e in (self.time, self.information, self.money)
        )


NUMBER = Dimension()
TIME = Dimension(time=Fraction(1))
SIZE = Dimension(information=Fraction(1))
MONEY = Dimension(money=Fraction(1))
RATE = NUMBER / TIME
BANDWIDTH = SIZE / TIME
COST_RATE = MONEY / TIME

_DESCRIPTIONS: Mapping[Dimension, tuple[str, str]] = MappingProxyType(
    {
        NUMBER: ("a plain number", "20"),
        TIME: ("a time", "20 ms"),
        SIZE: ("a size", "20 GB"),
        MONEY: ("an amount of money", "20 USD"),
        RATE: ("a rate", "20 / s"),
        BANDWIDTH: ("a bandwidth", "20 MB / s"),
        COST_RATE: ("a price per time", "20 USD / hour"),
    }
)


def describe(dimension: Dimension) -> str:
    """The dimension in words: `a time`, `a rate`, `a quantity in byte*s`."""
    known = _DESCRIPTIONS.get(dimension)
    return known[0] if known else f"a quantity in {base_unit(dimension).name}"


def example_of(dimension: Dimension) -> str:
    """Something of that dimension as one would write it, for a mend: `20 / s`."""
    known = _DESCRIPTIONS.get(dimension)
    return known[1] if known else f"20 {base_unit(dimension).name}"


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as it is written, how many base units it is, and its dimension.

    `factor_to_si` turns a number in this unit into seconds, bytes and dollars: 1 TB/day is
    `Unit("TB/day", 1e12 / 86400, BANDWIDTH)`.
    """

    name: str
    factor_to_si: float
    dimension: Dimension


DAY = 86_400.0
YEAR = 365.25 * DAY
_PREFIXES = {"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}
_BINARY = {"Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50}


def _table() -> dict[str, Unit]:
    times = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "hour": 3600.0}
    times |= {"day": DAY, "week": 7 * DAY, "month": YEAR / 12, "year": YEAR}
    sizes = {"byte": 1.0, "bit": 0.125}
    sizes |= {f"{p}B": f for p, f in (_PREFIXES | _BINARY).items()}
    sizes |= {f"{p}bit": f / 8 for p, f in _PREFIXES.items() if p in "kMGT"}
    units = {name: Unit(name, factor, TIME) for name, factor in times.items()}
    units |= {name: Unit(name, factor, SIZE) for name, factor in sizes.items()}
    units |= {"USD": Unit("USD", 1.0, MONEY), "%": Unit("%", 0.01, NUMBER), "x": Unit("x", 1.0, NUMBER)}
    return units


UNITS: Mapping[str, Unit] = MappingProxyType(_table())
"""Every simple unit by its name."""

PLURALS: Mapping[str, str] = MappingProxyType(
    {name + "s": name for name in ("hour", "day", "week", "month", "year", "byte", "bit")}
    | {"second": "s", "seconds": "s", "minute": "min", "minutes": "min", "µs": "us", "μs": "us"}
)
"""Other spellings that mean the same unit."""

_COUNTED = frozenset(
    "request requests req reqs user users link links message messages click clicks post posts event events "
    "row rows item items file files record records key keys query queries operation operations op ops call "
    "calls write writes read reads connection connections people person member members customer customers "
    "order orders seat seats server servers replica replicas session sessions times time device devices "
    "photo photos image images video videos object objects packet packets transaction transactions".split()
)
_PER_SECOND = {"qps", "rps", "tps", "iops", "hz"}
_OTHER_WORDS = {
    "sec": "`s`",
    "secs": "`s`",
    "msec": "`ms`",
    "millis": "`ms`",
    "millisecond": "`ms`",
    "milliseconds": "`ms`",
    "microsecond": "`us`",
    "microseconds": "`us`",
    "nanosecond": "`ns`",
    "nanoseconds": "`ns`",
    "mins": "`min`",
    "h": "`hour`",
    "hr": "`hour`",
    "hrs": "`hours`",
    "d": "`day`",
    "y": "`year`",
    "yr": "`year`",
    "yrs": "`years`",
    "wk": "`week`",
    "mo": "`month`",
    "percent": "`%`",
    "dollar": "`USD`",
    "dollars": "`USD`",
    "usd": "`USD`",
    "eur": "`USD`: money is written in one currency",
    "kilobyte": "`kB`",
    "kilobytes": "`kB`",
    "megabyte": "`MB`",
    "megabytes": "`MB`",
    "gigabyte": "`GB`",
    "gigabytes": "`GB`",
    "terabyte": "`TB`",
    "terabytes": "`TB`",
    "petabyte": "`PB`",
    "petabytes": "`PB`",
    "kbps": "`kbit/s`",
    "mbps": "`Mbit/s`",
    "gbps": "`Gbit/s`",
}
_LONG = {"k": "kilo", "M": "mega", "G": "giga", "T": "tera", "P": "peta", "E": "exa"}
_PREFIXED_BIT = re.compile(r"(?i:(k|m|g|t|p|e))(?i:(b|bit|bits|byte|bytes))\Z")


def find_unit(word: str) -> Unit | None:
    """The simple unit of that spelling (`day`, `days`, `GB`), or None. Case matters."""
    return UNITS.get(PLURALS.get(word, word))


def unknown_unit(word: str, start: int, end: int) -> QuantityError:
    """The refusal of a word that stands where a unit should, with what was probably meant."""
    shown = excerpt(word, 30)
    low = word.lower()
    if low in _COUNTED:
        return QuantityError(
            "unknown-unit",
            f"`{shown}` is not a unit: what is counted is a plain number.",
            f"Leave `{shown}` out.",
            start,
            end,
        )
    if low in _PER_SECOND:
        return QuantityError(
            "unknown-unit", f"`{shown}` is not a unit.", "Write a rate as `/ s`.", start, end
        )
    return QuantityError("unknown-unit", f"`{shown}` is not a unit.", _mend_of_unit(word), start, end)


def _mend_of_unit(word: str) -> str:
    low = word.lower()
    if word in ("B", "b"):
        return "Write `byte` or `bit`; for a thousand million, `G` or `billion`."
    prefixed = _PREFIXED_BIT.match(word)
    if prefixed:
        prefix = next(p for p in _PREFIXES if p.lower() == prefixed[1].lower())
        byte, bit = f"`{prefix}B` ({_LONG[prefix]}byte)", f"`{prefix}bit`"
        letters = prefixed[2].lower()
        if letters == "b" and prefix in "kMGT":
            return f"Did you mean {byte} or {bit}?"
        return f"Did you mean {bit}?" if letters.startswith("bit") else f"Did you mean {byte}?"
    if low in _OTHER_WORDS:
        return f"Write {_OTHER_WORDS[low]}."
    if word in ("$", "€", "£"):
        return "Write `USD` after the number."
    if low in ("m", "g", "t", "k"):
        return "Write `min` for minutes, `M` for millions, `G`, `T` or `k`."
    folded = [name for name in UNITS if name.lower() == low]
    if folded:
        return f"Did you mean `{folded[0]}`? Case matters."
    return did_you_mean(word, [*UNITS, *PLURALS]) or (
        "A unit is a time (`ms`, `s`, `day`), a size (`kB`, `GB`, `Mbit`), `USD`, `%` or `x`."
    )


def base_unit(dimension: Dimension) -> Unit:
    """The unit of a dimension built of s, byte and USD, with a name that can be read back: `byte/s`."""
    powers = [("byte", dimension.information), ("USD", dimension.money), ("s", dimension.time)]

    def power(name: str, exponent: Fraction) -> str:
        if exponent == 1:
            return name
        return f"{name}^{exponent}" if exponent.denominator == 1 else f"{name}^{float(exponent):g}"

    above = "*".join(power(name, e) for name, e in powers if e > 0)
    below = "".join("/" + power(name, -e) for name, e in powers if e < 0)
    return Unit((above or "1") + below, 1.0, dimension)


_WORD = re.compile(r"[^\W\d_][\w]*|[%$€£]")
_SPACE = re.compile(r"\s*")
_POWER = re.compile(r"\s*\^\s*(-?\d{1,2}(?:\.5)?)(?![\d.])")
_PER = re.compile(r"/|\*|per\b")


def parse_unit(text: str) -> Unit:
    """A unit, simple or composed: `GB`, `1/s`, `TB / day`, `Mbit per s`, `USD / month`, `byte*s`.

    Raises `QuantityError` with the place in `text` for anything else.
    """
    if len(text) > 100:
        raise QuantityError("formula-too-long", "This is too long for a unit.", "", 0, len(text))
    at = _space(text, 0)
    if at == len(text):
        raise QuantityError(
            "unknown-unit", "A unit is missing.", "Write one, such as `GB` or `1/s`.", 0, len(text)
        )
    name, factor, dimension = "", 1.0, NUMBER
    operator = ""
    while True:
        if not operator and text.startswith("1", at) and not text[at + 1 : at + 2].isalnum():
            piece, start, at = Unit("1", 1.0, NUMBER), at, at + 1
        elif not operator and text.startswith(("/", "per "), at):
            piece, start = Unit("1", 1.0, NUMBER), at
        else:
            start = at
            piece, at = _simple(text, at)
        sign = -1 if operator == "/" else 1
        name += operator + piece.name
        factor *= piece.factor_to_si**sign
        dimension = dimension * piece.dimension**sign
        at = _space(text, at)
        if not dimension.is_reasonable or not math.isfinite(factor) or factor <= 0:
            raise QuantityError("overflow", "This unit is beyond any use.", "", start, at)
        if at == len(text):
            break
        joined = _PER.match(text, at)
        if not joined:
            raise QuantityError(
                "unknown-unit",
                f"`{excerpt(text[at:])}` does not belong to the unit.",
                "Compose units with `/` or `*`, as in `TB / day`.",
                at,
                len(text),
            )
        operator = "*" if joined[0] == "*" else "/"
        at = _space(text, joined.end())
    if name == "1":
        raise QuantityError(
            "unknown-unit",
            "`1` is no unit.",
            "Leave it out; `%` and `x` are units of a number.",
            0,
            len(text),
        )
    return Unit(name, factor, dimension)


def _space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _simple(text: str, at: int) -> tuple[Unit, int]:
    word = _WORD.match(text, at)
    if not word:
        shown = f"`{excerpt(text[at:])}` is not a unit." if at < len(text) else "A unit is missing here."
        raise QuantityError("unknown-unit", shown, "Write one, such as `GB` or `1/s`.", at, len(text))
    unit = find_unit(word[0])
    if unit is None:
        raise unknown_unit(word[0], at, word.end())
    power = _POWER.match(text, word.end())
    if not power:
        return unit, word.end()
    exponent = Fraction(power[1])
    dimension = unit.dimension**exponent
    if not dimension.is_reasonable or abs(exponent) > MOST_EXPONENT:
        raise QuantityError("overflow", "This unit is beyond any use.", "", at, power.end())
    return Unit(f"{unit.name}^{power[1]}", unit.factor_to_si ** float(exponent), dimension), power.end()

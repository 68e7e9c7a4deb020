"""Which words, numbers and signs are in a formula?

The tokenizer refuses what can be read in two ways at the level of characters: `1,000`, `5.`, `2 ** 3`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from toscale.quantity.errors import QuantityError, excerpt

MOST_CHARACTERS = 2_000
"""The longest formula that is read."""


class Kind(Enum):
    """What a token is."""

    NUMBER = "number"
    WORD = "word"
    SIGN = "sign"
    END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text; `end` is exclusive."""

    kind: Kind
    text: str
    start: int
    end: int

    def is_sign(self, *signs: str) -> bool:
        return self.kind is Kind.SIGN and self.text in signs

    def is_word(self, *words: str) -> bool:
        return self.kind is Kind.WORD and self.text in words


_TOKEN = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<number>(?:[0-9]+(?:_[0-9]+)*(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<word>[^\W\d]\w*|[%$€£])"
    r"|(?P<sign>[-+*/^(),.])"
)
_THOUSANDS = re.compile(r"(?<![\w.])[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])")
_REPLACEMENTS = {
    "×": "Write `*`.",
    "·": "Write `*`.",
    "÷": "Write `/`.",
    "−": "Write `-`.",
    "–": "Write `low to high` for a range, `-` for a difference.",
    "—": "Write `low to high` for a range, `-` for a difference.",
    "~": "Write a range such as `80 to 120`, or leave the `~` out.",
    "≈": "Write a range such as `80 to 120`.",
    "=": "A formula has only its right-hand side.",
    "<": "A comparison is a condition, and no value.",
    ">": "A comparison is a condition, and no value.",
    "[": "Write brackets as `(` and `)`.",
    "]": "Write brackets as `(` and `)`.",
    "{": "Write brackets as `(` and `)`.",
    "}": "Write brackets as `(` and `)`.",
    "'": "A name stands without quotes.",
    '"': "A name stands without quotes.",
}


def tokenize(text: str) -> list[Token]:
    """The tokens of a formula, the last of kind END. Raises `QuantityError` for what has no meaning."""
    if len(text) > MOST_CHARACTERS:
        raise QuantityError(
            "formula-too-long",
            f"A formula has at most {MOST_CHARACTERS} characters, this one {len(text)}.",
            "Split it into named estimates.",
            MOST_CHARACTERS,
            len(text),
        )
    _refuse_thousands(text)
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if not found:
            raise QuantityError(
                "unexpected-character",
                f"`{excerpt(text[at]) or ascii(text[at])[1:-1]}` has no meaning in a formula.",
                _REPLACEMENTS.get(text[at], ""),
                at,
                at + 1,
            )
        kind = found.lastgroup or ""
        if kind == "number":
            _refuse_dots(text, found)
        if kind == "sign" and text.startswith("**", at):
            raise QuantityError(
                "unexpected-character", "`**` has no meaning in a formula.", "Write `^`.", at, at + 2
            )
        if kind != "space":
            tokens.append(Token(Kind(kind), found[0], at, found.end()))
        at = found.end()
    tokens.append(Token(Kind.END, "", len(text), len(text)))
    return tokens


def _refuse_thousands(text: str) -> None:
    found = _THOUSANDS.search(text)
    if found:
        joined, parts = found[0].replace(",", ""), found[0].replace(",", ", ")
        raise QuantityError(
            "ambiguous-number",
            f"`{excerpt(found[0])}` can be one number or several.",
            f"Write `{excerpt(joined)}` for one number, `{excerpt(parts)}` for several.",
            found.start(),
            found.end(),
        )


def _refuse_dots(text: str, number: re.Match[str]) -> None:
    if text.startswith(".", number.end()):
        raise QuantityError(
            "unreadable",
            f"`{excerpt(number[0])}.` is not a number.",
            f"Write `{excerpt(number[0])}`; a number has one dot, with a digit after it.",
            number.start(),
            number.end() + 1,
        )

"""How is a formula read? A tokenizer and a Pratt parser, and never Python's `eval`.

From loose to tight: `+ -`, then `* / per`, then `low to high`, then a sign, then `^` (to the right). So
`60M to 160M / month` is `(60M to 160M) / month`, `-2^2` is -4 and `2^3^2` is 2^9. What can be read in two
ways is refused with both readings (`500B`, `5m`, `2 to 5M`, `3 s^2`).

Bounds: 2,000 characters, 100 levels. Pratt, "Top down operator precedence" (POPL 1973), is the method.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from toscale.quantity.errors import QuantityError, did_you_mean, excerpt
from toscale.quantity.formula import Binary, Call, Expr, Formula, Literal, Name, Negate, Range
from toscale.quantity.tokens import Kind, Token, tokenize
from toscale.quantity.units import PLURALS, UNITS, Unit, find_unit, parse_unit, unknown_unit

MOST_DEPTH = 100
"""The deepest tree that is read; a sum of so many terms reaches it too."""

MULTIPLIERS: Mapping[str, float] = MappingProxyType(
    {"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
    | {"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
)

ARGUMENTS: Mapping[str, tuple[int, int, str]] = MappingProxyType(
    {
        "min": (1, 20, "min(a, b)"),
        "max": (1, 20, "max(a, b)"),
        "sqrt": (1, 1, "sqrt(a)"),
        "ceil": (1, 1, "ceil(a)"),
        "uniform": (2, 2, "uniform(low, high)"),
        "triangular": (3, 3, "triangular(low, mode, high)"),
        "normal": (2, 2, "normal(mean, sd)"),
        "lognormal": (2, 2, "lognormal(mean, sd)"),
    }
)
"""Each function with its fewest and most arguments, and how it is called."""

SHAPES = frozenset({"uniform", "triangular", "normal", "lognormal"})
"""The functions that are uncertain values: each call is an assumption of its own."""

_WORDS = frozenset({"to", "in", "per"})
_SUM, _PRODUCT, _RANGE, _SIGN, _POWER = 10, 20, 30, 35, 40
_STRENGTH = {"+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT, "per": _PRODUCT, "to": _RANGE, "^": _POWER}


def is_reserved(word: str) -> bool:
    """Whether a word means something in every formula, so that no estimate can have it as its name."""
    return word in UNITS or word in PLURALS or word in MULTIPLIERS or word in ARGUMENTS or word in _WORDS


class Vocabulary(frozenset[str]):
    """The names that may occur in formulas, prepared once for many formulas."""

    longest: int
    """The most words and dots that a name has."""

    def __new__(cls, names: Iterable[str] = ()) -> Vocabulary:
        made = super().__new__(cls, names)
        made.longest = max((len(_words_of(name)) for name in made), default=1)
        return made


def parse(text: str, known: Collection[str] = ()) -> Formula:
    """The formula in a text.

    `known` are the names that may occur (a `Vocabulary` where many formulas share them): it is needed for
    those of several words (`usual rate`, `recent list.size`) and helps with spelling. A name that is not
    among them (one word, or a path with dots) is read all the same, and refused when it is evaluated.

    Raises `QuantityError` with the place in `text`; nothing else, for any text.
    """
    return _Parser(text, known).formula()


class _Parser:
    def __init__(self, text: str, known: Collection[str]) -> None:
        self.text = text
        self.known = known if isinstance(known, Vocabulary) else Vocabulary(known)
        self.tokens = tokenize(text)
        self.at = 0
        self.level = 0
        self.brackets = 0
        self.uncertain = 0

    # ---- tokens

    @property
    def now(self) -> Token:
        return self.tokens[self.at]

    def take(self) -> Token:
        token = self.tokens[self.at]
        if token.kind is not Kind.END:
            self.at += 1
        return token

    # ---- the whole

    def formula(self) -> Formula:
        if self.now.kind is Kind.END:
            raise QuantityError(
                "empty-formula",
                "There is nothing to compute.",
                "Write a value, such as `20 ms`.",
                0,
                len(self.text),
            )
        expr = self.expression(0)
        unit: Unit | None = None
        unit_start = -1
        if self.now.is_word("in"):
            unit_start, start = self.now.start, self.take().end
            try:
                unit = parse_unit(self.text[start:])
            except QuantityError as error:
                raise error.shifted(start) from None
        elif self.now.text:
            raise self.left_over(expr)
        return Formula(self.text, expr, unit, unit_start)

    def expression(self, strength: int) -> Expr:
        """What stands here, up to an operator that binds no tighter than `strength`."""
        self.level += 1
        self.bound(self.level, self.now.start, self.now.end)
        left = self.operand()
        while True:
            operator = self.now
            binds = _STRENGTH.get(operator.text, 0) if operator.kind is not Kind.NUMBER else 0
            if binds <= strength:
                break
            self.take()
            if operator.text == "to":
                left = self.range(left, operator)
                continue
            if operator.text == "^" and isinstance(left, Literal) and left.unit and self.is_bare(left):
                raise self.power_of_unit(left)
            # `^` is the only operator that groups to the right: its right side may hold another of its own.
            right = self.expression(binds - 1 if operator.text == "^" else binds)
            sign = "/" if operator.text == "per" else operator.text
            depth = 1 + max(left.depth, right.depth)
            self.bound(depth, left.start, right.end)
            left = Binary(sign, left, right, left.start, right.end, depth)
        self.level -= 1
        return left

    def bound(self, depth: int, start: int, end: int) -> None:
        if depth > MOST_DEPTH:
            raise QuantityError(
                "formula-too-deep",
                f"This formula is more than {MOST_DEPTH} levels deep.",
                "Split it into named estimates.",
                start,
                end,
            )

    # ---- operands

    def operand(self) -> Expr:
        before = self.tokens[self.at - 1] if self.at else None
        token = self.take()
        if token.kind is Kind.NUMBER:
            return self.literal(token)
        if token.is_sign("-"):
            operand = self.expression(_SIGN)
            self.bound(operand.depth + 1, token.start, operand.end)
            return Negate(operand, token.start, operand.end, operand.depth + 1)
        if token.is_sign("+"):
            return self.expression(_SIGN)
        if token.is_sign("("):
            return self.bracket(token)
        if token.kind is Kind.WORD:
            return self.word(token, before)
        raise self.missing_operand(token, before)

    def bracket(self, opening: Token) -> Expr:
        self.brackets += 1
        inside = self.expression(0)
        closing = self.close(opening, inside)
        # The brackets belong to the place of what is in them, so that it can be quoted whole.
        return replace(inside, start=opening.start, end=closing.end)

    def is_bare(self, literal: Literal) -> bool:
        """Whether a number with a unit stands without brackets."""
        return not literal.is_unit_alone and self.text[literal.start] != "("

    def close(self, opening: Token, inside: Expr) -> Token:
        self.brackets -= 1
        if self.now.is_sign(")"):
            return self.take()
        if self.now.kind is Kind.END:
            raise QuantityError(
                "unclosed-bracket", "This bracket is not closed.", "Add `)`.", opening.start, opening.end
            )
        raise self.left_over(inside)

    def literal(self, number: Token) -> Literal:
        mantissa = float(number.text.replace("_", ""))
        value, multiplier, end, unit = mantissa, "", number.end, None
        self.refuse_ambiguous_suffix(number)
        if self.now.kind is Kind.WORD and self.now.text in MULTIPLIERS:
            word = self.take()
            value, multiplier, end = mantissa * MULTIPLIERS[word.text], word.text, word.end
            self.refuse_ambiguous_suffix(number)
        if self.now.kind is Kind.WORD and self.now.text not in _WORDS:
            unit = find_unit(self.now.text)
            if unit is None:
                raise self.not_a_unit(number)
            end = self.take().end
        if not math.isfinite(value):
            raise QuantityError(
                "overflow",
                "This number is too large to be held.",
                "The bound is about 1e308.",
                number.start,
                end,
            )
        return Literal(value, unit, number.start, end, mantissa, multiplier)

    def refuse_ambiguous_suffix(self, number: Token) -> None:
        word = self.now
        if word.kind is not Kind.WORD:
            return
        written = excerpt(self.text[number.start : number.end])
        readings = {
            "B": (f"{written} bytes", f"{written} billion"),
            "b": (f"{written} bits", f"{written} billion"),
            "m": (f"{written} min", f"{written}M"),
            "K": (f"{written}k", f"{written} KiB"),
            "g": (f"{written}G", f"{written} GB"),
            "t": (f"{written}T", f"{written} TB"),
        }.get(word.text)
        if readings and word.text not in self.known:
            raise QuantityError(
                "ambiguous-number",
                f"`{excerpt(self.text[number.start : word.end])}` can be read in two ways.",
                f"Write `{readings[0]}` or `{readings[1]}`.",
                number.start,
                word.end,
            )

    def not_a_unit(self, number: Token) -> QuantityError:
        word = self.now
        path = self.longest_known()
        if path or self.tokens[self.at + 1].is_sign("("):
            between = self.text[number.start : self.tokens[self.at - 1].end]
            shown = path[0] if path else word.text + "(...)"
            return QuantityError(
                "missing-operator",
                f"There is no operator between `{excerpt(between)}` and `{excerpt(shown)}`.",
                f"Write `{excerpt(between)} * {excerpt(shown)}`.",
                number.start,
                word.end,
            )
        if word.text in MULTIPLIERS:
            return QuantityError(
                "ambiguous-number", "A number has one multiplier.", "Leave one out.", number.start, word.end
            )
        folded = [
            m for m in MULTIPLIERS if m == word.text.lower().rstrip("s") or m.lower() == word.text.lower()
        ]
        short = {"bn": "billion", "mn": "million", "mln": "million", "mio": "million", "tn": "trillion"}
        multiplier = folded[0] if folded else short.get(word.text.lower(), "")
        if multiplier:
            return QuantityError(
                "unknown-unit",
                f"`{excerpt(word.text)}` is neither a multiplier nor a unit.",
                f"Did you mean `{multiplier}`?",
                word.start,
                word.end,
            )
        return unknown_unit(word.text, word.start, word.end)

    # ---- words

    def word(self, token: Token, before: Token | None) -> Expr:
        self.at -= 1
        path = self.longest_known()
        if path:
            name, used = path
            self.at += used
            return Name(name, token.start, self.tokens[self.at - 1].end)
        self.at += 1
        if self.now.is_sign("("):
            return self.call(token)
        if token.text in _WORDS:
            raise self.missing_operand(token, before)
        unit = find_unit(token.text)
        if unit is not None:
            if before is not None and (before.is_sign("/", "*") or before.is_word("per")):
                return Literal(1.0, unit, token.start, token.end, 1.0, is_unit_alone=True)
            raise QuantityError(
                "unit-alone",
                f"The unit `{token.text}` has no number before it.",
                f"Write `1 {token.text}`.",
                token.start,
                token.end,
            )
        if token.text in "%$€£" or token.text in MULTIPLIERS:
            raise QuantityError(
                "missing-operand",
                f"`{token.text}` has no number before it.",
                "Write the number first, as in `20%`, `20 USD` or `20 million`.",
                token.start,
                token.end,
            )
        return self.path(token)

    def longest_known(self) -> tuple[str, int] | None:
        """The longest known name that begins here, and how many tokens it has."""
        found: tuple[str, int] | None = None
        words: list[str] = []
        for used, token in enumerate(self.tokens[self.at : self.at + self.known.longest], start=1):
            if token.kind is not Kind.WORD and not token.is_sign(".") and token.kind is not Kind.NUMBER:
                break
            words.append(token.text)
            name = _joined(words)
            if token.kind is Kind.WORD and name in self.known:
                found = name, used
        return found

    def path(self, token: Token) -> Name:
        """A name that is not known, with what follows it after dots."""
        words, end = [token.text], token.end
        while self.now.is_sign(".") and self.tokens[self.at + 1].kind is Kind.WORD:
            self.take()
            last = self.take()
            words += [".", last.text]
            end = last.end
        return Name(_joined(words), token.start, end)

    def call(self, name: Token) -> Call:
        opening = self.take()
        if name.text not in ARGUMENTS:
            mend = (
                did_you_mean(name.text, ARGUMENTS)
                or "There are " + ", ".join(f"`{f}`" for f in ARGUMENTS) + "."
            )
            shown = excerpt(name.text, 30)
            raise QuantityError(
                "unknown-function", f"There is no function `{shown}`.", mend, name.start, name.end
            )
        ordinal = -1
        if name.text in SHAPES:
            ordinal, self.uncertain = self.uncertain, self.uncertain + 1
        self.brackets += 1
        arguments: list[Expr] = []
        if not self.now.is_sign(")"):
            arguments.append(self.expression(0))
            while self.now.is_sign(","):
                self.take()
                arguments.append(self.expression(0))
        last: Expr = arguments[-1] if arguments else Name(name.text, name.start, name.end)
        end = self.close(opening, last).end
        fewest, most, usage = ARGUMENTS[name.text]
        if not fewest <= len(arguments) <= most:
            raise QuantityError(
                "wrong-arguments",
                f"`{name.text}` cannot have {len(arguments)} argument{'' if len(arguments) == 1 else 's'}.",
                f"Write `{usage}`.",
                name.start,
                end,
            )
        depth = 1 + max(argument.depth for argument in arguments)
        self.bound(depth, name.start, end)
        return Call(name.text, tuple(arguments), ordinal, name.start, end, depth)

    # ---- ranges

    def range(self, left: Expr, operator: Token) -> Range:
        if isinstance(left, Range) and self.text[left.start] != "(":
            raise QuantityError(
                "ambiguous-range", "A range has two ends.", "Write `low to high`.", left.start, operator.end
            )
        if isinstance(left, Literal) and left.is_unit_alone:
            raise QuantityError(
                "ambiguous-range",
                f"`to` binds tighter than `/`: this would be a range from `{self.text[left.start : left.end]}`.",
                "Write the unit once, after the range, as in `20 to 40 / s`.",
                left.start,
                operator.end,
            )
        ordinal, self.uncertain = self.uncertain, self.uncertain + 1
        right = self.expression(_RANGE)
        if self.now.is_word("to"):
            raise QuantityError(
                "ambiguous-range", "A range has two ends.", "Write `low to high`.", left.start, self.now.end
            )
        left = self.share_unit(left, right)
        depth = 1 + max(left.depth, right.depth)
        self.bound(depth, left.start, right.end)
        return Range(left, right, ordinal, left.start, right.end, depth)

    def share_unit(self, left: Expr, right: Expr) -> Expr:
        """The low end with the unit of the high end, where only that one has it: `3 to 6 ms`."""
        low = left.operand if isinstance(left, Negate) else left
        high = right.operand if isinstance(right, Negate) else right
        if not isinstance(low, Literal) or not isinstance(high, Literal):
            return left
        if not self.is_bare(low) or not self.is_bare(high):
            return left
        if low.unit and not high.unit:
            wanted = f"{self.text[high.start : high.end]} {low.unit.name}"
            raise QuantityError(
                "ambiguous-range",
                f"The low end of the range is in `{low.unit.name}`, the high end in nothing.",
                f"Write `{excerpt(wanted)}` at the end.",
                left.start,
                right.end,
            )
        if high.multiplier and not low.multiplier and not low.unit and 0 < low.mantissa <= high.mantissa:
            whole = self.text[left.start : left.end]
            spaced = f" {high.multiplier}" if len(high.multiplier) > 1 else high.multiplier
            raise QuantityError(
                "ambiguous-range",
                f"The low end can be `{excerpt(whole)}` or `{excerpt(whole)}{spaced}`.",
                f"Write `{excerpt(whole)}{spaced} to {excerpt(self.text[right.start : right.end])}`, "
                "or the high end in full.",
                left.start,
                right.end,
            )
        if high.unit and not low.unit:
            shared = Literal(low.value, high.unit, low.start, low.end, low.mantissa, low.multiplier)
            return Negate(shared, left.start, left.end, left.depth) if isinstance(left, Negate) else shared
        return left

    # ---- what is wrong

    def power_of_unit(self, left: Literal) -> QuantityError:
        written = self.text[left.start : left.end]
        return QuantityError(
            "ambiguous-number",
            f"It is not clear whether `^` means the unit or all of `{excerpt(written)}`.",
            f"Write `({excerpt(written)})^...`.",
            left.start,
            self.tokens[self.at - 1].end,
        )

    def missing_operand(self, token: Token, before: Token | None) -> QuantityError:
        shown = f"`{token.text}`" if token.text else "the end"
        if before is None:
            return QuantityError(
                "missing-operand", f"There is no value before {shown}.", "", token.start, token.end
            )
        mend = ""
        if token.text == "*" == before.text:
            mend = "Write `^`."
        elif token.text == "," or before.text == ",":
            mend = "A number has no comma in it: write `1.5` or `1500`."
        return QuantityError(
            "missing-operand",
            f"There is no value between `{before.text}` and {shown}.",
            mend,
            before.start,
            token.end,
        )

    def left_over(self, expr: Expr) -> QuantityError:
        token, shown = self.now, excerpt(self.now.text, 30)
        left = excerpt(self.text[expr.start : expr.end])
        if token.is_sign(")"):
            return QuantityError(
                "unclosed-bracket", "This bracket closes nothing.", "Take it out.", token.start, token.end
            )
        if token.is_sign(","):
            return QuantityError(
                "unreadable", "A comma stands between arguments of a function only.",
                "Write a decimal point as a dot, and thousands without a sign.", token.start, token.end,
            )  # fmt: skip
        if token.is_word("in"):
            return QuantityError(
                "misplaced-conversion",
                "`in UNIT` stands at the end of a formula, outside brackets.",
                "",
                token.start,
                token.end,
            )
        near = ""
        if isinstance(expr, Name) and token.kind is Kind.WORD:
            near = did_you_mean(f"{expr.name} {token.text}", (name for name in self.known if " " in name))
        elif isinstance(expr, Literal) and expr.unit and find_unit(token.text):
            near = f"Write `{left}/{token.text}` or `{left}*{token.text}`."
        elif token.kind is Kind.WORD and token.text not in self.known:
            near = (
                did_you_mean(token.text, self.known) or f"Leave `{shown}` out, or write what else is meant."
            )
        return QuantityError(
            "missing-operator",
            f"There is no operator between `{left}` and `{shown}`.",
            near or f"Write `{left} * {shown}`, or what else is meant.",
            expr.start,
            token.end,
        )


def _words_of(name: str) -> list[str]:
    return name.replace(".", " . ").split()


def _joined(words: list[str]) -> str:
    return " ".join(words).replace(" . ", ".")

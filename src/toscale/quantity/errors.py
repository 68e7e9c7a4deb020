"""What can be wrong with a number, a unit or a formula, and how it is said.

Every refusal in this part is one `QuantityError`: a stable code, the place in the text, the cause, and
what to write instead. Nothing else is raised for any text, however hostile.
"""

from __future__ import annotations

from collections.abc import Iterable

CODES: dict[str, str] = {
    "empty-formula": "There is nothing to compute.",
    "formula-too-long": "A formula is longer than the bound.",
    "formula-too-deep": "A formula is nested deeper than the bound.",
    "too-many-estimates": "A sheet has more formulas or assumptions than the bound.",
    "unreadable": "The text is not a formula.",
    "unexpected-character": "A character has no meaning in a formula.",
    "unclosed-bracket": "A bracket is not closed, or closes nothing.",
    "missing-operand": "An operator has nothing before or after it.",
    "missing-operator": "Two values stand side by side without an operator.",
    "ambiguous-number": "A number can be read in two ways.",
    "ambiguous-range": "A range can be read in two ways.",
    "reversed-range": "A range has its larger end first.",
    "uncertain-range": "An end of a range, or a parameter of a shape, is itself uncertain.",
    "impossible-shape": "The parameters of a distribution are impossible.",
    "unknown-unit": "A word after a number is no unit.",
    "unit-alone": "A unit has no number before it.",
    "misplaced-conversion": "`in UNIT` stands elsewhere than at the end.",
    "unknown-function": "A function is not one of the language.",
    "wrong-arguments": "A function has too few or too many arguments.",
    "unknown-name": "A name is not among the estimates.",
    "reserved-name": "An estimate has the name of a unit, a multiplier, a function or a word of the language.",
    "cycle": "An estimate depends on itself.",
    "not-computed": "A formula needs an estimate that could not be computed.",
    "mixed-dimensions": "Values of different dimensions are added, compared or made a range of.",
    "wrong-dimension": "A value has another dimension than its place asks for.",
    "not-a-plain-number": "An exponent, a root or a rounding needs another dimension.",
    "mixed-lengths": "Values with different numbers of samples are combined.",
    "division-by-zero": "A divisor is, or may be, zero.",
    "not-a-number": "A root or a power of a negative number has no value.",
    "overflow": "A value is too large to be held.",
    "unreadable-time": "The text is not a time that varies.",
    "impossible-time": "The parameters of a time that varies are impossible.",
    "impossible-value": "A value lies where none can be, such as a negative rate or a period of zero.",
    "unreadable-file": "A file of measured times is not there, or holds something else.",
}
"""Each code with one sentence on what it stands for. `design/` and the documentation read it."""


class QuantityError(ValueError):
    """A text that cannot be understood or computed, with its place and its mend.

    `start` and `end` are offsets in characters into the text that was handed over (`end` is exclusive).
    `suggestion` is what to write instead, a sentence or empty.
    """

    def __init__(self, code: str, message: str, suggestion: str = "", start: int = 0, end: int = 0) -> None:
        if code not in CODES:
            raise KeyError(code)
        super().__init__(code, message, suggestion, start, end)
        self.code = code
        self.message = message
        self.suggestion = suggestion
        self.start = start
        self.end = end

    def __str__(self) -> str:
        return f"{self.message} {self.suggestion}".rstrip()

    def shifted(self, by: int) -> QuantityError:
        """The same error in a text that begins `by` characters earlier."""
        return QuantityError(self.code, self.message, self.suggestion, self.start + by, self.end + by)


def excerpt(text: str, most: int = 40) -> str:
    """The text on one line, cut to `most` characters, as it may be quoted in a message."""
    flat = " ".join("".join(c if c.isprintable() else " " for c in text[: most * 4]).split())
    return flat if len(flat) <= most else flat[: most - 1] + "…"


def sentence(words: str) -> str:
    """The words with a capital letter at the beginning."""
    return words[:1].upper() + words[1:]


def did_you_mean(word: str, candidates: Iterable[str], most: int = 2000) -> str:
    """`Did you mean X?` for the candidate nearest to the word, or nothing where none is near.

    A difference in case only counts as nearest. The work is bounded: words over 80 characters are not
    compared, nor candidates beyond the first `most`, and only the 20 that share most letters in detail.
    """
    import difflib
    import heapq

    if not word or len(word) > 80:
        return ""
    letters = set(word)
    likely: list[tuple[float, str]] = []
    for _, choice in zip(range(most), candidates, strict=False):
        if choice == word or abs(len(choice) - len(word)) > 3 + len(word) // 3:
            continue
        if choice.casefold() == word.casefold():
            return f"Did you mean `{choice}`?"
        common = len(letters & set(choice)) / max(len(letters), len(set(choice)), 1)
        if common >= 0.5:
            likely.append((common, choice))
    choices = [choice for _, choice in heapq.nlargest(20, likely)]
    near = difflib.get_close_matches(word, choices, n=1, cutoff=0.6)
    return f"Did you mean `{near[0]}`?" if near else ""

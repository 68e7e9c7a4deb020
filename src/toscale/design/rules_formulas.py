"""The rules TS3xx: formulas, units and times. Each stands for one refusal of `toscale.quantity`, by its name
there.
"""

from __future__ import annotations

from toscale.design.rule import Rule

__all__ = ["FORMULA_RULES", "RULES_FOR_FORMULAS"]


def _estimate(bad: str, good: str, more: str = "") -> tuple[str, str]:
    return f"estimates:\n  load: {bad}\n{more}", f"estimates:\n  load: {good}\n{more}"


_APP = "components:\n  app: {kind: service}\nflows:\n  tick:\n    every: 5 s\n    steps:\n      - app: "

_ENTRIES: tuple[tuple[str, str, str, str, tuple[str, str]], ...] = (
    (
        "TS301",
        "empty-formula",
        "nothing to compute",
        "A value is needed where there is none.",
        _estimate('«""»', "20"),
    ),
    (
        "TS302",
        "formula-too-long",
        "a formula that is too long",
        "At most 2,000 characters are read: name its parts.",
        ("", ""),
    ),
    (
        "TS303",
        "formula-too-deep",
        "a formula that is nested too deeply",
        "At most 100 levels are read.",
        ("", ""),
    ),
    ("TS304", "too-many-estimates", "too many estimates", "What is computed is bounded.", ("", "")),
    ("TS305", "unreadable", "not a formula", "The text has a form that no formula has.", ("", "")),
    (
        "TS306",
        "unexpected-character",
        "a character without a meaning",
        "A formula has numbers, names, units, brackets and `+ - * / ^`.",
        _estimate("20 «×» 3", "20 * 3"),
    ),
    (
        "TS307",
        "unclosed-bracket",
        "a bracket that is not closed",
        "Where it was meant to end would be a guess.",
        _estimate("«(»20 + 3", "(20 + 3)"),
    ),
    (
        "TS308",
        "missing-operand",
        "an operator without a value",
        "Something is missing before or after it.",
        _estimate("20 «*»", "20 * 3"),
    ),
    (
        "TS309",
        "missing-operator",
        "two values side by side",
        "Whether they are multiplied, or one of them is too much, would be a guess.",
        _estimate("«20 30»", "20 * 30"),
    ),
    (
        "TS310",
        "ambiguous-number",
        "a number that can be read in two ways",
        "`500B` may be 500 bytes or 500 billion; `5m` minutes, metres or a million.",
        _estimate("«500B»", "500 bytes"),
    ),
    (
        "TS311",
        "ambiguous-range",
        "a range that can be read in two ways",
        "`2 to 5M` may begin at two or at two million.",
        _estimate("«2 to 5M»", "2M to 5M"),
    ),
    (
        "TS312",
        "reversed-range",
        "a range with its larger end first",
        "`low to high` is a 90% interval.",
        _estimate("«5 to 3»", "3 to 5"),
    ),
    (
        "TS313",
        "uncertain-range",
        "an uncertain end of a range",
        "What is uncertain cannot bound what is uncertain: multiply the one by the other.",
        ("", ""),
    ),
    (
        "TS314",
        "impossible-shape",
        "a distribution that cannot be",
        "Its parameters contradict each other.",
        ("", ""),
    ),
    (
        "TS315",
        "unknown-unit",
        "an unknown unit",
        "Units are checked, so each must be known.",
        _estimate("20 «parsec»", "20 ms"),
    ),
    (
        "TS316",
        "unit-alone",
        "a unit without a number",
        "A unit stands behind a number, or after `/`.",
        _estimate("«ms»", "1 ms"),
    ),
    (
        "TS317",
        "misplaced-conversion",
        "`in UNIT` elsewhere than at the end",
        "It converts the whole result.",
        _estimate("(20 s «in» ms)", "20 s in ms"),
    ),
    (
        "TS318",
        "unknown-function",
        "an unknown function",
        "Functions are few: min, max, sqrt, ceil and shapes.",
        _estimate("«log»(20)", "sqrt(20)"),
    ),
    (
        "TS319",
        "wrong-arguments",
        "too few or too many arguments",
        "The function has another number of them.",
        _estimate("«sqrt(4, 9)»", "sqrt(4)"),
    ),
    ("TS320", "unknown-name", "an unknown name", "A value that nothing gives cannot be computed.", ("", "")),
    (
        "TS321",
        "reserved-name",
        "an estimate with the name of a unit or a function",
        "In a formula it could not be told from the unit.",
        ("estimates:\n  «ms»: 20\n", "estimates:\n  delay: 20 ms\n"),
    ),
    (
        "TS322",
        "cycle",
        "an estimate that depends on itself",
        "No value follows from it.",
        ("estimates:\n  a: «b * 2»\n  b: a / 2\n", "estimates:\n  a: b * 2\n  b: 3\n"),
    ),
    (
        "TS323",
        "not-computed",
        "a formula whose parts could not be computed",
        "An estimate that it needs is wrong.",
        ("", ""),
    ),
    (
        "TS324",
        "mixed-dimensions",
        "values of different kinds together",
        "A time cannot be added to a size, nor be the other end of its range.",
        _estimate("«20 s + 3 MB»", "20 s + 3 ms"),
    ),
    (
        "TS325",
        "wrong-dimension",
        "a value of another kind than its place asks for",
        "A time-out is a time, a memory a size, a rate a number per time.",
        (_APP + "1 ms\n        timeout: «60»\n", _APP + "1 ms\n        timeout: 60 ms\n"),
    ),
    (
        "TS326",
        "not-a-plain-number",
        "an exponent or a rounding with a unit",
        "Two to the power of three seconds is nothing.",
        _estimate("2 ^ «(3 s)»", "2 ^ 3"),
    ),
    (
        "TS327",
        "mixed-lengths",
        "what is uncertain with what differs",
        "The two kinds of samples cannot be combined.",
        ("", ""),
    ),
    ("TS328", "division-by-zero", "a division by zero", "The divisor is, or may be, zero.", ("", "")),
    ("TS329", "not-a-number", "a root of a negative number", "It has no value.", ("", "")),
    ("TS330", "overflow", "a value that is too large", "It cannot be held.", ("", "")),
    (
        "TS331",
        "unreadable-time",
        "not a time that varies",
        "`4 ms`, `4 ms (p99 30 ms)`, `20 s exponential`, `between 1 s and 30 s`, `from file.csv` are.",
        (_APP + "4 ms «gamma(p 2)»\n".replace("gamma(p 2)", "gamma"), _APP + "4 ms gamma(cv 2)\n"),
    ),
    (
        "TS332",
        "impossible-time",
        "a time that cannot vary so",
        "Its parameters contradict each other.",
        ("", ""),
    ),
    (
        "TS333",
        "impossible-value",
        "a value that cannot be",
        "Nothing takes less than no time, comes at less than no rate, is chosen among no keys, or is repeated "
        "every zero seconds.",
        ("", ""),
    ),
    (
        "TS334",
        "unreadable-file",
        "a file of measured times that cannot be read",
        "`from file.csv` takes one time in seconds from each line of a file beside the design.",
        ("", ""),
    ),
)

FORMULA_RULES: dict[str, str] = {name: code for code, name, _, _, _ in _ENTRIES}
"""The rule of each refusal of `toscale.quantity`, by the name of the refusal."""

RULES_FOR_FORMULAS: tuple[Rule, ...] = (
    *(Rule(code, "error", title, why, *examples) for code, _, title, why, examples in _ENTRIES),
    Rule(
        "TS350",
        "error",
        "a share that is more than all",
        "`99.95` where `99.95%` was meant would never hold, and nobody would see why.",
        "requirements:\n  non_functional:\n    it is there: availability(tick) >= «99.9»\n" + _APP + "1 ms\n",
        "requirements:\n  non_functional:\n    it is there: availability(tick) >= 99.9%\n" + _APP + "1 ms\n",
    ),
)
"""The rules of this module."""

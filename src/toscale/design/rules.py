"""Which rules does a design keep to? Each with a stable code, the reason for it, a design that breaks it and
one that does not.

TS0xx: the file as text and as YAML. TS1xx: its form: keys, values, names. TS2xx: references. TS3xx:
formulas. TS4xx: meaning. TS5xx: warnings and notes: what is probably not meant, or cannot be computed. A
rule is added in the module of its group (`rules_*`), one entry in one place; the reference page is generated
from them.

In a bad example the place that the problem points at stands between « and ».
"""

from __future__ import annotations

from toscale.design.rule import Rule
from toscale.design.rules_formulas import FORMULA_RULES, RULES_FOR_FORMULAS
from toscale.design.rules_meaning import RULES_FOR_MEANING
from toscale.design.rules_text import RULES_FOR_TEXT

__all__ = ["FORMULA_RULES", "RULES", "Rule", "reference_page"]

RULES: dict[str, Rule] = {
    rule.code: rule for rule in (*RULES_FOR_TEXT, *RULES_FOR_FORMULAS, *RULES_FOR_MEANING)
}
"""All rules, by their codes, in order."""

_GROUPS = {
    "TS0": "The file",
    "TS1": "Form",
    "TS2": "References",
    "TS3": "Formulas",
    "TS4": "Meaning",
    "TS5": "Warnings and notes",
}


def reference_page() -> str:
    """The reference of all rules, as Markdown: what `docs/rules.md` holds."""
    lines = [
        "# Rules",
        "",
        "Every problem that `toscale check` finds belongs to one of these rules. An *error* means that a part",
        "cannot be understood; a *warning*, that it is probably not what was meant or cannot be computed; a",
        "*note* is information. This page is generated.",
    ]
    group = ""
    for rule in RULES.values():
        if _GROUPS[rule.code[:3]] != group:
            group = _GROUPS[rule.code[:3]]
            lines += ["", f"## {group}"]
        lines += ["", f"### {rule.code}: {rule.title} ({rule.severity})", "", rule.why]
        for label, text in (("Not", rule.bad_text), ("But", rule.good)):
            if text:
                lines += ["", f"{label}:", "", "```yaml", text.rstrip("\n"), "```"]
    return "\n".join(lines) + "\n"

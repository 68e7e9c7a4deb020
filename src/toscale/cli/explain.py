"""`toscale explain CODE`: why a rule is there, a design that breaks it and one that keeps it."""

from __future__ import annotations

import argparse

from rich.padding import Padding
from rich.text import Text

from toscale.cli.rules import every_rule
from toscale.cli.terminal import Terminal, Unreadable
from toscale.design.problems import nearest
from toscale.simulate.lowering.lowered import LOWERING_CODES

__all__ = ["run"]


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Prints what is known of the rule."""
    code = options.code.upper()
    if code in LOWERING_CODES:
        terminal.say(Text.assemble((code, "error"), " (error)"))
        terminal.say(LOWERING_CODES[code])
        return 0
    rules = every_rule()
    rule = rules.get(code)
    if rule is None:
        near = nearest(code, (*rules, *LOWERING_CODES))
        mend = f"did you mean {near}?" if near else "`toscale rules` lists all."
        raise Unreadable(f"there is no rule `{options.code}`: {mend}")
    terminal.say(Text.assemble((rule.code, rule.severity), f" ({rule.severity}): ", (rule.title, "name")))
    terminal.say()
    terminal.say(rule.why)
    for label, text in (("Not:", rule.bad_text), ("But:", rule.good)):
        if text:
            terminal.say()
            terminal.say(label, style="quiet")
            terminal.say(Padding(Text(text.rstrip("\n")), (0, 0, 0, 2), expand=False))
    return 0

"""`toscale rules`: all rules with their codes, as `toscale check` knows them."""

from __future__ import annotations

import argparse

from rich.table import Table
from rich.text import Text

from toscale.cli.terminal import Terminal
from toscale.design.rule import Rule

__all__ = ["every_rule", "run"]


def every_rule() -> dict[str, Rule]:
    """All rules by their codes, in order: those of the design file, and those of what is vague."""
    from toscale.design.rules import RULES
    from toscale.requirements.vague_rules import VAGUE_RULES

    return dict(sorted({**RULES, **VAGUE_RULES}.items()))


def run(options: argparse.Namespace, terminal: Terminal) -> int:  # noqa: ARG001 (all commands have one form)
    """Prints one line a rule."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for rule in every_rule().values():
        table.add_row(Text(rule.code, rule.severity), Text(rule.severity, "quiet"), Text(rule.title))
    terminal.say(table)
    terminal.say()
    terminal.say("More on one of them: toscale explain CODE")
    return 0

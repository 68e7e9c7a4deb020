"""How is a difference of designs shown? What was added, removed and changed; then each target, flow and component
with its figures before and after, and what can be said of the change.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.text import Text

from toscale.architecture.difference import Difference
from toscale.cli.show_tables import heading, show_table
from toscale.cli.terminal import Terminal

if TYPE_CHECKING:
    from toscale.architecture.effect import Effect
    from toscale.cli.diff import Compared

__all__ = ["show_compared", "show_differences", "show_effects", "show_lines", "show_names"]

_MARKS = {"added": ("+", "met"), "removed": ("-", "missed"), "changed": ("~", "at risk")}
LONGEST = 160
"""Characters of a value that are shown; the file has the rest."""


def show_names(names: tuple[str, str], terminal: Terminal) -> None:
    """The first line: what is compared with what."""
    terminal.say(Text.assemble((names[0], "head"), (" → ", "quiet"), (names[1], "head")))


def show_differences(found: Sequence[Difference], terminal: Terminal, indent: int = 2) -> None:
    """Writes each difference on a line of its own."""
    if not found:
        terminal.say("They mean the same: nothing was added, removed or changed.")
        return
    heading(terminal, "What is different")
    show_lines(found, terminal, indent)


def show_lines(found: Iterable[Difference], terminal: Terminal, indent: int = 2) -> None:
    """Writes differences without a heading."""
    for one in found:
        sign, style = _MARKS[one.what]
        said = Text.assemble((f"{sign} ", style), _short(str(one)))
        terminal.say(Padding(said, (0, 0, 0, indent), expand=False))


def _short(text: str) -> str:
    return text if len(text) <= 2 * LONGEST else f"{text[: 2 * LONGEST]} …"


def show_compared(compared: Compared, terminal: Terminal) -> None:
    """Writes the targets with what became of them, and the effects."""
    _show_targets(compared, terminal)
    show_effects(compared.effects, terminal, compared.pairs)
    if compared.partly:
        terminal.say("Some parts are not simulated: `toscale simulate` says which.", style="quiet")
    _show_summary(compared, terminal)


def _show_targets(compared: Compared, terminal: Terminal) -> None:
    from toscale.document.words import MARKS
    from toscale.requirements.verdicts import Status

    before = {verdict.name: verdict for verdict in compared.before}
    after = {verdict.name: verdict for verdict in compared.after}
    if before or after:
        heading(terminal, "Targets")
    effects = {effect.of: effect for effect in compared.effects if effect.kind == "target"}
    for name in dict.fromkeys((*before, *after)):
        then, now = before.get(name), after.get(name)
        shown = now or then
        assert shown is not None, "the name is that of one of the two"
        status = shown.status.value if now is not None else "removed"
        was = ""
        if now is None:
            was = f", was {shown.status.value}"
        elif then is None:
            was = ", is new"
        elif then.status is not now.status:
            was = f", was {then.status.value}"
        mark = MARKS[shown.status] if now is not None else "-"
        style = shown.status.value if now is not None else "quiet"
        terminal.say(
            Padding(
                Text.assemble((f"{mark} {status}{was}  ", style), (f"{name}: ", "name"), shown.text),
                (0, 0, 0, 2),
                expand=False,
            )
        )
        effect = effects.get(name)
        said = [_sentence(effect)] if effect is not None else []
        if now is not None and (effect is None or now.status is not Status.MET):
            said.append(f"{now.reason[:1].upper()}{now.reason[1:]}.")
        for line in said if now is not None else ():
            terminal.say(Padding(line, (0, 0, 0, 12), expand=False))


def _sentence(effect: Effect) -> str:
    """`p99(redirect) falls by 12 ms (10 to 14 ms): 78.8 ms → 66.8 ms.`"""
    figures = ""
    if effect.before is not None and effect.after is not None and effect.verdict != "the same":
        figures = f"; {effect.shown(effect.before)} → {effect.shown(effect.after)}"
    what = effect.text if effect.verdict in ("rises", "falls") else f"– {effect.text}"
    return f"{effect.measure} {what}{figures}."


def show_effects(effects: Iterable[Effect], terminal: Terminal, pairs: int) -> None:
    """Writes the effects on flows and components as a table each."""
    from toscale.document.tables import Column, Table

    columns = (
        Column("Measure"),
        Column("Before", True),
        Column("After", True),
        Column("Change", is_sentence=True),
    )
    shown = [effect for effect in effects if effect.kind != "target"]
    note = (
        f"At the median rates, from {pairs} pairs with the same arrivals and demands; the range behind a change is "
        "its 95% interval, and of twenty one may be off by chance."
    )
    for kind, title in (("flow", "Flows"), ("component", "Components")):
        rows = tuple(
            (effect.measure, effect.shown(effect.before), effect.shown(effect.after), effect.text)
            for effect in shown
            if effect.kind == kind
        )
        last = kind == "component" or not any(effect.kind == "component" for effect in shown)
        show_table(Table(title, columns, rows, note if last else ""), terminal)


def _show_summary(compared: Compared, terminal: Terminal) -> None:
    from toscale.cli.diff import newly_missed

    missed = newly_missed(compared)
    terminal.say()
    if missed:
        names = ", ".join(f"`{name}`" for name in missed)
        one = len(missed) == 1
        counted = "1 target is" if one else f"{len(missed)} targets are"
        terminal.say(Text(f"{counted} missed that {'was' if one else 'were'} not before: {names}.", "missed"))
    else:
        terminal.say(Text("No target is missed that was not before.", "met"))

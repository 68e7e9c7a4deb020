"""How are agreements shown? Section by section: who agreed, and what has changed since; then the concerns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.text import Text

from toscale.architecture.agreement import Accord, Standing, prints
from toscale.architecture.difference import differences
from toscale.cli.git import Revision
from toscale.cli.show_difference import show_lines
from toscale.cli.show_tables import heading
from toscale.cli.terminal import Terminal
from toscale.design import Design

if TYPE_CHECKING:
    from toscale.cli.agree import Then

__all__ = ["show_since", "show_standing", "show_title"]


def show_title(design: Design, file: str, terminal: Terminal) -> None:
    """The first line: of which design the agreements are."""
    where = f"  {file}" if design.title else ""
    terminal.say(Text.assemble((design.title or file, "head"), (f"  agreements{where}", "quiet")))


def show_standing(
    design: Design,
    accord: Accord[str],
    standing: Sequence[Standing[str]],
    then: Mapping[str, Then | str],
    terminal: Terminal,
) -> None:
    """Writes how each section stands, with the differences since, and all concerns."""
    agreed = [one for one in standing if one.holding or one.outdated]
    if not agreed:
        terminal.say("Nobody has agreed to anything yet: toscale agree FILE --who NAME")
    else:
        heading(terminal, "Agreed")
    for one in agreed:
        _show_section(one, design, then.get(one.section), terminal)
    open_ones = [one.section for one in standing if one not in agreed]
    if agreed and open_ones:
        terminal.say(Text(f"  Nobody has agreed to {', '.join(open_ones)}.", "quiet"))
    _show_concerns(accord, design, terminal)


def _show_section(
    standing: Standing[str], design: Design, then: Then | str | None, terminal: Terminal
) -> None:
    for agreements, mark, style, since in (
        (standing.holding, "✓", "met", "unchanged since"),
        (tuple(one for one, _ in standing.outdated), "!", "at risk", "changed since"),
    ):
        if not agreements:
            continue
        who = ", ".join(one.by for one in agreements)
        at = f" on {agreements[0].at}" if agreements[0].at is not None else ""
        said = Text.assemble(
            (f"{mark} ", style), (standing.section, "name"), f": {who}{at}; ", (since, style)
        )
        terminal.say(Padding(said, (0, 0, 0, 2), expand=False))
        if not standing.outdated or mark != "!":
            continue
        if then is None or isinstance(then, str):
            why = then or "its history was not asked for"
            terminal.say(Padding(f"What it was is not known: {why}.", (0, 0, 0, 4), expand=False))
        else:
            changed = [one for one in differences(then.design, design) if one.path[0] == standing.section]
            show_lines(changed, terminal, 4)


def _show_concerns(accord: Accord[str], design: Design, terminal: Terminal) -> None:
    if not accord.concerns:
        return
    heading(terminal, "Concerns")
    now = prints(design)
    for number, concern in enumerate(accord.concerns, 1):
        at = f" on {concern.at}" if concern.at is not None else ""
        since = "; it has changed since" if concern.changed(now) else ""
        style = "at risk" if concern.status == "open" else "met"
        said = Text.assemble(
            f"{number}. ",
            (concern.status, style),
            f", {concern.by}{at}, about ",
            (concern.subject, "name"),
            f"{since}: {concern.text}",
        )
        terminal.say(Padding(said, (0, 0, 0, 2), expand=False))
        for answer in concern.answers:
            when = f" on {answer.at}" if answer.at is not None else ""
            terminal.say(Padding(f"{answer.by}{when}: {answer.text}", (0, 0, 0, 5), expand=False))


def show_since(revision: Revision, sections: Sequence[str], terminal: Terminal) -> None:
    """The line before the numbers: from which revision on they are."""
    terminal.say()
    said = f"In numbers, since {revision.short} of {revision.day} ({', '.join(sections)} as agreed)"
    terminal.say(Text(said, "step"))

"""What is the system for? Who uses it, what was asked and answered, what it must do, how well, and what it is not."""

from __future__ import annotations

from toscale.design.model import Prose
from toscale.document import words
from toscale.document.anchors import in_code
from toscale.document.draft import Draft, bullets, section, terms
from toscale.document.text import Code, Column, Paragraph, Quiet, Row, Section, Span, Spans, Table, Toned
from toscale.requirements.verdicts import Verdict

__all__ = ["functional", "qualities", "questions", "scope", "users", "verdict_of"]


def users(draft: Draft) -> Section:
    """Who uses it."""
    return section(
        "users",
        "Who uses it",
        terms((name, (prose.text,)) for name, prose in draft.findings.design.requirements.users.items()),
    )


def questions(draft: Draft) -> Section:
    """What was asked, and what was assumed."""
    asked = [one for one in draft.findings.design.requirements.questions if one.assume is None]
    assumed = [one for one in draft.findings.design.requirements.questions if one.assume is not None]
    rows = tuple(
        Row(
            (
                (one.ask or "",),
                (one.answer,) if one.answer else (Toned("not answered", "unknown"),),
                draft.anchors.links("estimate", one.sets),
                draft.anchors.number(one.place),
            )
        )
        for one in asked
    )
    columns = (
        Column("Question", is_sentence=True),
        Column("Answer", is_sentence=True),
        Column("Sets", is_sentence=True),
        Column("Line", is_number=True),
    )
    return section(
        "questions",
        "Questions and assumptions",
        Table("Questions that were asked", columns, rows) if rows else None,
        Paragraph(("Assumed, as nobody was asked:",)) if assumed else None,
        bullets((one.assume or "", " ", draft.anchors.line(one.place)) for one in assumed),
    )


def functional(draft: Draft) -> Section:
    """What it does."""
    lines = draft.findings.design.requirements.functional
    found: list[tuple[Span, Spans]] = []
    for name, prose in lines.items():
        flow = draft.anchors.first(name, "flow")
        how: Spans = (" ", draft.anchors.link("flow", name, "How it is done")) if flow != name else ()
        found.append((name, (words.sentence(prose.text), *how)))
    return section("functional", "What it does", terms(found))


def verdict_of(verdict: Verdict) -> Toned:
    """The verdict with its sign: `✓ met`."""
    status = verdict.status
    return Toned(f"{words.MARKS[status]} {status.value}", status.value)


def qualities(draft: Draft) -> Section:
    """How well it must do it, and whether it does."""
    lines = draft.findings.design.requirements.non_functional
    verdicts = {verdict.name: verdict for verdict in draft.findings.verdicts}
    rows = []
    prose = []
    for name, line in lines.items():
        known, place = draft.anchors.id("quality", name), line.place
        if isinstance(line, Prose):
            prose.append((name, (line.text, " ", draft.anchors.line(place)), known))
            continue
        verdict = verdicts[name]
        cells: tuple[Spans, ...] = (
            (name,),
            (Code(line.text),),
            (verdict_of(verdict),),
            in_code(words.sentence(verdict.reason[:1].upper() + verdict.reason[1:])),
            draft.anchors.number(place),
        )
        rows.append(Row(cells, known))
    columns = (
        Column("Quality"),
        Column("Condition"),
        Column("Verdict"),
        Column("Why", is_sentence=True),
        Column("Line", is_number=True),
    )
    return section(
        "qualities",
        "How well it does it",
        Paragraph(
            (
                "A condition is met when it holds at the median of the rates and at their upper end, at risk when it "
                "holds at the median only. p99 is the time within which 99% of all requests are answered; a request "
                "that fails counts as one that never is.",
            ),
            is_note=True,
        )
        if rows
        else None,
        Table("Conditions, as simulated", columns, tuple(rows)) if rows else None,
        Paragraph(("Also wanted, in words that no simulation can judge:",)) if prose else None,
        terms(((name, said) for name, said, _ in prose), (known for *_, known in prose)),
    )


def scope(draft: Draft) -> Section:
    """What else is wished for, what is left out, and how the question might be changed."""
    asked = draft.findings.design.requirements
    suggested = [
        (one.text, " ", Quiet("(written as a change of the file; not carried out here)"))
        if one.change is not None
        else (one.text,)
        for one in asked.suggestions
    ]
    return section(
        "scope",
        "Scope",
        *(
            block
            for head, lines in (
                ("Wished for beside that:", [(one.text,) for one in asked.extra]),
                ("Not part of it:", [(one.text,) for one in asked.out_of_scope]),
                ("Suggested changes to the question itself:", suggested),
            )
            if lines
            for block in (Paragraph((head,)), bullets(lines))
        ),
    )

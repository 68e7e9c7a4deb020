"""How does it behave under its load? Latency, what is in use, hits of caches, the run over time, as simulated; and
where the time of a request goes, by theory.
"""

from __future__ import annotations

from toscale.document import pictures, simulated_tables, words
from toscale.document.anchors import in_code
from toscale.document.draft import Draft, section, table, terms
from toscale.document.figures import DASH, seconds
from toscale.document.text import Column, Paragraph, Row, Section, Spans, Table, Toned
from toscale.requirements.budget import Budget

__all__ = ["bounded", "budgets", "calls", "connections", "hits", "latency", "over_time", "utilisation"]


def latency(draft: Draft) -> Section:
    """How soon requests are answered, and how many fail."""
    simulation, anchors = draft.findings.simulation, draft.anchors
    if simulation is None:
        why = draft.findings.reason or (
            "it has no flow" if not draft.findings.design.flows else "no simulation was run for this document"
        )
        nothing = Paragraph((Toned("Not known: ", "unknown"), f"nothing was simulated, as {why}."))
        return section("latency", "Latency under load", nothing)
    drawn = draft.figures("latency", pictures.latencies(draft.findings))
    return section(
        "latency",
        "Latency under load",
        table(
            simulated_tables.flows_table(simulation),
            links={"Flow": lambda name: (anchors.link("flow", name),)},
            caption="Requests, as simulated",
        ),
        Paragraph(
            (
                "How to read the curves: at a height of 99%, the curve stands at the time within which 99% of the "
                "answered requests were answered. A circle is a target: the curve should pass above it, to the left.",
            ),
            is_note=True,
        )
        if drawn
        else None,
        *drawn,
    )


def budgets(draft: Draft) -> Section:
    """Where the time of each flow goes, and what its targets leave."""
    found = draft.findings.budgets
    rows = [Row(cells) for name, budget in found.items() for cells in _budget(draft, name, budget)]
    columns = (
        Column("Flow"),
        Column("On the wire", is_number=True),
        Column("Work", is_number=True),
        Column("Waiting", is_number=True),
        Column("On average", is_number=True),
        Column("Target"),
        Column("Left of it", is_number=True),
    )
    note = (
        "Means per request, by theory, at the median rates; what is left is of the target's own percentile.",
    )
    return section(
        "budgets",
        "Where the time goes",
        Table("Latency budgets", columns, tuple(rows), note) if rows else None,
        terms(
            (draft.anchors.link("flow", name), in_code(words.sentence(budget.sentence())))
            for name, budget in found.items()
            if budget.hops
        ),
    )


def _budget(draft: Draft, name: str, budget: Budget) -> list[tuple[Spans, ...]]:
    work = sum(hop.work for hop in budget.hops)
    waiting, mean = budget.waiting, budget.mean
    head: tuple[Spans, ...] = (
        (draft.anchors.link("flow", name),),
        (seconds(budget.wire),),
        (seconds(work),),
        ("without bound",) if waiting is None else (seconds(waiting),),
        (DASH if mean is None else seconds(mean),),
    )
    if not budget.allowances:
        return [(*head, (DASH,), (DASH,))]
    found = []
    for one in budget.allowances:
        target: Spans = (
            draft.anchors.link("quality", one.target, f"{seconds(one.allowed)} ({one.measure})"),
        )
        left: Spans = (
            (Toned(f"{seconds(-one.left)} too much", "missed"),) if one.left < 0 else (seconds(one.left),)
        )
        found.append((*head, target, left))
        head = ((), (), (), (), ())
    return found


def utilisation(draft: Draft) -> Section:
    """How busy the components are."""
    simulation, anchors = draft.findings.simulation, draft.anchors
    if simulation is None:
        return section("utilisation", "How busy it is")
    drawn = pictures.utilisation(draft.findings)
    return section(
        "utilisation",
        "How busy it is",
        table(
            simulated_tables.simulated_components_table(simulation),
            links={"Component": lambda name: (anchors.link("component", name),)},
            caption="Components, as simulated",
        ),
        *draft.figures("utilisation", () if drawn is None else (drawn,)),
    )


def bounded(draft: Draft) -> Section:
    """What of bounded things is taken and refused, and whether their bounds hold."""
    simulation = draft.findings.simulation
    return section(
        "bounded",
        "Bounded things",
        None if simulation is None else table(simulated_tables.bounds_table(simulation)),
    )


def connections(draft: Draft) -> Section:
    """What is held open."""
    simulation, anchors = draft.findings.simulation, draft.anchors
    return section(
        "connections",
        "Held connections",
        None
        if simulation is None
        else table(
            simulated_tables.connections_table(simulation),
            links={"Held by": lambda name: (anchors.link("component", name),)},
        ),
    )


def calls(draft: Draft) -> Section:
    """What breakers, hedges and budgets of retries did."""
    simulation = draft.findings.simulation
    return section(
        "calls",
        "Guarded calls",
        None if simulation is None else table(simulated_tables.calls_table(simulation)),
    )


def hits(draft: Draft) -> Section:
    """What more memory would bring."""
    return section(
        "hits",
        "What memory brings",
        *draft.figures("hits", pictures.hit_curves(draft.findings)),
    )


def over_time(draft: Draft) -> Section:
    """One run, from moment to moment."""
    drawn = draft.figures("time", pictures.over_time(draft.findings))
    steady = draft.findings.design.run.lasts is None
    said = (
        " In the long run it should neither rise nor fall."
        if steady
        else " It begins and ends as the file says."
    )
    return section(
        "over-time",
        "One run over time",
        Paragraph((f"One run at the median rates.{said}",), is_note=True) if drawn else None,
        *drawn,
    )

"""What does each fault do to the targets, and how long until all is as before?"""

from __future__ import annotations

from toscale.design.model import Fault
from toscale.document.draft import Draft, section, table, terms
from toscale.document.fault_pictures import curves
from toscale.document.fault_tables import faults_table, long_run_table
from toscale.document.text import Paragraph, Section, Toned
from toscale.document.words import sentence

__all__ = ["faults", "in_words"]


def faults(draft: Draft) -> Section:
    """The faults that the file names: in words, what they do as simulated, and their curves."""
    findings, anchors = draft.findings, draft.anchors
    named, simulated = findings.design.faults, findings.faults
    steady = findings.long_run
    return section(
        "faults",
        "Faults",
        terms(
            (
                (name, (f"{in_words(fault)}. ", anchors.line(fault.place, name)))
                for name, fault in named.items()
            ),
            (anchors.id("fault", name) for name in named),
        ),
        table(
            faults_table(simulated.values(), findings.during()),
            links={
                "Fault": lambda name: (anchors.link("fault", name),),
                "Targets meanwhile": lambda text: anchors.within(text, "quality"),
            },
            caption="Faults, as simulated",
        ),
        _left(draft),
        None if steady is None else table(long_run_table(steady)),
        sections=(
            section(
                draft.taken.new("course", one.name),
                f"The course of {one.name}",
                Paragraph((sentence(one.said),)),
                *draft.figures("fault", one.pictures),
            )
            for one in curves(simulated)
        ),
    )


def _left(draft: Draft) -> Paragraph | None:
    """Those that were not simulated."""
    left = [name for name in draft.findings.design.faults if name not in draft.findings.faults]
    if not left:
        return None
    if len(left) == len(draft.findings.design.faults):
        which = "what each of them does"
    else:
        which = f"what {', '.join(left)} does"
    return Paragraph(
        (Toned("Not simulated: ", "unknown"), f"{which} to the targets is not known from this document.")
    )


def in_words(fault: Fault) -> str:
    """`1 min in, lose zone: a, for 2 min`: what happens, when, and for how long."""
    said = [f"{fault.at} in" if fault.at is not None else "", f"{fault.action}: {' – '.join(fault.target)}"]
    said += [
        f"{word}{value}{after}"
        for word, value, after in (
            ("for ", fault.lasts, ""),
            ("by ", fault.by, ""),
            ("replicas: ", fault.replicas, ""),
            ("shard ", fault.shard, ""),
            ("only the ", fault.role, ""),
            ("one each ", fault.each, ""),
            ("off by ", fault.off_by, ""),
            ("", fault.errors, " of the calls fail"),
            ("", fault.times, " times"),
        )
        if value is not None
    ]
    if fault.one is not None:
        said.append(f"{fault.one.share} of it of one {fault.one.of}")
    said += [f"where {path} {sign} {value}" for path, sign, value in fault.where]
    return ", ".join(part for part in said if part)

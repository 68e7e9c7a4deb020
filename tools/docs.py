"""Which parts of docs/ are made from the code? `make docs` writes the two references, of the rules and of the kinds,
and the pictures.

`tests/test_docs.py` holds them to the code: a rule or a kind that is added is in the page, or the test fails.
"""

from __future__ import annotations

import sys
from pathlib import Path

from toscale.architecture import draw
from toscale.design import Design
from toscale.design.rules import RULES
from toscale.kinds import KINDS, NETWORK_CV, RESEND_AFTER, Kind, OperationTime
from toscale.requirements.vague_rules import VAGUE_RULES
from toscale.simulate.lowering import LOWERING_CODES

DOCS = Path(__file__).resolve().parent.parent / "docs"

GENERATED = "<!-- Generated from the code by `make docs`: edit the code, not this page. -->"

GROUPS = {
    "TS0": ("The file", "The file as text and as YAML."),
    "TS1": ("Form", "Keys, values and names."),
    "TS2": ("References", "Names that must be those of something in the file."),
    "TS3": ("Formulas", "Units, ranges, times and what formulas depend on."),
    "TS4": ("Meaning", "What can be read, but does not go together."),
    "TS5": ("Suspicions", "What is probably not meant, or cannot be computed."),
    "TS6": ("Vagueness", "What is not wrong, but says too little to be judged."),
    "TS9": (
        "Simulation",
        "What only a simulation finds: `simulate`, `report` and `check --simulate`. All are errors.",
    ),
}
"""The groups of rules by the beginning of their codes: a title and a sentence."""


def rules_page() -> str:
    """The reference of the rules, as Markdown."""
    lines = [
        GENERATED,
        "# Rules",
        "",
        "Each problem that `toscale check` finds belongs to one of these rules, and names it: `toscale explain TS201`",
        "prints what stands here. An *error* means that a part of the file cannot be understood, and makes the exit",
        "code 1. A *warning* is probably not what was meant, or cannot be computed; a *note* is information.",
        "",
        "| code | severity | what |",
        "|---|---|---|",
    ]
    rules = dict(sorted({**RULES, **VAGUE_RULES}.items()))
    for rule in rules.values():
        lines.append(f"| [{rule.code}](#{rule.code.lower()}) | {rule.severity} | {_cell(rule.title)} |")
    for code, text in LOWERING_CODES.items():
        lines.append(f"| [{code}](#{code.lower()}) | error | {_cell(text)} |")
    group = ""
    for rule in rules.values():
        if rule.code[:3] != group:
            group = rule.code[:3]
            lines += _group(group)
        lines += ["", f"### {rule.code}", "", f"**{rule.title}** ({rule.severity}). {rule.why}"]
        for label, text in (("Not:", rule.bad_text), ("But:", rule.good)):
            if text:
                lines += ["", label, "", "```yaml", text.rstrip("\n"), "```"]
    lines += _group("TS9")
    for code, text in LOWERING_CODES.items():
        lines += ["", f"### {code}", "", text]
    return "\n".join(lines) + "\n"


def _group(code: str) -> list[str]:
    title, about = GROUPS[code]
    return ["", f"## {title} ({code}xx)", "", about]


def kinds_page() -> str:
    """The reference of the kinds of components, as Markdown."""
    lines = [
        GENERATED,
        "# Kinds of components",
        "",
        "A kind is a set of defaults over one of three primitives: a *station* (machines with slots and cores, behind",
        "a policy), a *store* (a station in shards with copies, addressed by key; it may forget keys) or a *buffer*",
        "(messages in partitions, until they are consumed). What the file gives is taken; what it does not give is",
        "taken from here, and every report lists what was taken. The figures are starting points for an ordinary",
        "machine in a data centre: whoever has measured writes the measured value into the file.",
        "",
        "An operation on N rows takes `first + further x (N - 1)`. The spread (cv: standard deviation over mean) is",
        "that of a lognormal, and holds for every time that is written without a shape.",
        "",
        "| kind | primitive | spread | slots of a machine | forgets keys |",
        "|---|---|---|---|---|",
    ]
    for kind in KINDS.values():
        slots = "no limit" if kind.slots is None else f"{kind.slots.value:g}"
        forgets = "by memory and ttl" if kind.keeps_keys else "if `ttl` or `evict` is given"
        if kind.primitive.name != "STORE":
            forgets = "–"
        name = f"[{kind.name}](#{kind.name})"
        lines.append(
            f"| {name} | {kind.primitive.name.lower()} | cv {kind.cv.value:g} | {slots} | {forgets} |"
        )
    for kind in KINDS.values():
        lines += _kind(kind)
    lines += [
        "",
        "## The network",
        "",
        f"- Spread of a round trip: cv {NETWORK_CV.value:g} (gamma). {NETWORK_CV.source}",
        f"- Time-out of the transport: {seconds(RESEND_AFTER.value)}. {RESEND_AFTER.source}",
    ]
    return "\n".join(lines) + "\n"


def _kind(kind: Kind) -> list[str]:
    lines = ["", f"## {kind.name}", "", f"A {kind.primitive.name.lower()}: {kind.primitive.value}.", ""]
    lines.append(f"- Spread: cv {kind.cv.value:g}. {kind.cv.source}")
    if kind.slots is not None:
        lines.append(f"- Slots of a machine: {kind.slots.value:g}. {kind.slots.source}")
    if kind.time is not None:
        lines.append(
            f"- Time of a request that passes through: {seconds(kind.time.value)}. {kind.time.source}"
        )
    if kind.overhead is not None:
        lines.append(
            f"- What an entry takes beside its record: {kind.overhead.value:g} bytes. {kind.overhead.source}"
        )
    if kind.primitive.name == "STATION":
        lines.append(f"- Spread over machines: {kind.balance}. {kind.balance_source}")
    if kind.primitive.name != "BUFFER":
        check, failover = kind.health_check, kind.failover
        lines.append(f"- Health check: {seconds(check.value)}. {check.source}")
        if kind.primitive.name == "STORE":
            lines.append(f"- Failover: {seconds(failover.value)}. {failover.source}")
    if kind.operations:
        lines += ["", "| operation | first row | each further | source |", "|---|---|---|---|"]
        alike: dict[OperationTime, list[str]] = {}
        for name, time in kind.operations.items():
            alike.setdefault(time, []).append(name)
        for time, names in alike.items():
            what = ", ".join(f"`{name}`" for name in names)
            lines.append(
                f"| {what} | {seconds(time.first)} | {seconds(time.further)} | {_cell(time.source)} |"
            )
    return lines


def seconds(value: float) -> str:
    """A time as an engineer writes it: 0.0015 as `1.5 ms`."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value / 1e-9:.3g} ns"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


PAGES = {"rules.md": rules_page, "kinds.md": kinds_page}
"""The generated pages by their names, and what makes them."""


PICTURES = {"img/url-shortener.svg": "url_shortener.design.yaml"}
"""The pictures by their names, and the examples that they show."""


def picture(example: str) -> str:
    """The drawing of an example, as SVG."""
    return draw(Design.load(DOCS.parent / "examples" / example)).svg()


def main() -> int:
    """Writes the pages and the pictures."""
    made = {name: make() for name, make in PAGES.items()}
    made |= {name: picture(example) for name, example in PICTURES.items()}
    for name, text in made.items():
        (DOCS / name).parent.mkdir(parents=True, exist_ok=True)
        (DOCS / name).write_text(text, encoding="utf-8")
        print(f"docs/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

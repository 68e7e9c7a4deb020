"""The document: all of the design is in it with its values, every link leads somewhere, and what is not known is said."""

from __future__ import annotations

import itertools
import re

import pytest

from tests.document.documents import CHEAP, HOSTILE, NAMES, example, figures, findings_of, ids, links, made
from toscale.design import Design
from toscale.document.compose import document_of
from toscale.document.findings import find
from toscale.document.sections import STEPS
from toscale.document.text import Row, Section, Table, line_id, plain, printable, sections_of


def sections(name: str) -> dict[str, Section]:
    return {section.id: section for _, section in sections_of(example(name).sections)}


def rows(section: Section) -> list[Row]:
    return [row for block in section.blocks if isinstance(block, Table) for row in block.rows]


def words(row: Row) -> list[str]:
    return [cell.text if hasattr(cell, "text") else plain(cell) for cell in row.cells]


@pytest.mark.parametrize("name", NAMES)
def test_it_follows_the_four_steps(name: str) -> None:
    top = [section.id for section in example(name).sections]
    assert top[:5] == ["summary", "step-1", "step-2", "step-3", "step-4"]
    assert [section.title for section in example(name).sections[1:5]] == [title for title, _ in STEPS]
    levels = [level for level, _ in sections_of(example(name).sections)]
    assert levels[0] == 2
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


@pytest.mark.parametrize("name", NAMES)
def test_ids_are_unique_and_every_link_leads_to_one(name: str) -> None:
    known = ids(example(name))
    assert len(known) == len(set(known))
    assert all(re.fullmatch(r"[a-z0-9-]+", one) for one in known)
    found = links(example(name))
    assert len(found) > 50
    assert {link.to for link in found} <= set(known)


@pytest.mark.parametrize("name", NAMES)
def test_every_estimate_has_its_value_its_derivation_and_its_line(name: str) -> None:
    findings = findings_of(name)
    found = {row.id: words(row) for row in rows(sections(name)["estimates"])}
    assert len(found) == len(findings.design.estimates)
    for (estimate, formula), said in zip(findings.design.estimates.items(), found.values(), strict=True):
        one = findings.estimates[estimate]
        assert said[0] == estimate
        assert said[1] == one.shown_median()
        assert said[2] == ("certain" if one.is_certain else one.shown_interval())
        assert said[-1] == str(formula.place.line)
        assert all(used.name in said[3] for used in one.uses)


@pytest.mark.parametrize("name", NAMES)
def test_every_condition_has_its_verdict_and_why(name: str) -> None:
    section = sections(name)["qualities"]
    found = {words(row)[0]: words(row) for row in rows(section)}
    for verdict in findings_of(name).verdicts:
        said = found[verdict.name]
        assert said[1] == verdict.text
        assert verdict.status.value in said[2]
        assert verdict.reason.replace("`", "").lower() in said[3].lower()
        assert said[4] == str(verdict.place.line)
    assert len(found) == len(findings_of(name).verdicts)
    shown = plain(
        tuple(
            span
            for block in section.blocks
            if hasattr(block, "terms")
            for t in block.terms
            for span in t.head
        )
    )
    for quality, line in findings_of(name).design.requirements.non_functional.items():
        assert quality in found or quality in shown, line


@pytest.mark.parametrize("name", NAMES)
def test_every_part_of_the_design_has_its_place(name: str) -> None:
    design, found = findings_of(name).design, sections(name)
    assert {words(row)[0] for row in rows(found["components"])} == set(design.components)
    assert {words(row)[0] for row in rows(found["data"])} == set(design.data)
    assert {one.title for one in found["flows"].sections} == set(design.flows)
    assert {one.title for one in found["decisions"].sections} == set(design.decisions)
    for decision in found["decisions"].sections:
        options = design.decisions[decision.title].options.values()
        text = " ".join(" ".join(words(row)) for row in rows(decision))
        assert all(
            reason in text for option in options for reason in (option.name, *option.pros, *option.cons)
        )
    text = "\n".join(line for block in found["file"].blocks for line in block.lines)
    assert text.strip() == design.source.text.strip()


@pytest.mark.parametrize("name", NAMES)
def test_a_line_is_where_the_file_says_it(name: str) -> None:
    """What a row is of stands in the line that it names."""
    lines = findings_of(name).design.source.text.splitlines()
    for section in ("estimates", "components", "data"):
        for row in rows(sections(name)[section]):
            said = words(row)
            assert said[0] in lines[int(said[-1]) - 1]
    assert line_id(1) in ids(example(name))


@pytest.mark.parametrize("name", CHEAP)
def test_what_was_simulated_is_drawn(name: str) -> None:
    known = {figure.id for figure in figures(example(name))}
    assert "figure-drawing" in known
    simulation = findings_of(name).simulation
    assert simulation is not None
    if simulation.median.requests:
        for kind in ("figure-latency", "figure-utilisation"):
            assert any(one.startswith(kind) for one in known), kind
    for figure in figures(example(name)):
        assert figure.alt
        assert figure.alone.startswith('<svg xmlns="http://www.w3.org/2000/svg"')
        assert "var(" not in figure.alone


def test_what_was_not_simulated_is_said_to_be_unknown() -> None:
    said = " ".join(plain(block.spans) for block in sections("chat")["latency"].blocks)
    assert said.startswith("Not known: nothing was simulated")
    assert all("unknown" in words(row)[2] for row in rows(sections("chat")["qualities"]))


def test_an_unanswered_question_and_missing_prices_are_said_to_be_unknown() -> None:
    text = """
requirements: {users: {visitor: looks}, questions: [{ask: How many come?}]}
components: {app: {kind: service}}
flows: {look: {from: visitor, rate: 5 / s, steps: [{app: 5 ms}]}}
"""
    found = {
        one.id: one for _, one in sections_of(document_of(find(Design.from_text(text), {}), "x").sections)
    }
    assert words(rows(found["questions"])[0])[:2] == ["How many come?", "not answered"]
    unknown = [plain(item.spans) for item in found["unknown"].blocks[0].items]
    assert any("How many come?" in line for line in unknown)
    assert any("What these cost: app" in line for line in unknown)
    for name in ("cost", "growth", "operations"):
        assert plain(found[name].blocks[-1].spans).startswith("Not known: ")


@pytest.mark.parametrize("title", HOSTILE)
def test_hostile_texts_change_no_id(title: str) -> None:
    assert ids(made(title)) == ids(made())


def test_names_that_look_alike_have_ids_of_their_own() -> None:
    design = Design.from_dict({"estimates": {"a_b": 1, "A_b": 2, "日本": 3, "語": 4}})
    known = [one for one in ids(document_of(find(design, {}), "x")) if re.fullmatch("estimate(-.*)?", one)]
    assert len(known) == len(set(known)) == 4


def test_what_cannot_be_printed_is_replaced() -> None:
    assert printable("a\x00b\x1bc\u202ed\ufffe\U0001ffff") == "a\ufffdb\ufffdc\ufffdd\ufffd\ufffd"
    assert printable("tab\t, line\n, ümläut, 日本語, 🚲") == "tab\t, line\n, ümläut, 日本語, 🚲"

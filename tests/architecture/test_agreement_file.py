"""A file keeps an accord, whatever else is in it; agreements outlive every edit but those of meaning."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.design.edited import EDITS, NAMES, PLACES, POSITIONS, WORDS, changed_at, commented, moved
from tests.design.strategies import TEXTS, VALUES
from toscale.architecture.agreement import Accord, prints
from toscale.architecture.agreement_file import accord_of, with_accord
from toscale.design import Design

DESIGNS = {name: Design.from_text(text) for name, text in TEXTS.items()}
PRINTS = {name: prints(design) for name, design in DESIGNS.items()}


def agreed(name: str) -> str:
    """An example to all of which Ann and Bob agree."""
    now = PRINTS[name]
    accord = Accord().agreed("Ann", DESIGNS[name].fingerprints(), now, "2026-11-20")
    return with_accord(TEXTS[name], accord.agreed("Bob", DESIGNS[name].fingerprints(), now, "2026-11-21"))


AGREED = {name: agreed(name) for name in TEXTS}
SAYINGS = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=40)


@settings(max_examples=25, deadline=None)
@given(NAMES, PLACES, WORDS, POSITIONS)
def test_an_agreement_survives_comments_and_positions(name, places, comment, positions):
    design = Design.from_text(moved(commented(AGREED[name], places, comment), positions))
    for one in accord_of(design).standing(prints(design)):
        assert one.agreed_by("Ann")
        assert one.agreed_by("Bob")
        assert one.outdated == ()


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_an_agreement_does_not_survive_a_change_of_meaning_and_those_to_other_sections_do(data):
    name = data.draw(NAMES)
    path, new = data.draw(st.sampled_from(EDITS[name]))
    values = changed_at(VALUES[name], path, new)
    values["agreements"] = Design.from_text(AGREED[name]).to_dict()["agreements"]
    design = Design.from_dict(values)
    standing = {one.section: one for one in accord_of(design).standing(prints(design))}
    assert {section for section, one in standing.items() if one.outdated} == {path[0]}
    assert {agreement.by for agreement, _ in standing[path[0]].outdated} == {"Ann", "Bob"}


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_what_was_said_is_read_as_it_was_written_and_the_rest_of_the_file_stays(data):
    name = data.draw(NAMES)
    now = PRINTS[name]
    accord: Accord[str] = Accord()
    for _ in range(data.draw(st.integers(1, 3))):
        by, text = data.draw(SAYINGS), data.draw(SAYINGS)
        accord = accord.raised(by, data.draw(st.sampled_from(sorted(now))), text, now, "2026-11-20")
    accord = accord.answered(1, data.draw(SAYINGS), data.draw(SAYINGS), "2026-11-21")
    accord = accord.answered(1, data.draw(SAYINGS), data.draw(SAYINGS), "2026-11-22", reopens=True)
    accord = accord.agreed(data.draw(SAYINGS), ["flows", "components"], now, "2026-11-22")
    text = with_accord(TEXTS[name], accord)
    assert text.startswith(TEXTS[name].rstrip("\n"))
    design = Design.from_text(text)
    assert design.fingerprints() == DESIGNS[name].fingerprints()
    read = accord_of(design)
    assert sorted(read.concerns, key=repr) == sorted(accord.concerns, key=repr)
    assert [(one.section, one.by, one.at) for one in read.agreements] == sorted(
        ((one.section, one.by, one.at) for one in accord.agreements), key=lambda one: one[0]
    )
    assert with_accord(text, read) == text

"""An agreement outlives what changes no meaning, and not what does; it needs no room."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toscale.architecture.agreement import (
    SECTIONS,
    Accord,
    Change,
    changes,
    for_file,
    from_file,
    prints,
)
from toscale.design import Design
from toscale.design.edit import set_value

TEXT = """toscale: 1
title: Links
requirements:
  users: {visitor: opens links}
  functional:
    open: A link opens.
  non_functional:
    quick: p99(open) <= 150 ms
components:
  app: {kind: service, replicas: 2}
  links: {kind: database}
flows:
  open: {from: visitor, rate: 5 / s, steps: [{app: 1 ms}]}
decisions:
  v1.0: {because: It is there.}
  v1: {because: It was there.}
"""


def of(text):
    return prints(Design.from_text(text))


def test_every_named_part_has_a_fingerprint_of_its_own():
    found = of(TEXT)
    assert set(found) == {
        "title",
        "requirements", "requirements.users", "requirements.users.visitor",
        "requirements.functional", "requirements.functional.open",
        "requirements.non_functional", "requirements.non_functional.quick",
        "components", "components.app", "components.links",
        "flows", "flows.open",
        "decisions", "decisions.v1.0", "decisions.v1",
    }  # fmt: skip
    assert {path: own for path, own in found.items() if path in SECTIONS} == Design.from_text(
        TEXT
    ).fingerprints()
    assert prints(Design()) == {}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("title: Links\n", "title: Links  # really\n\n\n"),
        ("{kind: service, replicas: 2}", "{replicas: 2, kind: service}"),
        ("rate: 5 / s", "rate: 300 / min"),
        (
            "decisions:",
            "layout: {app: [10, 20]}\nagreements: {flows: {fingerprint: abc, by: [Ann]}}\ndecisions:",
        ),
    ],
)
def test_agreements_hold_through_comments_order_layout_and_ways_of_writing(before, after):
    accord = Accord().agreed("Ann", SECTIONS[:1] + ("requirements", "components", "flows"), of(TEXT))
    assert before in TEXT
    now = of(TEXT.replace(before, after))
    assert all(one.agreed_by("Ann") or one.section == "decisions" for one in accord.standing(now))
    assert not any(one.outdated for one in accord.standing(now))


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("replicas: 2", "replicas: 3", ["`components.app` was changed"]),
        ("  links: {kind: database}\n", "", ["`components.links` was removed"]),
        ("flows:", "  cache: {kind: cache}\nflows:", ["`components.cache` was added"]),
        ("150 ms", "200 ms", ["`requirements.non_functional.quick` was changed"]),
        ("  functional:\n    open: A link opens.\n", "", ["`requirements.functional.open` was removed"]),
        ("It is there.", "It is here.", ["`decisions.v1.0` was changed"]),
        ("It was there.", "It was here.", ["`decisions.v1` was changed"]),
        (
            "It is there.}\n  v1: {because: It was there.}",
            "It is here.}\n  v1: {because: It was here.}",
            ["`decisions.v1` was changed", "`decisions.v1.0` was changed"],
        ),
        ("title: Links\n", "", ["`title` was removed"]),
    ],
)
def test_what_changed_since_is_said_of_the_smallest_part(before, after, said):
    then = of(TEXT)
    accord = Accord().agreed("Ann", [name for name in SECTIONS if name in then], then)
    assert before in TEXT
    outdated = [one for one in accord.standing(of(TEXT.replace(before, after))) if one.outdated]
    ((_, found),) = outdated[0].outdated
    assert len(outdated) == 1
    assert [str(one) for one in found] == said
    assert not outdated[0].agreed_by("Ann")


PATH = st.sampled_from(
    ("flows", "flows.a", "flows.a.b", "requirements", "requirements.users", "requirements.users.a", "requirements.users.a.b")
)  # fmt: skip


@given(st.dictionaries(PATH, st.integers(1, 3).map(str)), st.dictionaries(PATH, st.integers(1, 3).map(str)))
def test_changes_are_none_exactly_where_nothing_changed(then, now):
    found = changes(then, now)
    assert (found == ()) is (then == now)
    for one in found:
        assert {"added": (False, True), "removed": (True, False), "changed": (True, True)}[one.what] == (
            one.path in then,
            one.path in now,
        )


def test_of_one_person_the_last_agreement_counts():
    then, now = of(TEXT), of(TEXT.replace("replicas: 2", "replicas: 3"))
    accord = (
        Accord().agreed("Ann", ["components", "flows"], then, "Monday").agreed("Bob", ["components"], then)
    )
    accord = accord.agreed("Ann", ["components"], now, "Tuesday")
    components = next(one for one in accord.standing(now) if one.section == "components")
    assert [(one.by, one.at) for one in components.holding] == [("Ann", "Tuesday")]
    assert [one.by for one, _ in components.outdated] == ["Bob"]
    withdrawn = accord.withdrawn("Bob", ["components"])
    assert [one.by for one in withdrawn.agreements] == ["Ann", "Ann"]


def test_nothing_is_agreed_to_that_is_not_there():
    for section in ("api", "layout", "components.app"):
        with pytest.raises(ValueError, match=f"nothing under `{section}`"):
            Accord().agreed("Ann", [section], of(TEXT))


def test_a_concern_knows_whether_its_subject_changed_and_whether_it_is_open():
    then = of(TEXT)
    accord = (
        Accord().raised("Ann", "components.app", "Two are few.", then).raised("Ann", "faults", "None?", then)
    )
    first, second = accord.concerns
    assert not first.changed(then)
    assert first.changed(of(TEXT.replace("replicas: 2", "replicas: 3")))
    assert second.changed(of(TEXT + "faults:\n  crash: {lose: app, at: 1 min}\n"))
    accord = accord.answered(1, "Bob", "Three, then.")
    assert [one.status for one in accord.concerns] == ["answered", "open"]
    assert [one.subject for standing in accord.standing(then) for one in standing.concerns] == ["faults"]
    accord = accord.answered(1, "Ann", "In two zones?", reopens=True)
    assert accord.concerns[0].status == "open"
    for wrong in (
        lambda: accord.answered(1, "Ann", "And?", reopens=True),
        lambda: accord.answered(3, "Ann", "And?"),
        lambda: accord.raised("Ann", "components.nothing", "?", then),
    ):
        with pytest.raises(ValueError):
            wrong()


def test_a_file_keeps_who_agreed_and_says_later_that_a_section_changed():
    design = Design.from_text(TEXT)
    accord = Accord().agreed("Ann", ["components", "flows"], prints(design), "2026-11-24")
    accord = accord.agreed("Bob", ["components"], prints(design), "2026-11-24")
    text = set_value(TEXT, ("agreements",), for_file(accord))
    kept = from_file(Design.from_text(text))
    assert {(one.section, one.by, one.at) for one in kept.agreements} == {
        ("components", "Ann", "2026-11-24"),
        ("components", "Bob", "2026-11-24"),
        ("flows", "Ann", "2026-11-24"),
    }
    assert for_file(kept) == for_file(accord)
    now = of(text.replace("replicas: 2", "replicas: 3"))
    standing = {one.section: one for one in kept.standing(now)}
    assert standing["flows"].agreed_by("Ann")
    assert [found for _, found in standing["components"].outdated] == [(Change("components", "changed"),)] * 2


def test_of_agreements_at_several_fingerprints_a_file_keeps_the_latest():
    then, now = of(TEXT), of(TEXT.replace("replicas: 2", "replicas: 3"))
    accord = Accord().agreed("Ann", ["components"], then).agreed("Bob", ["components"], now)
    assert for_file(accord) == {"components": {"fingerprint": now["components"], "by": ["Bob"]}}


def test_a_path_can_be_printed():
    found = of(TEXT.replace("v1.0:", r'"a\u0007b":'))
    assert r"decisions.a\u0007b" in found
    assert all(re.fullmatch(r"[ -~]+", path) for path in found)

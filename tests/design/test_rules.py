"""Every rule is broken by its bad example, at the place that it marks, and kept by its good one."""

from __future__ import annotations

import pytest

from toscale.design.change import check_design
from toscale.design.rules import RULES, reference_page

SHOWN = [rule for rule in RULES.values() if rule.bad]


def marked(text: str) -> tuple[str, int, int, int, int]:
    """The text without its marks, and where they stood: line and column of the start, line and column of the end."""
    before, _, rest = text.partition("«")
    inside, _, after = rest.partition("»")
    start, end = before, before + inside
    return (
        before + inside + after,
        start.count("\n") + 1,
        len(start) - start.rfind("\n"),
        end.count("\n") + 1,
        len(end) - end.rfind("\n"),
    )


@pytest.mark.parametrize("rule", SHOWN, ids=lambda rule: rule.code)
def test_the_bad_example_breaks_its_rule_at_the_marked_place(rule):
    text, *place = marked(rule.bad)
    found = [problem for problem in check_design(text, "bad").problems if problem.code == rule.code]
    assert [list(place)] == [
        [p.place.line, p.place.column, p.place.end_line, p.place.end_column] for p in found
    ], [str(p) for p in check_design(text, "bad").problems]
    assert found[0].severity == rule.severity


@pytest.mark.parametrize("rule", SHOWN, ids=lambda rule: rule.code)
def test_the_bad_example_breaks_no_other_rule_with_an_error(rule):
    text, *_ = marked(rule.bad)
    assert {p.code for p in check_design(text, "bad").problems if p.severity == "error"} <= {rule.code}


@pytest.mark.parametrize("rule", SHOWN, ids=lambda rule: rule.code)
def test_the_good_example_has_no_error_and_keeps_its_rule(rule):
    problems = check_design(rule.good, "good").problems
    assert [str(p) for p in problems if p.severity == "error" or p.code == rule.code] == []


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.code)
def test_a_rule_says_what_it_is_about_and_why(rule):
    assert rule.title
    assert not rule.title.endswith(".")
    assert rule.why.endswith(".")
    assert bool(rule.bad) == bool(rule.good)


def test_the_reference_page_has_every_rule_and_no_marks():
    page = reference_page()
    assert all(f"### {code}: " in page for code in RULES)
    assert "«" not in page


def test_codes_are_in_order_and_unique():
    codes = [rule.code for rule in RULES.values()]
    assert codes == sorted(set(codes))

"""Values that cannot be: each is found once, at its place, and what follows from it is not told again."""

from __future__ import annotations

from pathlib import Path

import pytest

from toscale.design import Design
from toscale.requirements.impossible import impossible

FLOW = """
components:
  s: {kind: service, replicas: 2, concurrency: 4}
requirements:
  users: {u: someone}
flows:
  f:
    from: u
    rate: 10 / s
    steps:
      - s: TIME
"""


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("estimates:\n  a: 0\n  b: 1 / a\n  c: b * 2\n", 3),
        ("estimates:\n  c: 1e308 * 1e308\n", 2),
        ("estimates:\n  c: sqrt(0 - 4)\n", 2),
        (FLOW.replace("TIME", "4 ms (p99 5 s)"), 11),
        (FLOW.replace("TIME", "4 ms gamma(cv 0)"), 11),
        (FLOW.replace("10 / s", "1 / (1 s - 1 s)").replace("TIME", "4 ms"), 9),
        (FLOW.replace("10 / s", "-10 / s").replace("TIME", "4 ms"), 9),
        (FLOW.replace("TIME", "4 ms") + "        timeout: 1 s - 2 s\n", 12),
        (FLOW.replace("TIME", "from nowhere.csv"), 11),
        (FLOW.replace("TIME", "from /dev/zero"), 11),
        ("estimates:\n  none: 3 - 3\nflows:\n  f:\n    every: none * 1 s\n    steps: []\n", 5),
        ("data:\n  row:\n    popularity: zipf(1) over 0\n", 3),
        ("data:\n  row:\n    popularity: zipf(1) over 0.4\n", 3),
    ],
)
def test_what_cannot_be_is_an_error_at_its_place(text: str, line: int) -> None:
    (problem,) = impossible(Design.from_text(text, "a.design.yaml"))
    assert problem.severity == "error"
    assert problem.place.line == line


def test_what_can_be_is_no_problem() -> None:
    assert impossible(Design.from_text(FLOW.replace("TIME", "4 ms (p99 30 ms)"), "a.design.yaml")) == ()


def test_a_difference_among_the_estimates_may_be_negative() -> None:
    text = FLOW.replace("TIME", "4 ms") + "estimates:\n  change: 3 / s - 5 / s\n"
    assert impossible(Design.from_text(text, "a.design.yaml")) == ()


def test_a_value_with_two_faults_is_told_of_once() -> None:
    (problem,) = impossible(Design.from_text("flows: {f: {every: -1 s, steps: []}}", "a.design.yaml"))
    assert "negative" in problem.message


def test_a_file_of_measured_times_is_read_beside_the_design(tmp_path: Path) -> None:
    design = tmp_path / "a.design.yaml"
    design.write_text(FLOW.replace("TIME", "from times.csv"), encoding="utf-8")
    (tmp_path / "times.csv").write_text("0.004\n0.007\n", encoding="utf-8")
    assert impossible(Design.load(design)) == ()
    (tmp_path / "times.csv").write_text("0.004\nroot:x:0\n", encoding="utf-8")
    (problem,) = impossible(Design.load(design))
    assert problem.code == "TS334"
    assert problem.place.line == 11
    assert "Line 2" in problem.message
    assert "root" not in problem.message
    assert problem.suggestion

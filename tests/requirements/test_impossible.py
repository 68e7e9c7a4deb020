"""Values that cannot be: each is found once, at its place, and what follows from it is not told again."""

from __future__ import annotations

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
    ],
)
def test_what_cannot_be_is_an_error_at_its_place(text: str, line: int) -> None:
    (problem,) = impossible(Design.from_text(text, "a.design.yaml"))
    assert problem.severity == "error"
    assert problem.place.line == line


def test_what_can_be_is_no_problem() -> None:
    assert impossible(Design.from_text(FLOW.replace("TIME", "4 ms (p99 30 ms)"), "a.design.yaml")) == ()

"""A flow as a tree: every step of every example has its line, in the words of the file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from toscale.design import Design
from toscale.design.flow import Call, walk_steps
from toscale.document.tree import Branch, flow_tree

EXAMPLES = sorted((Path(__file__).resolve().parents[2] / "examples").glob("*.design.yaml"))


def lines(branch: Branch) -> Iterator[str]:
    yield f"{branch.text} | {branch.quiet}"
    for below in branch.below:
        yield from lines(below)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_every_call_of_a_flow_is_a_line(example: Path) -> None:
    for flow in Design.load(example).flows.values():
        said = list(lines(flow_tree(flow)))
        for step in walk_steps(flow.steps):
            if isinstance(step, Call):
                work = f"{step.operation} {step.entity or ''}".strip() if step.operation else str(step.time)
                head = f"{' > '.join(step.route)}: {work}"
                assert any(line.startswith(head) for line in said), head
                if step.policies.timeout is not None:
                    assert any(f"timeout {step.policies.timeout}" in line for line in said)
        assert not [line for line in said if "object at" in line or "Formula(" in line or "None" in line]


def test_what_is_within_a_step_stands_below_it() -> None:
    design = Design.from_text(
        "components: {app: {kind: service}, cache: {kind: cache}, db: {kind: database}}\n"
        "data: {page: {stored in: db}}\n"
        "requirements: {users: {visitor: looks}}\n"
        "flows: {look: {from: visitor, rate: 5 / s, steps: [{app: 1 ms, then: ["
        "{cache: get page, miss: [{db: read page, timeout: 50 ms, retry: {times: 2}}]}]}]}}\n"
    )
    (app,) = flow_tree(design.flows["look"]).below
    (get,) = app.below
    (miss,) = get.below
    (read,) = miss.below
    assert (app.text, get.text, miss.text, read.text) == (
        "app: 1 ms",
        "cache: get page",
        "miss:",
        "db: read page",
    )
    assert read.quiet == "timeout 50 ms, retry 2x"
    assert flow_tree(design.flows["look"]).quiet == "from visitor, 5 / s"

"""Flows in plain sentences: each word of the file is said, names lead to their parts, and every example reads."""

from __future__ import annotations

import pytest

from tests.document.documents import NAMES, findings_of
from toscale.design import Design
from toscale.design.flow import Call, walk_steps
from toscale.document.anchors import Anchors
from toscale.document.narrative import steps_of, trigger_of
from toscale.document.text import Item, Link, plain

TEXT = """
requirements: {users: {visitor: looks}}
components: {edge: {kind: load_balancer}, app: {kind: service}, store: {kind: cache}, db: {kind: database}, q: {kind: queue}}
data: {page: {stored in: db, size: 1 kB, how many: 10}, hit: {stored in: q, size: 10 bytes}}
flows:
  look:
    from: visitor
    rate: 5 / s
    steps: STEPS
  count: {from: q, batch: 10, steps: [{app: 1 ms per batch}]}
  again: {after: look, chance: 20%, wait: 3 s, steps: [{run: count}]}
  tick: {every: 5 s, per: app, steps: [{app: 1 ms}]}
"""


def told(steps: str) -> list[str]:
    design = Design.from_text(TEXT.replace("STEPS", steps))
    return lines(steps_of(design.flows["look"], Anchors(design)))


def lines(items: tuple[Item, ...], depth: int = 0) -> list[str]:
    return [line for one in items for line in ["  " * depth + plain(one.spans), *lines(one.below, depth + 1)]]


def test_a_request_goes_through_one_to_another_which_looks_things_up() -> None:
    assert told(
        "[{edge > app: 2 ms, then: [{store: get page, miss: [{db: read page, timeout: 60 ms}]}]}]"
    ) == [
        "The visitor goes through edge to app, which works for 2 ms, and:",
        "  app looks up page in store.",
        "    If it is not there:",
        "      app reads page from db, and waits for at most 60 ms.",
    ]


def test_the_other_words_of_a_flow() -> None:
    assert told("[{app: 1 ms, then: [{q: send hit, async: true}, {db: insert page, retry: {times: 1}}]}]")[
        1:
    ] == [
        "  app sends hit to q, and does not wait for the answer.",
        "  app inserts page into db, and tries again once.",
    ]
    assert told("[{if: 60% of the time, then: [{app: 1 ms}], else: [{answer: 404}]}]") == [
        "If chance will have it, 60% of the time:",
        "  The visitor calls app, which works for 1 ms.",
        "  Otherwise:",
        "    It is answered with 404, and ends.",
    ]
    assert told("[{parallel: [{app: 1 ms}, {db: read page}], wait: any}]")[0] == (
        "These are done side by side, until the first of them is done:"
    )


def test_what_starts_a_flow() -> None:
    design = Design.from_text(TEXT.replace("STEPS", "[{app: 1 ms}]"))
    said = {name: plain(trigger_of(flow, Anchors(design))) for name, flow in design.flows.items()}
    assert said == {
        "look": "A visitor starts it",
        "count": "Up to 10 messages at once of q start it",
        "again": "It follows look, 20% of the time, 3 s later",
        "tick": "It starts every 5 s, once for each app",
    }


@pytest.mark.parametrize("name", NAMES)
def test_every_call_of_the_examples_is_told(name: str) -> None:
    design = findings_of(name).design
    anchors = Anchors(design)
    for flow in design.flows.values():
        items = steps_of(flow, anchors)
        text = " ".join(lines(items))
        for step in walk_steps(flow.steps):
            if isinstance(step, Call):
                assert all(component in text for component in step.route)
                assert step.entity is None or step.entity in text
                assert step.policies.timeout is None or str(step.policies.timeout) in text
        assert ",," not in text
        assert "None" not in text
        links = [span for item in items for span in item.spans if isinstance(span, Link)]
        assert all(link.to.startswith(("component-", "entity-", "flow-")) for link in links)

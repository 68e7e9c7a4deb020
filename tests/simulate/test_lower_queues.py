"""What is said of a queue in a file: bounds, lingering, deliveries, dead letters, and for how long messages are kept."""

from __future__ import annotations

import json

from tests.simulate.lower_designs import design_of, flow_of, lowered, one_flow
from toscale.document.as_json import run_json, text_of
from toscale.engine.model import Buffer, Consume, Key, walk
from toscale.simulate.run import simulate

DATA = "{post: {stored in: db, how many: 1000, fields: {id: uuid key}}}"
WORKER = "  g:\n    from: q\n    batch: 10\n    linger: 50 ms\n    steps: [{w: 1 ms}, {db: read post}]\n"
DEAD = "  h:\n    from: dead\n    steps: [{w: 1 ms}, {db: read post}]\n"


def text(queue: str, more: str = WORKER + DEAD, rate: str = "10 / s") -> str:
    components = (
        f"{{app: {{kind: service}}, w: {{kind: worker}}, db: {{kind: database}}, "
        f"q: {{kind: queue, {queue}}}, dead: {{kind: queue}}}}"
    )
    steps = "[{app: 1 ms, then: [{q: send post, refused: [go on]}]}]"
    return one_flow(components=components, steps=steps, data=DATA, more=more, rate=rate)


def test_what_the_file_says_of_a_queue_is_simulated() -> None:
    result = lowered(text("partitions: 4, queue: 500, keep: 1 hour, deliveries: 3, dead letters: dead"))
    q = next(buffer for buffer in result.model.buffers if buffer.name == "q")
    assert q == Buffer("q", 4, q.carries, 500, 3600.0, 3, "dead")
    assert flow_of(result, "g").source == Consume("q", 10, 0.05)
    assert result.not_simulated == ()


def test_a_dead_letter_starts_its_flow_with_what_the_message_had() -> None:
    """The key that the consumer draws for itself is no part of the message: who deals with the dead draws anew."""
    result = lowered(text("deliveries: 3, dead letters: dead"))
    assert {flow.name for flow in result.model.flows} == {"f", "g", "h"}
    assert [step for step in walk(flow_of(result, "h").steps) if isinstance(step, Key)]


def test_dead_letters_without_deliveries_die_at_once_and_that_is_said() -> None:
    result = lowered(text("dead letters: dead"))
    assert [default for default in result.defaults if default.what == "deliveries"]


def test_the_figures_reach_json() -> None:
    """A worker for 100 a second, 300 a second offered, ten places: most are refused."""
    slow = "  g:\n    from: q\n    steps: [{w: 10 ms}, {answer: 500}]\n" + DEAD
    design = design_of(text("queue: 10, deliveries: 2, dead letters: dead, keep: 1 min", slow, "300 / s"))
    simulation = simulate(design, duration=100.0)
    queue = json.loads(text_of(run_json(simulation.median)))["components"]["q"]
    assert queue["refused"]["value"] > 200
    assert queue["dead"]["value"] > 40
    assert queue["redelivered"]["value"] > 40
    assert queue["expired"]["value"] == 0

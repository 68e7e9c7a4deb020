"""What is done one at a time: which lock, by whose key, waiting or not, and who refuses whom."""

from __future__ import annotations

from tests.simulate.lower_designs import all_of, lowered, one_flow, only, visit
from toscale.engine.model import Call, Key, Lock, Locked, Outcome, Scatter
from toscale.simulate.lowering import Lowered

COMPONENTS = "{app: {kind: service}, db: {kind: database}, kv: {kind: key_value, shards: 4}}"
DATA = """{post: {stored in: db, how many: 1k, fields: {id: uuid key, author: user}},
  section: {stored in: db, how many: 10, fields: {id: uuid key}},
  user: {how many: 100, has many: {friends: {of: user, mean: 4, shape: geometric, at most: 6}}}}"""


def of(steps: str, more: str = "") -> Lowered:
    return lowered(one_flow(components=COMPONENTS, data=DATA, steps=steps, more=more))


def test_a_lock_belongs_to_the_component_and_the_entity() -> None:
    result = of("[{db: update post, one at a time: per post}, {db: delete post, one at a time: per post}]")
    assert result.model.locks == (Lock("db per post", "db"),)
    assert all(step.locks == (Locked("db per post", "key:post"),) for step in result.model.flows[0].steps[1:])  # type: ignore[union-attr]
    assert not result.not_simulated


def test_busy_says_whether_one_waits_and_refused_covers_it_unless_it_is_handled_apart() -> None:
    busy = "{db: update post, one at a time: per post, busy: refuse, refused: [{answer: 409}]}"
    result = of(f"[{busy}]")
    assert visit(result, "db").locks == (Locked("db per post", "key:post", wait=False),)
    assert set(only(Call, result).handlers) == {Outcome.REFUSED, Outcome.BUSY}
    steps = "{app > db: update post, one at a time: per post, busy: [{answer: 423}], refused: [go on]}"
    call = only(Call, of(f"[{steps}]"))
    assert (len(call.handlers[Outcome.BUSY]), call.handlers[Outcome.REFUSED]) == (1, ())


def test_a_key_that_is_not_that_of_the_step_is_drawn_before_it() -> None:
    result = of("[{db: update post, one at a time: [per section, per user]}]")
    assert [lock.key for lock in visit(result, "db").locks] == ["key:section", "key:user"]
    assert {step.register for step in all_of(Key, result)} == {"key:post", "key:section", "key:user"}


def test_several_keys_are_all_locked() -> None:
    result = of("[{kv: update post, keys: post.author.friends, one at a time: [per post, per section]}]")
    scatter = only(Scatter, result)
    assert scatter.locks == (Locked("kv per post"), Locked("kv per section", "key:section"))
    assert scatter.keep is not None


def test_a_step_that_would_wait_for_itself_is_refused() -> None:
    inner = "{db: read post, then: [{kv: read post, one at a time: per post}]}"
    result = of(f"[{{kv: update post, one at a time: per post, then: [{inner}]}}]")
    assert any("wait for itself" in each.text for each in result.not_simulated)
    assert "f" in result.left_out


def test_two_that_ask_the_other_way_round_are_told() -> None:
    def nested(one: str, other: str) -> str:
        alone = "one at a time: per post"
        return f"{{{one}: update post, {alone}, then: [{{{other}: update post, {alone}}}]}}"

    alike = of(f"[{nested('db', 'kv')}, {nested('db', 'kv')}]")
    assert not any("the other way round" in note.text for note in alike.notes)
    crossed = of(f"[{nested('db', 'kv')}, {nested('kv', 'db')}]")
    assert any("the other way round" in note.text for note in crossed.notes)
    assert not crossed.not_simulated


def test_a_wait_inside_a_lock_keeps_the_slot_and_that_is_said() -> None:
    result = of("[{db: update post, one at a time: per post, then: [{wait: 1 s}]}]")
    assert any("keeps its slot" in each.text for each in result.not_simulated)

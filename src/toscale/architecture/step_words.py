"""How does a step read, in a picture or a list? Its work, what surrounds it, conditions, in the words of the file."""

from __future__ import annotations

from toscale.design.flow import Call, Chance, Comparison, Condition, HeldSet, HeldState, Policies, Replicas

__all__ = ["around", "condition", "of", "operation", "work"]


def operation(call: Call) -> str:
    """What a call asks for: `get link`, `0.8 ms`, `update count, 500 rows`."""
    if call.operation is None:
        return work(call)
    said = [
        f"{call.operation} {call.entity or ''}".strip() + (f" of {call.of}" if call.of else ""),
        f"{of(call.rows)} rows" if call.rows is not None else "",
        f"{of(call.keys)} keys" if call.keys is not None else "",
        "from a copy" if call.from_copy else "",
    ]
    return ", ".join(part for part in said if part)


def work(call: Call) -> str:
    """How long the called one works: `0.8 ms`, `5 ms per batch`; nothing where the file says nothing."""
    if call.time is None:
        return ""
    return f"{call.time}".removesuffix(" per batch") + (" per batch" if call.per_batch else "")


def around(policies: Policies) -> list[str]:
    """What surrounds a step: its time-out, retries and the like."""
    said = []
    if policies.timeout is not None:
        said.append(f"at most {policies.timeout}")
    if policies.retry is not None:
        said.append(f"retry {policies.retry.times}×")
    if policies.breaker is not None:
        said.append("breaker")
    if policies.hedge is not None:
        said.append(f"hedged after {policies.hedge.after}")
    if policies.optional is not None:
        after = policies.optional.after
        said.append("optional" + (f" after {after}" if after is not None else ""))
    return said


def condition(test: Condition) -> str:
    """The condition of a branch or a repetition."""
    match test:
        case Chance(share=share):
            return f"{share} of the time"
        case Comparison(left=left, comparator=comparator, right=right):
            return f"{left} {comparator} {right}"
        case HeldState(state="none left", subject=subject):
            return f"no {subject} is left"
        case HeldState(state="connected", subject=subject, connection=connection):
            return f"{subject} has a {connection}"
        case HeldState(state="answered"):
            return "answered"
        case HeldState(state=state, subject=subject):
            return f"{subject} is {state}"


def of(what: object) -> str:
    """Of what something is done once for each, or how many there are."""
    if isinstance(what, HeldSet):
        over = f"whose {what.term} is over"
        return f"those {over}" if what.entity is None else f"{what.entity} {over}"
    return f"replica of {what.component}" if isinstance(what, Replicas) else str(what)

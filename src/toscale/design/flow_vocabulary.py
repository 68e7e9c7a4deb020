"""Which words do flows have? What starts them, what a step may be, and what may be said of a step."""

from __future__ import annotations

from toscale.design.shapes import Custom, Key, Part, Quantity, Ref, Shape, Text, Varying, Word, YesNo

__all__ = ["FLOW_SHAPES", "HEADS", "NOT_NAMES", "OUTCOMES", "STEP_KEYS", "STEP_WORDS"]

OUTCOMES = ("miss", "refused", "failed", "timed out", "busy")
"""How a call may end other than well; each may have steps of its own."""

STEP_KEYS: dict[str, Key] = {
    key.name: key
    for key in (
        Key("name", Text(), "what this step is called, to measure and to change it"),
        Key("then", Custom("steps"), "what is done next, while the caller waits"),
        Key("timeout", Quantity("time"), "how long each attempt may take"),
        Key("retry", Part("retry", short="times"), "further attempts"),
        Key("breaker", Part("breaker"), "stops calling what fails"),
        Key("hedge", Part("hedge"), "a second call when the first is late"),
        Key("optional", Custom("optional"), "the request goes on without it: `true`, or `after 40 ms`"),
        Key("async", YesNo(), "nobody waits for the answer", field="is_async"),
        Key("rows", Custom("amount"), "so many rows under one key"),
        Key("keys", Custom("amount"), "so many keys, spread over the shards"),
        Key("key", Custom("attribute"), "the value that chooses the partition"),
        Key("from", Custom("copy"), "`a copy`: may be stale"),
        Key("over", Custom("over"), "the held connection by which it goes: `socket`, `socket of recipient`"),
        Key("for", Quantity("time"), "the term of what is taken or extended", field="held_for"),
        Key("at a time", Quantity("number"), "taken ahead, so many at once", field="at_a_time"),
        Key("keep for", Quantity("time"), "how long what was taken ahead is kept"),
        Key("one at a time", Custom("locks"), "others with the same key wait: `per seat`"),
        Key("busy", Custom("busy"), "`wait`, `refuse`, or steps: when the key is locked"),
        Key("work", Quantity("number"), "a factor on the time that the operation takes: `4x`"),
        Key("miss", Custom("steps"), "when the cache does not have it"),
        Key("refused", Custom("steps"), "when there is none left, or no room to wait"),
        Key("failed", Custom("steps"), "when it fails, or is too late"),
        Key("timed out", Custom("steps"), "when it is too late: the outcome is not known"),
        Key("as", Text(), "what the steps below call each of them", field="called"),
        Key("except", Custom("attribute"), "which of them is left out", field="excluding"),
        Key("batch", Quantity("number"), "once for so many of them, instead of once for each"),
        Key("at once", Quantity("number", ("all",)), "so many side by side"),
        Key("wait", Custom("join"), "for `all` of the branches, for `any`, or for so many"),
        Key("else", Custom("steps"), "what is done otherwise"),
        Key("steps", Custom("steps"), "what is repeated"),
        Key("in vain", Custom("steps"), "what is done when the repetition ends without its condition"),
    )
}
"""Everything that may be said of some step."""

_POLICIES = ("timeout", "retry", "breaker", "hedge", "optional", "async")
_CALL = (
    *("name", "then", *_POLICIES, *OUTCOMES),
    *("rows", "keys", "key", "from", "over", "for", "at a time", "keep for", "one at a time", "work"),
)

HEADS: dict[str, tuple[str, ...]] = {
    "call": _CALL,
    "each": ("name", "then", "as", "except", "batch", "at once", *_POLICIES, *OUTCOMES),
    "parallel": ("name", "wait", *_POLICIES, *OUTCOMES),
    "if": ("name", "then", "else"),
    "repeat": ("name", "steps", "in vain"),
    "run": ("name",),
    "answer": ("name",),
    "wait": ("name",),
    "go on": ("name",),
    "stop": ("name",),
}
"""What a step may begin with (a call begins with its components), each with the words that may stand beside
it.
"""

STEP_WORDS = frozenset(STEP_KEYS) | frozenset(HEADS) - {"call"}
"""The words of steps: no component and no actor may be called so."""

NOT_NAMES = STEP_WORDS | {"all", "any", "none", "each", "nowhere here", "a copy", "in place of", "answered"}
"""All words that cannot name a component or an actor."""

FLOW_SHAPES: dict[str, Shape] = {
    "flow": Shape(
        "a flow",
        Key(
            "from",
            Ref(("actor", "component")),
            "who starts it: an actor, or a queue whose messages it consumes",
        ),
        Key("rate", Custom("rate"), "how often: a rate, a total with a shape, a trace, or users that think"),
        Key("average", Quantity("rate"), "the rate that has filled caches and queues before"),
        Key(
            "priority", Word(("high", "normal", "low")), "who goes first where a component serves by priority"
        ),
        Key("over", Custom("over"), "the held connection by which its requests come"),
        Key("batch", Quantity("number"), "up to so many messages are consumed at once"),
        Key("linger", Quantity("time"), "how long a batch waits to fill"),
        Key("every", Varying(), "it starts by the clock"),
        Key("per", Ref(("component", "connection")), "in each replica, or for each connection"),
        Key("after", Custom("causes"), "another flow that is done, or an event, starts it"),
        Key("chance", Quantity("share"), "how often the cause starts it"),
        Key("wait", Varying(), "how long after the cause"),
        Key("steps", Custom("steps"), "what is done, in order"),
    ),
    "rate": Shape(
        "a rate",
        Key("total", Quantity("number"), "all requests of the run"),
        Key("shape", Custom("points"), "when they come: times with relative rates, straight lines between"),
        Key("trace", Text(), "a file with the moments of arrival, in seconds, one a line"),
        Key("users", Quantity("number"), "so many users, each of whom asks again after thinking"),
        Key("think", Varying(), "how long a user thinks after an answer"),
    ),
    "retry": Shape(
        "a retry",
        Key("times", Quantity("number"), "how many further attempts", required=True),
        Key("backoff", Varying(), "the time before the first of them"),
        Key("growth", Quantity("number"), "the factor from one backoff to the next: `2x`"),
        Key("jitter", Quantity("share"), "the share of a backoff that is drawn at random"),
        Key("budget", Quantity("share"), "the most retries, as a share of all calls"),
    ),
    "breaker": Shape(
        "a breaker",
        Key("opens at", Custom("breaker_threshold"), "`50% errors over 1 s`", required=True),
        Key("tries again after", Quantity("time"), "how long it stays open", required=True),
        Key("at least", Quantity("number"), "so many calls within that time before it may open"),
    ),
    "hedge": Shape(
        "a hedge",
        Key("after", Quantity("time"), "how late the first call must be", required=True),
        Key("at most", Quantity("number"), "how many further calls"),
    ),
    "repeat": Shape(
        "a repetition",
        Key("every", Varying(), "the time from one start to the next"),
        Key("until", Custom("until"), "a condition, or several of which one is enough"),
        Key("at most", Custom("bound"), "`5 times`, or `2 hours`"),
    ),
}

"""The rules TS4xx and TS5xx: parts that are well-formed and yet mean nothing, and what is worth saying."""

from __future__ import annotations

from toscale.design.rule import Rule

__all__ = ["RULES_FOR_MEANING"]

_TICK = "flows:\n  tick:\n    every: 5 s\n    steps:\n"
_APP = "components:\n  app: {kind: service}\n"
_QUEUE = "components:\n  app: {kind: service}\n  jobs: {kind: queue}\ndata:\n  job: {stored in: jobs}\n"
_STOCK = "components:\n  stock: {kind: database}\ndata:\n  seat: {stored in: stock"

_ERRORS = (
    Rule(
        "TS401",
        "error",
        "an operation that the kind does not accept",
        "A queue keeps messages until they are consumed: it can be sent to, and not read.",
        _QUEUE + _TICK + "      - jobs: «read» job\n",
        _QUEUE + _TICK + "      - jobs: send job\n  work: {from: jobs, steps: [{app: 1 ms}]}\n",
    ),
    Rule(
        "TS402",
        "error",
        "a word that does not go with another",
        "The word has a meaning, and none in this place.",
        _APP + _TICK + "      - app: 1 ms\n        «rows»: 5\n",
        _APP + _TICK + "      - app: 1 ms\n",
    ),
    Rule(
        "TS403",
        "error",
        "an attribute that the kind does not have",
        "A component has the attributes of its kind; others would be without effect.",
        "components:\n  app: {kind: service, «ttl»: 5 s}\n",
        "components:\n  app: {kind: cache, ttl: 5 s}\n",
    ),
    Rule(
        "TS404",
        "error",
        "not a condition",
        "A line with a measure or a comparison is judged; if it cannot be understood, it would silently never be.",
        "requirements:\n  non_functional:\n    quick: «p99x»(tick) <= 1 s\n"
        + _APP
        + _TICK
        + "      - app: 1 ms\n",
        "requirements:\n  non_functional:\n    quick: p99(tick) <= 1 s\n"
        + _APP
        + _TICK
        + "      - app: 1 ms\n",
    ),
    Rule(
        "TS405",
        "error",
        "neither a time nor an operation",
        "A call says how long its component works, or what it does with which entity.",
        _APP + _TICK + "      - app: «fetch link»\n",
        _APP + _TICK + "      - app: 2 ms\n",
    ),
    Rule(
        "TS406",
        "error",
        "a change of what is not there",
        "A change names parts by path and steps by name; along the path each part must exist.",
        "estimates: {peak: 3}\ndecisions:\n  d:\n    options:\n      a: {pros: [x]}\n"
        "      b: {change: {«estimates.peek.x»: 4}}\n    chosen: a\n",
        "estimates: {peak: 3}\ndecisions:\n  d:\n    options:\n      a: {pros: [x]}\n"
        "      b: {change: {estimates.peak: 4}}\n    chosen: a\n",
    ),
    Rule(
        "TS407",
        "error",
        "not a step",
        "A step begins with what it calls, or with a word such as `each`, `if` or `run`.",
        _APP + _TICK + "      - «app»\n",
        _APP + _TICK + "      - app: 1 ms\n",
    ),
    Rule(
        "TS408",
        "error",
        "steps without an end",
        "A repetition needs a condition or a bound, and a flow cannot be a part of itself.",
        _APP + _TICK + "      - «run: tick»\n",
        _APP + _TICK + "      - app: 1 ms\n",
    ),
    Rule(
        "TS409",
        "error",
        "neither a type nor an entity",
        "A field has a type, or is a reference to an entity.",
        "data:\n  link:\n    fields: {code: «strnig(7)»}\n",
        "data:\n  link:\n    fields: {code: string(7)}\n",
    ),
    Rule(
        "TS410",
        "error",
        "an unknown kind",
        "The kind decides how a component behaves.",
        "components:\n  app: {kind: «servcie»}\n",
        "components:\n  app: {kind: service}\n",
    ),
    Rule(
        "TS411",
        "error",
        "consuming from what is no queue",
        "Only queues and streams hand out messages.",
        _APP + "  worker: {kind: worker}\nflows:\n  work: {from: «app», steps: [{worker: 1 ms}]}\n",
        _QUEUE + "flows:\n  work: {from: jobs, steps: [{app: 1 ms}]}\n",
    ),
    Rule(
        "TS412",
        "error",
        "an interface that HTTP does not have",
        "An endpoint has a method, a path that begins with `/`, and status codes.",
        _APP + _TICK + "      - app: 1 ms\napi:\n  tick: {request: «post» /ticks}\n",
        _APP + _TICK + "      - app: 1 ms\napi:\n  tick: {request: POST /ticks}\n",
    ),
    Rule(
        "TS413",
        "error",
        "a chosen option with a change",
        "The file as it stands is the chosen option, so that it has nothing to change.",
        "estimates: {peak: 3}\ndecisions:\n  d:\n    options:\n"
        "      a: {change: «{estimates.peak: 4}»}\n    chosen: a\n",
        "estimates: {peak: 3}\ndecisions:\n  d:\n    options:\n      a: {pros: [less]}\n    chosen: a\n",
    ),
    Rule(
        "TS414",
        "error",
        "not a bounded thing",
        "`take`, `extend`, `keep` and `give back`, `excess` and `shortfall` need to know how many there may be.",
        _STOCK + "}\n" + _TICK + "      - «{stock: take seat}»\n",
        _STOCK + ", at most: 1}\n" + _TICK + "      - {stock: take seat}\n",
    ),
    Rule(
        "TS415",
        "error",
        "a change that breaks the design",
        "An option is simulated beside the chosen one, so the design that it makes must be sound.",
        _APP
        + "decisions:\n  d:\n    options:\n      a: {pros: [x]}\n"
        + "      b: {change: {components.app: {kind: «servcie»}}}\n    chosen: a\n",
        _APP
        + "decisions:\n  d:\n    options:\n      a: {pros: [x]}\n"
        + "      b: {change: {components.app: {kind: worker}}}\n    chosen: a\n",
    ),
)

_WARNINGS = (
    Rule(
        "TS501",
        "warning",
        "a queue that nobody reads",
        "Its messages pile up for ever, and no lag or delay of it can be computed.",
        "components:\n  «jobs»: {kind: queue}\n"
        + _TICK
        + "      - jobs: send job\ndata:\n  job: {stored in: jobs}\n",
        _QUEUE + _TICK + "      - jobs: send job\n  work: {from: jobs, steps: [{app: 1 ms}]}\n",
    ),
    Rule(
        "TS502",
        "warning",
        "a flow without a rate",
        "How often it happens is not said, so nothing is computed for it.",
        _APP
        + "requirements:\n  users: {visitor: looks}\nflows:\n"
        + "  «look»: {from: visitor, steps: [{app: 1 ms}]}\n",
        _APP
        + "requirements:\n  users: {visitor: looks}\nflows:\n"
        + "  look: {from: visitor, rate: 5 / s, steps: [{app: 1 ms}]}\n",
    ),
    Rule(
        "TS503",
        "warning",
        "a flow that nothing starts",
        "It has neither an actor, a queue, a clock nor a cause, and no `run:` names it.",
        _APP + "flows:\n  «look»: {steps: [{app: 1 ms}]}\n",
        _APP + "flows:\n  look: {every: 5 s, steps: [{app: 1 ms}]}\n",
    ),
    Rule(
        "TS504",
        "warning",
        "an entity that is not described",
        "Its size, number and popularity are not known, so what depends on them is not computed.",
        "components:\n  links: {kind: database}\n" + _TICK + "      - links: read «link»\n",
        "components:\n  links: {kind: database}\n"
        + _TICK
        + "      - links: read link\ndata:\n  link: {stored in: links}\n",
    ),
    Rule(
        "TS505",
        "warning",
        "an actor that is not described",
        "Who it is and what it does belongs to the requirements.",
        _APP + "flows:\n  look: {from: «visitor», rate: 5 / s, steps: [{app: 1 ms}]}\n",
        _APP
        + "flows:\n  look: {from: visitor, rate: 5 / s, steps: [{app: 1 ms}]}\n"
        + "requirements:\n  users: {visitor: looks}\n",
    ),
    Rule(
        "TS506",
        "warning",
        "an entity where it is not stored",
        "A store keeps the entities that say so in `data`; a cache or a queue may carry any.",
        "components:\n  a: {kind: database}\n  b: {kind: database}\n"
        + _TICK
        + "      - «{b: read link}»\ndata:\n  link: {stored in: a}\n",
        "components:\n  a: {kind: database}\n  b: {kind: database}\n"
        + _TICK
        + "      - {a: read link}\ndata:\n  link: {stored in: a}\n",
    ),
    Rule(
        "TS507",
        "warning",
        "flows that cause each other without end",
        "Each starts the next for certain, so that their number grows for ever.",
        _APP + "flows:\n  «a»: {after: b, steps: [{app: 1 ms}]}\n  b: {after: a, steps: [{app: 1 ms}]}\n",
        _APP
        + "flows:\n  a: {after: b, chance: 50%, steps: [{app: 1 ms}]}\n"
        + "  b: {every: 5 s, steps: [{app: 1 ms}]}\n",
    ),
    Rule(
        "TS508",
        "note",
        "a component that no flow reaches",
        "It is drawn and paid for, and no work is known that it does.",
        "components:\n  «app»: {kind: service}\n  old: {kind: service}\n".replace("«app»", "app").replace(
            "  old", "  «old»"
        )
        + _TICK
        + "      - app: 1 ms\n",
        _APP + _TICK + "      - app: 1 ms\n",
    ),
    Rule(
        "TS509",
        "note",
        "something said of what a change takes away",
        "In the design with the change it has no meaning, so a condition of it is shown and not judged.",
    ),
)

RULES_FOR_MEANING: tuple[Rule, ...] = (*_ERRORS, *_WARNINGS)
"""The rules of this module."""

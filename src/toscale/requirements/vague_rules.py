"""The rules TS6xx: what is not wrong, but vague. Each with the reason for it, a design that breaks it and
one that does not.

They follow the scheme of `toscale.design.rules`; they are here because they need the estimates and the
flows as a whole. In a bad example the place that the problem points at stands between « and ».
"""

from __future__ import annotations

import re

from toscale.design.rule import Rule

__all__ = ["QUALITIES", "VAGUE_RULES"]

_QUALITIES = (
    r"(?:very |really |super |ultra)?(?:fast|quick(?:ly)?|slow|snappy|instant(?:ly|aneous(?:ly)?)?|responsive)",
    r"scal(?:able|ability|es?)|reliab(?:le|ly|ility)|robust(?:ly|ness)?|resilien(?:t|tly|ce)",
    r"efficient(?:ly)?|performan(?:t|ce)|smooth(?:ly)?|cheap(?:ly)?|user[ -]friendly",
    r"high(?:ly)?[ -](?:available|scalable|reliable|performant|availability|throughput|performance)",
    r"(?:low|minimal)[ -](?:latency|cost|delay)|real[ -]?time",
    r"(?:always|24/7) (?:up|on|available|there)|never (?:down|fails?|goes down)",
    r"many (?:users|requests|people)|a lot of|lots of|huge|massive(?:ly)?|(?:large|web)[ -]scale",
)
QUALITIES = re.compile(rf"\b(?:{'|'.join(_QUALITIES)})\b", re.IGNORECASE)
"""Words for a quality that, without a number, nobody can check."""

_APP = "components:\n  app: {kind: service}\n"
_USERS = "requirements:\n  users: {visitor: looks}\n"
_LOOK = "flows:\n  look: {from: visitor, rate: peak, steps: [{app: 1 ms}]}\n"
_PEAK = "estimates: {peak: 5 / s}\n"

_RULES = (
    Rule(
        "TS601",
        "warning",
        "a quality without a number",
        "Two people who agree on `fast` have agreed on nothing; a number can be designed for, measured and missed.",
        "requirements:\n  non_functional:\n    quick: «Redirects must be fast.»\n",
        "requirements:\n  non_functional:\n    quick: Redirects take less than 150 ms.\n",
    ),
    Rule(
        "TS602",
        "note",
        "a non-functional requirement that is prose",
        "Prose is shown to readers; only a condition is judged.",
        "requirements:\n  non_functional:\n    links survive: «A committed link survives the loss of a zone.»\n",
        _USERS + "  non_functional:\n    it is there: availability(look) >= 99.9%\n" + _PEAK + _APP + _LOOK,
    ),
    Rule(
        "TS603",
        "note",
        "a functional requirement that no flow serves",
        "What no flow does is neither estimated, nor simulated, nor known to be possible. A flow or a named step "
        "serves the requirement whose name it has.",
        _USERS + "  functional:\n    search: «A visitor searches.»\n" + _PEAK + _APP + _LOOK,
        _USERS + "  functional:\n    look: A visitor looks.\n" + _PEAK + _APP + _LOOK,
    ),
    Rule(
        "TS604",
        "note",
        "a flow that serves no requirement",
        "It costs machines, and nobody asked for it: or a requirement was forgotten.",
        _USERS
        + "  functional:\n    look: A visitor looks.\n"
        + _PEAK
        + _APP
        + _LOOK
        + "  «share»: {from: visitor, rate: peak, steps: [{app: 1 ms}]}\n",
        _USERS + "  functional:\n    look: A visitor looks.\n" + _PEAK + _APP + _LOOK,
    ),
    Rule(
        "TS605",
        "warning",
        "a flow that serves what is out of scope",
        "What was agreed to be left out takes time and machines again.",
        _USERS
        + "  out_of_scope: [Search for links]\n"
        + _PEAK
        + _APP
        + _LOOK
        + "  «search»: {from: visitor, rate: peak, steps: [{app: 1 ms}]}\n",
        _USERS + "  out_of_scope: [Search for links]\n" + _PEAK + _APP + _LOOK,
    ),
    Rule(
        "TS606",
        "warning",
        "a component that serves only what is out of scope",
        "Without it the design does all that was asked for.",
        _USERS
        + "  out_of_scope: [Search for links]\n"
        + _PEAK
        + _APP
        + "  «index»: {kind: service}\n"
        + _LOOK
        + "  search: {from: visitor, rate: peak, steps: [{index: 1 ms}]}\n",
        _USERS
        + "  out_of_scope: [Search for links]\n"
        + _PEAK
        + _APP
        + "  index: {kind: service}\n"
        + "flows:\n  look: {from: visitor, rate: peak, steps: [{app: 1 ms}, {index: 1 ms}]}\n"
        + "  search: {from: visitor, rate: peak, steps: [{index: 1 ms}]}\n",
    ),
    Rule(
        "TS607",
        "note",
        "an assumption that nobody confirmed",
        "What was never asked is a risk until somebody says that it is so.",
        "requirements:\n  questions:\n    - «assume: A visitor has one device.»\n",
        "requirements:\n  questions:\n    - {ask: How many devices has a visitor?, answer: One.}\n",
    ),
    Rule(
        "TS608",
        "note",
        "an uncertain estimate that no question sets",
        "Results are as good as the estimates that they rest on: the one that most of the uncertainty is due to is "
        "the best question to ask.",
        "estimates:\n  users: «1M to 9M»\n  rate: users * 3 / day\n",
        "requirements:\n  questions: [{ask: How many users?, answer: Some millions., sets: users}]\n"
        "estimates:\n  users: 1M to 9M\n  rate: users * 3 / day\n",
    ),
    Rule(
        "TS609",
        "warning",
        "a question without an answer",
        "The design goes on as if it had been answered.",
        "requirements:\n  questions:\n    - «ask: How many users?»\n",
        "requirements:\n  questions:\n    - {ask: How many users?, answer: A million.}\n",
    ),
    Rule(
        "TS610",
        "note",
        "an input that nothing is computed from",
        "It changes no result: it is left over, or a formula forgets it.",
        "estimates:\n  users: «1M»\n",
        "estimates:\n  users: 1M\n  rate: users * 3 / day\n",
    ),
    Rule(
        "TS611",
        "note",
        "a flow without a target",
        "Without one, every latency and every outage is good enough.",
        _USERS + _PEAK + _APP + "flows:\n  «look»: {from: visitor, rate: peak, steps: [{app: 1 ms}]}\n",
        _USERS + "  non_functional:\n    quick: p99(look) <= 1 s\n" + _PEAK + _APP + _LOOK,
    ),
    Rule(
        "TS612",
        "note",
        "a rate that may be the average or the peak",
        "A system is sized for its busiest minute, which is three to ten times the average.",
        _USERS + _APP + "flows:\n  look: {from: visitor, rate: «5 / s», steps: [{app: 1 ms}]}\n",
        _USERS + _PEAK + _APP + _LOOK,
    ),
    Rule(
        "TS613",
        "note",
        "a user who does nothing",
        "Who uses the system does so by some flow.",
        "requirements:\n  users:\n    visitor: looks\n    operator: «changes limits»\n"
        + _PEAK
        + _APP
        + _LOOK,
        _USERS + _PEAK + _APP + _LOOK,
    ),
)

VAGUE_RULES: dict[str, Rule] = {rule.code: rule for rule in _RULES}
"""All of them by their codes."""

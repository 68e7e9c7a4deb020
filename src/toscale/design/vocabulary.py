"""Which words does the language have? Every section with its keys, and every key with its type and its
meaning.

The words of components are in `kinds_vocabulary`, those of flows in `flow_vocabulary`. A new key is one new
line here, and an attribute of the same name in the model.
"""

from __future__ import annotations

from toscale.design.flow_vocabulary import FLOW_SHAPES
from toscale.design.kinds_vocabulary import COMPONENT_SHAPES
from toscale.design.shapes import (
    Custom,
    Key,
    Listing,
    Part,
    Quantity,
    Ref,
    Shape,
    Table,
    Text,
    Varying,
    Word,
    YesNo,
)

__all__ = ["FAULT_WORDS", "FIELD_TYPES", "SHAPES", "VERSION"]

VERSION = 1
"""The version of the language, as `toscale: 1` says it at the top of a file."""

FIELD_TYPES: dict[str, str] = {
    "boolean": "true or false",
    "smallint": "an integer of 2 bytes",
    "integer": "an integer of 4 bytes",
    "bigint": "an integer of 8 bytes",
    "float": "a floating point number of 8 bytes",
    "decimal": "an exact number",
    "uuid": "an identifier of 128 bits",
    "date": "a day",
    "timestamp": "a moment",
    "string": "text: `string(7)` of at most 7 characters, `string(~120)` of about 120",
    "uri": "an address: text, of about 100 characters unless `uri(~50)` says otherwise",
    "json": "a document: `json(~2000)` of about 2,000 bytes",
    "bytes": "bytes: `bytes(16)`, `bytes(~800)`",
}
"""The types of fields. Any other word must be an entity: a reference to it."""

_NUMBER, _SHARE, _TIME = Quantity("number"), Quantity("share"), Quantity("time")
_ANY, _SIZE, _RATE = Quantity("any"), Quantity("size"), Quantity("rate")

SHAPES: dict[str, Shape] = {
    **COMPONENT_SHAPES,
    **FLOW_SHAPES,
    "design": Shape(
        "a design",
        Key("toscale", Custom("version"), "the version of the language, 1"),
        Key("title", Text(), "what the design is called"),
        Key("brief", Text(), "the prompt, in a sentence"),
        Key("requirements", Part("requirements"), "step 1: what is asked for, by whom, how well"),
        Key("estimates", Table(_ANY), "step 1: named formulas, with units and ranges"),
        Key("components", Table(Custom("component")), "step 2: the boxes, each of a kind"),
        Key("connections", Table(Part("connection")), "step 2: what is held open for longer than a request"),
        Key("network", Custom("network"), "step 2: round trips, loss and bandwidth between what is where"),
        Key("flows", Table(Custom("flow")), "step 2: what happens, step by step"),
        Key("focus", Listing(Ref(("component", "flow", "step"))), "first ideas for the deep dive"),
        Key("api", Table(Part("endpoint")), "step 3: the interface of flows and named steps"),
        Key("data", Table(Custom("entity")), "step 3: the entities, with their fields and numbers"),
        Key("decisions", Table(Part("decision")), "step 3: questions with options, of which one is chosen"),
        Key("faults", Table(Custom("fault")), "step 4: what goes wrong, and when"),
        Key("run", Part("run"), "how the design is simulated"),
        Key("operations", Part("operations"), "step 4: what is watched and done when it runs"),
        Key("growth", Part("growth"), "step 4: what grows, and how far"),
        Key("prices", Table(Custom("price")), "step 4: what components cost; nothing is guessed"),
        Key("refinements", Listing(Text()), "step 4: what would come next"),
        Key("layout", Table(Custom("position")), "where components stand on the canvas; kept by the tool"),
        Key("agreements", Table(Part("agreement")), "which sections were agreed on; kept by the tool"),
    ),
    "requirements": Shape(
        "the requirements",
        Key("users", Table(Text()), "the actors: who they are and how they use it"),
        Key("questions", Listing(Part("question")), "what was asked, with the answers; and assumptions"),
        Key("functional", Table(Text()), "what it does"),
        Key("non_functional", Table(Custom("target")), "how well: `p99(FLOW) <= 150 ms`, or prose"),
        Key("extra", Listing(Text()), "what else is wished for"),
        Key("out_of_scope", Listing(Text()), "what it does not do"),
        Key("suggestions", Listing(Part("suggestion", short="text")), "improvements of the question itself"),
    ),
    "question": Shape(
        "a question",
        Key("ask", Text(), "the question"),
        Key("answer", Text(), "what was answered"),
        Key("assume", Text(), "instead of both: what is assumed without asking"),
        Key("sets", Listing(Ref(("estimate",))), "the estimates that the answer sets"),
    ),
    "suggestion": Shape(
        "a suggestion",
        Key("text", Text(), "the suggestion", required=True),
        Key("change", Custom("change"), "what it would be in the file: paths with values"),
    ),
    "connection": Shape(
        "a connection",
        Key("from", Ref(("actor",)), "who holds it", field="from_actor", required=True),
        Key("to", Ref(("component",)), "the component, one of whose replicas holds it", required=True),
        Key("held", _NUMBER, "how many are open at any time"),
        Key("lasts", Varying(), "how long one stays open"),
        Key("memory", _SIZE, "what one takes at its replica"),
        Key("when lost", Part("when_lost"), "what its holder does", field="when_lost"),
    ),
    "when_lost": Shape(
        "`when lost`",
        Key("reconnect after", Varying(), "how long until it is opened again", required=True),
    ),
    "link": Shape(
        "a link",
        Key("latency", Varying(), "the round trip"),
        Key("bandwidth", Quantity("bandwidth"), "how much passes"),
        Key("loss", _SHARE, "the share of messages that are lost"),
    ),
    "network": Shape(
        "the network",
        Key(
            "within a zone",
            Part("link", short="latency"),
            "between two components in one zone",
            field="within_a_zone",
        ),
        Key("between zones", Part("link", short="latency"), "between two zones of a region"),
        Key("between regions", Part("link", short="latency"), "between two regions"),
        Key("loss", _SHARE, "the share of messages that are lost, on every link that says none of its own"),
        Key(
            "bandwidth", Quantity("bandwidth"), "how much passes, on every link that says nothing of its own"
        ),
        Key("resend after", _TIME, "the time-out of the transport: a lost message is sent again after it"),
    ),
    "endpoint": Shape(
        "an endpoint",
        Key("request", Custom("request"), "the method and the path: `POST /links`"),
        Key("frame", Text(), "instead of a request: a message on a connection"),
        Key("over", Ref(("connection",)), "the connection that carries the frame"),
        Key("body", Table(Text()), "the fields of the request, with their types"),
        Key("returns", Table(Text()), "what comes back, by status code"),
        Key("idempotent", Text(), "by which key a repeated request is known: `by Idempotency-Key`"),
        Key("auth", Text(), "how the caller shows who it is"),
    ),
    "entity": Shape(
        "an entity",
        Key(
            "stored in",
            Ref(("component",)),
            "the component that keeps it; `nowhere here` if another system does",
        ),
        Key(
            "fields",
            Table(Text()),
            "its fields, each with a type: `string(7) key`, `uuid`, the name of an entity",
        ),
        Key("indexes", Listing(Custom("index")), "the fields that have an index beside the key"),
        Key("size", _SIZE, "the size of one, instead of that of its fields"),
        Key("how many", _NUMBER, "how many there are"),
        Key("shard by", Listing(Text()), "the fields that choose the shard"),
        Key("popularity", Custom("popularity"), "how unequally they are asked for: `zipf(0.95) over 50M`"),
        Key("has many", Table(Part("has_many")), "relations whose number differs from one to the next"),
        Key("each has", Table(_ANY), "figures that differ from one to the next"),
        Key(
            "per",
            Listing(Ref(("entity", "component", "actor"))),
            "one (or `at most` so many) for each of them",
        ),
        Key("at most", _NUMBER, "how many there may be at once: makes it a bounded thing"),
        Key("refills", _RATE, "how fast what was taken comes back, up to the most"),
        Key("for", _TIME, "how long one is held at the longest", field="held_for"),
        Key("waiting", Word(("in order of arrival", "in random order")), "who finds none stands in line"),
        Key("keep", Custom("keep"), "what is kept: `500 per reader`, `30 days`"),
    ),
    "has_many": Shape(
        "a relation",
        Key("of", Ref(("entity",)), "the entity at its other end"),
        Key("exactly", _NUMBER, "the number, the same for each"),
        Key("mean", _NUMBER, "the mean number"),
        Key(
            "shape",
            Custom("number_shape"),
            "how the number is spread: geometric, poisson, lognormal, pareto(1.2), uniform",
        ),
        Key("p99", _NUMBER, "what one in a hundred exceeds, for a lognormal"),
        Key("at most", _NUMBER, "the largest number there is"),
        Key("one of", Listing(Part("mixture")), "a mixture: shares, each with a number of its own"),
    ),
    "mixture": Shape(
        "a part of a mixture",
        Key("share", _SHARE, "how many of the instances are of this part", required=True),
        Key("exactly", _NUMBER, "the number, the same for each"),
        Key("mean", _NUMBER, "the mean number"),
        Key("shape", Custom("number_shape"), "how the number is spread"),
        Key("p99", _NUMBER, "what one in a hundred exceeds, for a lognormal"),
        Key("at most", _NUMBER, "the largest number there is"),
    ),
    "decision": Shape(
        "a decision",
        Key("question", Text(), "what is decided"),
        Key("options", Table(Part("option")), "the ways to go"),
        Key("chosen", Text(), "the option that the file, as it stands, is"),
        Key("because", Text(), "why"),
    ),
    "option": Shape(
        "an option",
        Key("pros", Listing(Text()), "what speaks for it"),
        Key("cons", Listing(Text()), "what speaks against it"),
        Key("change", Custom("change"), "what it would be in the file: paths with values"),
    ),
    "fault": Shape(
        "a fault",
        Key("lose", Ref(("component",)), "a component, or some of its replicas, is gone"),
        Key("lose zone", Ref(("zone",)), "everything in a zone is gone"),
        Key("lose region", Ref(("region",)), "everything in a region is gone"),
        Key("slow", Ref(("component",)), "a component works more slowly, `by` a factor"),
        Key("break", Ref(("component",)), "a component answers with errors"),
        Key("empty", Ref(("component",)), "what a component holds is forgotten"),
        Key("restart", Ref(("component",)), "the replicas of a component are started again"),
        Key("deploy", Ref(("component",)), "some replicas get a version that is slow or fails"),
        Key(
            "surge", Ref(("flow", "step")), "a flow, or a named step, is asked for more often, `by` a factor"
        ),
        Key("send", Ref(("flow",)), "so many requests of a flow, with given values"),
        Key("clock", Ref(("component",)), "clocks are `off by` a time"),
        Key("cut", Custom("pair"), "nothing passes between two ends: `A - B`"),
        Key("lossy", Custom("pair"), "messages between two ends are lost, by the share `loss`"),
        Key("at", _TIME, "when it begins, counted from the end of the warm-up"),
        Key("for", _TIME, "how long it lasts", field="lasts"),
        Key("by", _NUMBER, "the factor: `10x`"),
        Key("replicas", _NUMBER, "how many replicas, or which share of them: `1`, `5%`"),
        Key("shard", _NUMBER, "which shard, counted from 0"),
        Key("role", Word(("primary", "copy")), "which machines of a store"),
        Key("each", _TIME, "one after the other, so long apart"),
        Key("off by", _TIME, "how wrong the clocks are"),
        Key("errors", _SHARE, "the share of calls that fail"),
        Key("loss", _SHARE, "the share of messages that are lost"),
        Key("times", _NUMBER, "how many requests"),
        Key("where", Table(_ANY), "the values of the requests: `{post.author.followers: 9999}`"),
    ),
    "run": Shape(
        "a run",
        Key("for", _TIME, "how long it goes on: a run that begins and ends", field="lasts"),
        Key("start", Word(("empty", "stationary")), "how caches and queues are when it begins"),
    ),
    "operations": Shape(
        "the operations",
        Key("objectives", Table(Part("objective")), "the targets that are watched, each over a time"),
        Key("metrics", Listing(Text()), "what is measured"),
        Key("logs", Listing(Text()), "what is logged, and how long it is kept"),
        Key("alerts", Listing(Text()), "when somebody is called"),
        Key("runbook", Listing(Text()), "what is done then"),
        Key("rollout", Listing(Text()), "how a new version comes and goes"),
    ),
    "objective": Shape(
        "an objective",
        Key(
            "over",
            Custom("window"),
            "the time over which it is met: `30 days`; or over each run: `1 sale`",
            required=True,
        ),
    ),
    "growth": Shape(
        "the growth",
        Key("of", Listing(Ref(("estimate",))), "the estimates that grow"),
        Key("curve", Listing(_NUMBER), "the multiples: `[1x, 10x, 100x]`"),
    ),
    "agreement": Shape(
        "an agreement",
        Key("fingerprint", Text(), "that of the section when it was agreed on"),
        Key("by", Listing(Text()), "who agreed"),
        Key("at", Text(), "when"),
        Key("concerns", Listing(Part("concern")), "doubts about a part of the section"),
    ),
    "concern": Shape(
        "a concern",
        Key("about", Text(), "the part, as `components.cache`", required=True),
        Key("says", Text(), "the doubt", required=True),
        Key("by", Text(), "whose it is", required=True),
        Key("at", Text(), "when it was raised"),
        Key("fingerprint", Text(), "that of the part when it was raised; none if it was missing"),
        Key("answers", Listing(Part("concern_answer")), "what was said to it"),
    ),
    "concern_answer": Shape(
        "an answer to a concern",
        Key("says", Text(), "the answer", required=True),
        Key("by", Text(), "whose it is", required=True),
        Key("at", Text(), "when it was given"),
        Key("reopens", YesNo(), "whether it says why the answers before it do not do"),
    ),
}

FAULT_WORDS: dict[str, tuple[str, ...]] = {
    "lose": ("for", "replicas", "shard", "role"),
    "lose zone": ("for",),
    "lose region": ("for",),
    "slow": ("for", "by", "replicas", "shard", "role"),
    "break": ("for", "errors", "replicas", "shard", "role"),
    "empty": ("replicas", "shard"),
    "restart": ("each", "replicas"),
    "deploy": ("for", "by", "errors", "replicas"),
    "surge": ("for", "by", "where"),
    "send": ("where", "times"),
    "clock": ("for", "off by", "replicas"),
    "cut": ("for",),
    "lossy": ("for", "loss"),
}
"""Each thing that can go wrong, with the words that may stand beside it and `at`. A surge and a send take
`one ENTITY: SHARE` too.
"""

"""The rules TS0xx, TS1xx and TS2xx: a file that can be read, keys and values of the right form, names that
exist.
"""

from __future__ import annotations

from toscale.design.rule import Rule

__all__ = ["RULES_FOR_TEXT"]

_FILE = (
    Rule("TS001", "error", "the file is too large", "A design is a text for people; at most 1 MB is read."),
    Rule(
        "TS002",
        "error",
        "the file is not UTF-8",
        "YAML texts are Unicode; UTF-8 is the encoding that every editor has.",
    ),
    Rule(
        "TS003",
        "error",
        "a character that cannot be printed",
        "Control characters are invisible, and YAML does not allow them.",
        "title: bell«\x07»\n",
        "title: bell\n",
    ),
    Rule(
        "TS004",
        "error",
        "not YAML",
        "The text cannot be read at all. Only the first such place is shown: what follows it cannot be trusted.",
        "brief: one«:» two\n",
        'brief: "one: two"\n',
    ),
    Rule(
        "TS005",
        "error",
        "a tab as indentation",
        "Editors show tabs differently, so YAML does not allow them where they would matter.",
        "flows:\n«\t»buy:\n",
        "flows:\n  buy:\n",
    ),
    Rule(
        "TS006",
        "error",
        "nested too deeply",
        "More than 40 levels are read by nobody; `run:` gives inner steps a name.",
    ),
    Rule(
        "TS007",
        "error",
        "an alias that cannot be followed",
        "An alias stands for a value that was given above it, under an anchor.",
        "estimates:\n  peak: «*load»\n",
        "estimates:\n  load: &load 3\n  peak: *load\n",
    ),
    Rule(
        "TS008",
        "error",
        "too many or too long values",
        "What a design holds is bounded, so that any file is read quickly.",
    ),
    Rule(
        "TS009",
        "error",
        "a tag",
        "Tags choose types, and here the place of a value decides its type.",
        "title: «!!str 12»\n",
        'title: "12"\n',
    ),
    Rule(
        "TS010",
        "error",
        "a second document",
        "One file is one design.",
        "title: one\n«---»\ntitle: two\n",
        "title: one\n",
    ),
    Rule(
        "TS011",
        "error",
        "a key that is no word",
        "A key is a name or a word of the language; braces and brackets begin other things.",
        "components:\n  ? «[a, b]»\n  : {kind: service}\n",
        "components:\n  a: {kind: service}\n",
    ),
    Rule(
        "TS012",
        "error",
        "a key twice",
        "Of two values under one key one would be lost.",
        "estimates:\n  peak: 3\n  «peak»: 4\n",
        "estimates:\n  peak: 4\n",
    ),
    Rule(
        "TS013",
        "error",
        "a key without a value in braces",
        "A comma in braces starts a new key: what was meant as one text becomes two keys.",
        "connections:\n  socket: {from: member, to: gateway, lasts: 40 min, «exponential»}\n"
        "components:\n  gateway: {kind: websocket}\nrequirements:\n  users: {member: reads}\n",
        'connections:\n  socket: {from: member, to: gateway, lasts: "40 min, exponential"}\n'
        "components:\n  gateway: {kind: websocket}\nrequirements:\n  users: {member: reads}\n",
    ),
    Rule(
        "TS018",
        "error",
        "too many problems",
        "The first two hundred problems are shown, and how many more there are.",
    ),
)

_FORM = (
    Rule(
        "TS101",
        "error",
        "an unknown key",
        "A key that is not known would be without effect, and nobody would notice.",
        "components:\n  app: {kind: service, «replica»: 9}\n",
        "components:\n  app: {kind: service, replicas: 9}\n",
    ),
    Rule(
        "TS102",
        "error",
        "another form of value",
        "A list stands where a single value is needed, or the other way round.",
        "title: «[a, b]»\n",
        "title: a, b\n",
    ),
    Rule(
        "TS103",
        "error",
        "something that is needed is missing",
        "Without it the part has no meaning.",
        "components:\n  app: «{replicas: 9}»\n",
        "components:\n  app: {kind: service, replicas: 9}\n",
    ),
    Rule(
        "TS104",
        "error",
        "another word than one of a few",
        "The value is one of a few words, or has a small grammar of its own.",
        "components:\n  app: {kind: service, discipline: «first»}\n",
        "components:\n  app: {kind: service, discipline: fifo}\n",
    ),
    Rule(
        "TS105",
        "error",
        "another version of the language",
        "A file says which language it is written in, so that it means the same later.",
        "toscale: «7»\n",
        "toscale: 1\n",
    ),
    Rule(
        "TS106",
        "error",
        "a text that cannot be a name",
        "Names stand in steps, formulas and paths; a dot, a colon or `>` would be read as something else there.",
        "components:\n  «app.v2»: {kind: service}\n",
        "components:\n  app v2: {kind: service}\n",
    ),
    Rule(
        "TS107",
        "error",
        "a word of the language as a name",
        "A step `wait: 2 s` could not be told from a call of a component `wait`.",
        "components:\n  «wait»: {kind: service}\n",
        "components:\n  waiting room: {kind: service}\n",
    ),
    Rule(
        "TS108",
        "error",
        "words that exclude each other",
        "Both together have no one meaning.",
        "flows:\n  tick:\n    every: 5 s\n    «after»: tick\n    steps: []\n",
        "flows:\n  tick:\n    every: 5 s\n    steps: []\n",
    ),
    Rule(
        "TS109",
        "error",
        "too many parts",
        "A section has at most 2,000 entries, and flows at most 20,000 steps.",
    ),
    Rule(
        "TS110",
        "error",
        "a name for two things",
        "Steps call components and actors by name; an actor and a component of the same name could not be told apart.",
        "requirements:\n  users: {app: a phone}\ncomponents:\n  «app»: {kind: service}\n",
        "requirements:\n  users: {phone: a phone}\ncomponents:\n  app: {kind: service}\n",
    ),
)

_ONE_FLOW = "requirements:\n  users: {visitor: opens links}\ncomponents:\n  app: {kind: service}\nflows:\n"

_REFERENCES = (
    Rule(
        "TS201",
        "error",
        "an unknown component",
        "A step, a fault or a price names a component that is not under `components`.",
        "components:\n  cache: {kind: cache}\nfaults:\n  cold: {at: 1 min, empty: «cahce»}\n",
        "components:\n  cache: {kind: cache}\nfaults:\n  cold: {at: 1 min, empty: cache}\n",
    ),
    Rule(
        "TS202",
        "error",
        "an unknown flow",
        "A step, a cause or a condition names a flow that is not under `flows`.",
        _ONE_FLOW
        + "  open:\n    from: visitor\n    rate: 5 / s\n    steps:\n      - run: «opne»\n      - app: 1 ms\n",
        _ONE_FLOW + "  open:\n    from: visitor\n    rate: 5 / s\n    steps:\n      - app: 1 ms\n",
    ),
    Rule(
        "TS203",
        "error",
        "an unknown entity",
        "An operation or a relation names an entity that is not under `data`.",
        "components:\n  links: {kind: database}\n"
        "flows:\n  tick:\n    every: 5 s\n    steps:\n      - links: read «lnik»\ndata:\n  link: {stored in: links}\n",
        "components:\n  links: {kind: database}\n"
        "flows:\n  tick:\n    every: 5 s\n    steps:\n      - links: read link\ndata:\n  link: {stored in: links}\n",
    ),
    Rule(
        "TS204",
        "error",
        "an unknown actor",
        "A flow or a connection names an actor that is not under `requirements.users`.",
        _ONE_FLOW + "  open: {from: «visitro», rate: 5 / s, steps: [{app: 1 ms}]}\n",
        _ONE_FLOW + "  open: {from: visitor, rate: 5 / s, steps: [{app: 1 ms}]}\n",
    ),
    Rule(
        "TS205",
        "error",
        "an unknown estimate",
        "A formula names an estimate that is not under `estimates`.",
        "estimates:\n  peak: 3\n  load: «peek» * 2\n",
        "estimates:\n  peak: 3\n  load: peak * 2\n",
    ),
    Rule(
        "TS206",
        "error",
        "an unknown field, relation or item",
        "A path such as `post.author.followers` goes from an entity, an actor or an item along fields and relations.",
        "data:\n  link:\n    fields: {code: string(7) key}\n    shard by: «cod»\n",
        "data:\n  link:\n    fields: {code: string(7) key}\n    shard by: code\n",
    ),
    Rule(
        "TS207",
        "error",
        "an unknown zone or region",
        "A fault names a zone in which no component is.",
        "components:\n  app: {kind: service, zones: [a, b]}\nfaults:\n  a zone is lost: {at: 1 min, lose zone: «c»}\n",
        "components:\n  app: {kind: service, zones: [a, b]}\nfaults:\n  a zone is lost: {at: 1 min, lose zone: b}\n",
    ),
    Rule(
        "TS208",
        "error",
        "an unknown fault",
        "A condition says `during` and then something that is not under `faults`.",
        "requirements:\n  non_functional:\n    it stays up: availability(tick) during «a strom» >= 99%\n"
        "components:\n  app: {kind: service}\nflows:\n  tick: {every: 5 s, steps: [{app: 1 ms}]}\n"
        "faults:\n  a storm: {at: 1 min, lose: app}\n",
        "requirements:\n  non_functional:\n    it stays up: availability(tick) during a storm >= 99%\n"
        "components:\n  app: {kind: service}\nflows:\n  tick: {every: 5 s, steps: [{app: 1 ms}]}\n"
        "faults:\n  a storm: {at: 1 min, lose: app}\n",
    ),
    Rule(
        "TS209",
        "error",
        "an interface of nothing",
        "An entry of `api` has the name of the flow, or of the named step, whose interface it is.",
        "api:\n  «shroten»: {request: POST /links}\n"
        "flows:\n  shorten: {every: 5 s, steps: [{app: 1 ms}]}\ncomponents:\n  app: {kind: service}\n",
        "api:\n  shorten: {request: POST /links}\n"
        "flows:\n  shorten: {every: 5 s, steps: [{app: 1 ms}]}\ncomponents:\n  app: {kind: service}\n",
    ),
    Rule(
        "TS210",
        "error",
        "an unknown connection",
        "`over:` and events name what is held open, which is not under `connections`.",
        "components:\n  app: {kind: service}\nflows:\n  greet: {after: «sockte» opens, steps: [{app: 1 ms}]}\n"
        "connections:\n  socket: {from: visitor, to: app}\nrequirements:\n  users: {visitor: looks}\n",
        "components:\n  app: {kind: service}\nflows:\n  greet: {after: socket opens, steps: [{app: 1 ms}]}\n"
        "connections:\n  socket: {from: visitor, to: app}\nrequirements:\n  users: {visitor: looks}\n",
    ),
    Rule(
        "TS211",
        "error",
        "an objective of nothing",
        "An objective watches a line of `requirements.non_functional`, by its name.",
        "operations:\n  objectives:\n    «it stays»: {over: 30 days}\n",
        "operations:\n  objectives:\n    it stays up: {over: 30 days}\n"
        "requirements:\n  non_functional:\n    it stays up: Nobody waits.\n",
    ),
    Rule(
        "TS212",
        "error",
        "a name that may be either of two",
        "Nothing is guessed: say which one.",
        "requirements:\n  non_functional:\n    quick: p99(«ask») <= 1 s\n"
        "components:\n  app: {kind: service}\nflows:\n"
        "  one: {every: 5 s, steps: [{app: 1 ms, name: ask}]}\n  two: {every: 5 s, steps: [{app: 1 ms, name: ask}]}\n",
        "requirements:\n  non_functional:\n    quick: p99(one.ask) <= 1 s\n"
        "components:\n  app: {kind: service}\nflows:\n"
        "  one: {every: 5 s, steps: [{app: 1 ms, name: ask}]}\n  two: {every: 5 s, steps: [{app: 1 ms, name: ask}]}\n",
    ),
    Rule(
        "TS213",
        "error",
        "an option that is not there",
        "The chosen option is one of the `options` of its decision.",
        "decisions:\n  codes:\n    options: {random: {pros: [simple]}}\n    chosen: «radnom»\n",
        "decisions:\n  codes:\n    options: {random: {pros: [simple]}}\n    chosen: random\n",
    ),
)

RULES_FOR_TEXT: tuple[Rule, ...] = (*_FILE, *_FORM, *_REFERENCES)
"""The rules of this module."""

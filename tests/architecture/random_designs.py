"""Designs of any shape for tests of drawings: layers of services, caches, stores and queues, with circles, frames and
names of every length; and figures for all of their boxes and lines, so that every label is there.
"""

from __future__ import annotations

import random
from functools import cache

from toscale.architecture.graph import Graph, graph_of
from toscale.architecture.load import Figures, Load, Rate, State
from toscale.design.model import Design
from toscale.requirements.values import sheet_of

WORKING = ["service", "worker", "function", "gateway", "websocket", "load_balancer", "external", "cdn"]
STORES = ["cache", "database", "document", "wide_column", "key_value", "search", "object_store"]
BUFFERS = ["queue", "stream"]
WORDS = "orders users cart stock search feed line push ledger audit image video chat quota risk tax mail geo".split()


def random_values(seed: int, most: int = 60) -> dict[str, object]:
    """A design in the form of the file; its number of components is drawn too."""
    draw = random.Random(seed)
    count = draw.randint(1, most)
    components: dict[str, dict[str, object]] = {}
    names: list[str] = []
    for number in range(count):
        kind = draw.choice([*WORKING, *WORKING, *STORES, *STORES, *BUFFERS])
        name = " ".join(draw.sample(WORDS, draw.choice([1, 1, 1, 2, 3]))) + f" {number}"
        components[name] = {"kind": kind}
        names.append(name)
        if draw.random() < 0.4 and kind in STORES:
            components[name]["copies"] = draw.randint(1, 5)
        if draw.random() < 0.5:
            components[name]["region"] = draw.choice(["eu", "us"]) if seed % 3 == 0 else "eu"
        if draw.random() < 0.4 and seed % 2 == 0 and kind not in ("external", "cdn"):
            components[name]["zones"] = [draw.choice("ab")]
    working = [name for name in names if components[name]["kind"] in WORKING]
    for name in working:
        if components[name]["kind"] == "service" and draw.random() < 0.1 and len(working) > 1:
            host = draw.choice(working)
            if components[host]["kind"] == "service" and host != name and "beside" not in components[host]:
                components[name] = {"kind": "service", "beside": host}
    for one in components.values():  # what shares machines shares their place
        if isinstance(one.get("beside"), str) and "beside" in components[str(one["beside"])]:
            del one["beside"]
    entities = {
        f"e{number}": {"stored in": name, "size": "1 kB", "how many": 1000}
        for number, name in enumerate(names)
        if components[name]["kind"] in STORES + BUFFERS
    }
    entity_of = {str(one["stored in"]): name for name, one in entities.items()}
    users = {f"user {letter}": "comes and goes" for letter in "xyz"[: draw.randint(1, 3)]}

    def call(depth: int, nearby: int) -> dict[str, object]:
        name = names[min(count - 1, max(0, nearby + draw.randint(-4, 9)))]
        kind = components[name]["kind"]
        if kind in BUFFERS:
            return {name: f"send {entity_of[name]}"}
        if kind in STORES:
            return {name: f"{'get' if kind == 'cache' else 'read'} {entity_of[name]}"}
        step: dict[str, object] = {name: "1 ms"}
        if depth < 4:
            below = [call(depth + 1, names.index(name)) for _ in range(draw.choice([1, 1, 2, 2, 3]))]
            if below:
                step["then"] = below
        return step

    flows: dict[str, object] = {}
    for number in range(draw.randint(1, max(2, count // 3))):
        start = draw.randrange(count)
        flows[f"flow {number}"] = {
            "from": draw.choice(list(users)),
            "rate": f"{draw.randint(1, 9) * 10 ** draw.randint(0, 5)} / s",
            "steps": [call(0, start)],
        }
    for name in names:
        if components[name]["kind"] in BUFFERS and working:
            flows[f"take {name}"] = {"from": name, "steps": [{draw.choice(working): "1 ms"}]}
    return {
        "title": f"Design {seed}",
        "requirements": {"users": users},
        "components": components,
        "flows": flows,
        "data": entities,
    }


@cache
def random_design(seed: int, most: int = 60) -> Design:
    return Design.from_dict(random_values(seed, most))


def graph(design: Design) -> Graph:
    return graph_of(design, sheet_of(design))


def full_figures(graph: Graph, seed: int = 0) -> Figures:
    """Something to say of every box and every line."""
    draw = random.Random(seed)
    loads = {}
    for name, node in graph.nodes.items():
        if not node.is_actor:
            state = draw.choice(list(State))
            used = draw.choice([None, 0.0004, 0.3, 0.87, 1.4])
            text = draw.choice(["", "35%", "<0.1%", "87% · queue 1.6M", "+12.3k/s too many"])
            loads[name] = Load(state, used, None, text, "by chance")
    rates = {
        (edge.source, edge.target): Rate(10 ** draw.uniform(-2, 7), draw.random() < 0.2)
        for edge in graph.edges
    }
    return Figures(loads, rates, "chance")

"""Who calls whom, as the steps of the flows say."""

from __future__ import annotations

from toscale.architecture.graph import ACTOR, Graph, graph_of
from toscale.design.model import Design
from toscale.requirements.values import sheet_of


def graph(text: str) -> Graph:
    design = Design.from_text(text)
    return graph_of(design, sheet_of(design))


def ends(of: Graph) -> list[tuple[str, str]]:
    return [(edge.source, edge.target) for edge in of.edges]


SHOP = """
requirements: {users: {buyer: buys}}
estimates: {servers: 2 to 8, held: 10k}
components:
  edge: {kind: load_balancer}
  app: {kind: service, replicas: servers, zones: [a, b]}
  db: {kind: database, shards: 4, copies: 3}
  mails: {kind: queue, partitions: 6}
  mailer: {kind: worker}
  sweeper: {kind: worker}
flows:
  buy:
    from: buyer
    rate: 10 / s
    steps:
      - edge > app: 2 ms
        then:
          - app: 1 ms
          - db: read order
            failed: [{mails: send mail}]
          - run: log
  log: {steps: [{db: insert order}]}
  look: {after: buy, steps: [{edge > app: 1 ms}]}
  mail: {from: mails, steps: [{mailer: 3 ms, then: [{db: update order, async: true}]}]}
  sweep: {every: 5 s, steps: [{sweeper: 1 ms, then: [{db: delete order}]}]}
connections:
  socket: {from: buyer, to: app, held: held, lasts: 10 min exponential}
data:
  order: {stored in: db, size: 1 kB, how many: 1000}
  mail: {stored in: mails, size: 1 kB}
"""


def test_edges_follow_the_calls_in_the_order_of_the_file() -> None:
    assert ends(graph(SHOP)) == [
        ("buyer", "edge"),
        ("edge", "app"),
        ("app", "db"),
        ("app", "mails"),
        ("mails", "mailer"),
        ("mailer", "db"),
        ("sweeper", "db"),
        ("buyer", "app"),
    ]


def test_nobody_waits_for_messages_and_for_asynchronous_calls() -> None:
    waits = {(edge.source, edge.target): edge.waits for edge in graph(SHOP).edges}
    assert [pair for pair, waiting in waits.items() if not waiting] == [
        ("app", "mails"),
        ("mails", "mailer"),
        ("mailer", "db"),
        ("buyer", "app"),
    ]


def test_what_is_handled_or_run_is_called_by_whoever_made_the_call() -> None:
    flows = {(edge.source, edge.target): edge.flows for edge in graph(SHOP).edges}
    assert flows["app", "db"] == ("buy",)
    assert flows["app", "mails"] == ("buy",)
    assert flows["buyer", "edge"] == ("buy", "look")  # who looks afterwards is the same buyer


def test_boxes_say_their_kind_and_size() -> None:
    captions = {name: node.caption for name, node in graph(SHOP).nodes.items()}
    assert captions == {
        "buyer": ACTOR,
        "edge": "load balancer",
        "app": "service ×4 · 2 zones",
        "db": "database 4×3",
        "mails": "queue ×6",
        "mailer": "worker",
        "sweeper": "worker · every 5 s",
    }


def test_a_held_connection_is_an_edge_with_its_number() -> None:
    (held,) = (edge for edge in graph(SHOP).edges if edge.held)
    assert (held.source, held.target, held.held, held.uses) == ("buyer", "app", "10k held", ())


def test_frames_are_regions_zones_and_shared_machines() -> None:
    found = graph(
        """
components:
  app: {kind: service, region: eu, zones: [a]}
  helper: {kind: service, beside: app}
  db: {kind: database, region: eu, zones: [a, b]}
  far: {kind: service, region: us, zones: [a]}
"""
    )
    assert {name: node.groups for name, node in found.nodes.items()} == {
        "app": ("region eu", "zone eu/a", "machines app"),
        "helper": ("region eu", "zone eu/a", "machines app"),
        "db": ("region eu",),
        "far": ("region us", "zone us/a"),
    }
    assert found.groups["machines app"].label == "each machine of app"


def test_a_flow_that_is_run_begins_where_its_caller_is() -> None:
    found = graph(
        """
requirements: {users: {reader: reads}}
components: {edge: {kind: load_balancer}, app: {kind: service}, db: {kind: database}}
flows:
  open: {from: reader, rate: 1 / s, steps: [{edge > app: 1 ms, then: [{db: read page}]}]}
  scroll: {from: reader, rate: 1 / s, steps: [{edge > app: 1 ms, then: [{run: open}]}]}
data: {page: {stored in: db, size: 1 kB, how many: 10}}
"""
    )
    assert ends(found) == [("reader", "edge"), ("edge", "app"), ("app", "db")]


def test_flows_that_run_each_other_end() -> None:
    text = """
requirements: {users: {reader: reads}}
components: {app: {kind: service}, db: {kind: database}}
flows:
  a: {from: reader, rate: 1 / s, steps: [{app: 1 ms, then: [{run: b}]}]}
  b: {steps: [{db: 1 ms}, {run: c}]}
  c: {steps: [{if: 10% of the time, then: [{run: b}]}]}
"""
    from toscale.design.load import read_design

    loaded = read_design(text)
    if loaded.design is not None:
        assert ("app", "db") in ends(graph_of(loaded.design, sheet_of(loaded.design)))


def test_an_empty_design_has_an_empty_graph() -> None:
    assert graph("title: Nothing yet").nodes == {}

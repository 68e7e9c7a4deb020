"""docker-compose: services become components of the kinds that their images suggest; what is wrong is named with its
line.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.document.imports.reading import imported, imported_or_refused, relations
from toscale.design.build import node_of, write
from toscale.document.imports import NotImported, format_of, import_text

FILE = """\
name: shop
x-base: &base
  restart: always
  depends_on: [queue]
services:
  proxy:
    image: docker.io/library/nginx:1.27@sha256:abc
    ports: ["80:80"]
    depends_on: [web]
  web:
    build: .
    deploy: {replicas: 3, resources: {limits: {cpus: "0.5", memory: 512M}}}
    environment:
      DATABASE_URL: postgres://user:secret@db:5432/shop
      CACHE: redis://sessions:6379/0
    depends_on:
      db: {condition: service_healthy}
      queue: {condition: service_started}
  worker:
    <<: *base
    image: shop/worker
    command: ["run", "--search", "search:9200"]
  db:
    image: postgres:16
    ports: ["5432:5432"]
    deploy: {resources: {limits: {memory: 2g}}}
  sessions: {image: redis}
  queue: {image: "rabbitmq:3-management"}
  search: {image: elasticsearch:8.15.0}
"""


def test_kinds_relations_and_sizes() -> None:
    design = imported(FILE, "docker-compose.yml")
    assert design.title == "shop"
    assert {name: part.kind for name, part in design.components.items()} == {
        "proxy": "load_balancer",
        "web": "service",
        "worker": "worker",
        "db": "database",
        "sessions": "cache",
        "queue": "queue",
        "search": "search",
    }
    assert relations(design) == {
        ("user", "proxy", True),
        ("proxy", "web", True),
        ("web", "db", True),
        ("web", "queue", False),
        ("web", "sessions", True),
        ("queue", "worker", False),
        ("worker", "search", True),
    }
    web, db = design.components["web"], design.components["db"]
    assert str(web.replicas) == "3"
    assert str(web.cores) == "0.5"
    assert db.engine == "postgresql"
    assert str(db.memory) == "2 GiB"


def test_no_secret_of_the_environment_reaches_the_design() -> None:
    text, _ = import_text(FILE, "docker-compose.yml")
    assert "secret" not in text
    assert "kind by the product `postgres`" in text


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("services: [a]\n", 1, "no mapping `services`"),
        ("name: x\nservices:\n  a:\n", 3, "says nothing"),
        ("services:\n  a: {image: x, depends_on: [b]}\n", 2, "no service of this file"),
        ("services:\n  a: {image: x\n", 2, ""),
        ("services: {}\n", 1, "no component"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, line: int, said: str) -> None:
    with pytest.raises(NotImported) as error:
        import_text(text, "compose.yaml")
    assert error.value.line >= line
    assert said in str(error.value)
    assert error.value.mend


def test_a_format_is_told_by_the_name_or_by_the_first_words() -> None:
    assert format_of("a.dsl", "") == "structurizr"
    assert format_of("<stdin>", "# x\nworkspace {\n}") == "structurizr"
    assert format_of("<stdin>", "flowchart LR\n") == "mermaid"
    assert format_of("a.yaml", FILE) == "compose"
    with pytest.raises(NotImported, match="no Structurizr workspace"):
        format_of("a.txt", "hello")


names = st.text(min_size=1, max_size=10)
services = st.fixed_dictionaries(
    {"image": st.one_of(st.sampled_from(["postgres:1", "redis", "kafka", "x/y", "nginx"]), names)},
    optional={
        "depends_on": st.lists(names, max_size=2),
        "ports": st.just(["80"]),
        "environment": st.dictionaries(names, names, max_size=2),
        "deploy": st.fixed_dictionaries({"replicas": st.integers(-1, 10**7)}),
    },
)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(names, services, min_size=1, max_size=5))
def test_any_services_are_a_design_or_are_refused(values: dict[str, object]) -> None:
    imported_or_refused(write(node_of({"services": values})), "compose.yaml")

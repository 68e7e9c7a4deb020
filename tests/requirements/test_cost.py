"""The monthly cost, by hand: a month has 730.5 hours."""

from __future__ import annotations

import pytest

from toscale.design.load import read_design
from toscale.requirements.cost import MONTH, Cost, cost
from toscale.requirements.values import sheet_of

HOURS = 730.5
PARTS = """
requirements: {users: {user: asks}}
estimates: {n: 2.1 to 7.3}  # in the middle 3.9
components:
  phone: {kind: client}
  app: {kind: service, replicas: 9}
  side: {kind: service, beside: app}
  links: {kind: database, shards: 4, copies: 3}
  pool: {kind: service, replicas: n}
data:
  link: {stored in: links, how many: 1G, size: 1000 bytes}
"""


def priced(prices: str) -> Cost:
    design = read_design(PARTS + f"prices: {{{prices}}}\n").sound()
    return cost(design, sheet_of(design))


def by_month(found: Cost, probability: float = 0.5) -> float:
    return found.total(probability) * MONTH


@pytest.mark.parametrize(
    ("prices", "usd"),
    [
        ("app: 0.17 USD / hour each", 9 * 0.17 * HOURS),
        ("side: 0.01 USD / hour each", 9 * 0.01 * HOURS),
        ("links: 1.10 USD / hour each", 12 * 1.10 * HOURS),
        ("app: 200 USD / month", 200),
        ("app: 0.17 USD / hour each, links: 200 USD / month", 9 * 0.17 * HOURS + 200),
    ],
)
def test_prices_by_the_machine_and_in_all(prices: str, usd: float) -> None:
    assert by_month(priced(prices)) == pytest.approx(usd)


def test_a_price_of_what_is_stored_counts_every_copy() -> None:
    found = priced("links: 0.02 USD / GB / month")
    # PostgreSQL adds nothing to a size that is given by hand
    assert by_month(found) == pytest.approx(1000 * 3 * 0.02)


def test_an_uncertain_number_of_machines_costs_more_at_its_upper_end() -> None:
    found = priced("pool: 100 USD / month each")
    assert by_month(found) == pytest.approx(400)
    assert by_month(found, 0.95) == pytest.approx(800)


def test_what_has_no_price_is_listed_and_the_users_own_machines_are_not() -> None:
    found = priced("app: 0.17 USD / hour each")
    assert found.unpriced == ("side", "links", "pool")
    said = found.to_json()
    assert said["complete"] is False
    assert said["unpriced"]["links"] == "no price is given"


def test_a_price_by_the_request_needs_requests() -> None:
    found = priced("app: 0.4 USD / 1M each request")
    assert "app" in found.unpriced
    assert "by the request" in found.why[found.unpriced.index("app")]

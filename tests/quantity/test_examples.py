"""The estimates of the five example designs, against arithmetic done by hand."""

from __future__ import annotations

import math

import pytest

from toscale.quantity.sheet import Sheet

MONTH = 365.25 * 86_400 / 12
YEAR = 365.25 * 86_400
DAY = 86_400.0


def middle(low: float, high: float) -> float:
    """The median of a range: the geometric mean of its ends."""
    return math.sqrt(low * high)


LINKS = middle(60e6, 160e6) / MONTH
READS = LINKS * middle(60, 150)
PEAK = middle(3, 6)
POSTS, OPENS = 40e6 / DAY, 2e9 / DAY

DESIGNS: dict[str, list[tuple[str, str, float]]] = {
    "url shortener": [
        ("new_links", "60M to 160M / month", LINKS),
        ("reads_per_write", "60 to 150", middle(60, 150)),
        ("peak", "3 to 6", PEAK),
        ("retention", "5 years", 5 * YEAR),
        ("record", "500 bytes", 500),
        ("average_writes", "new_links in 1/s", LINKS),
        ("average_reads", "average_writes * reads_per_write", READS),
        ("peak_writes", "average_writes * peak", LINKS * PEAK),
        ("peak_reads", "average_reads * peak", READS * PEAK),
        ("links_kept", "new_links * retention", LINKS * 5 * YEAR),
        ("storage", "links_kept * record * 3 in TB", LINKS * 5 * YEAR * 1500),
        ("redirect_bandwidth", "peak_reads * 700 bytes in Mbit/s", READS * PEAK * 700),
        ("collision", "links_kept / 62^6 in %", LINKS * 5 * YEAR / 62**6),
    ],
    "news feed": [
        ("posts", "40M / day", POSTS),
        ("opens", "2 billion / day", OPENS),
        ("followers", "150 to 260", middle(150, 260)),
        ("peak", "2 to 4", middle(2, 4)),
        ("celebrity", "10k", 10_000),
        ("page", "20", 20),
        ("peak_posts", "posts * peak in 1/s", POSTS * middle(2, 4)),
        ("peak_opens", "opens * peak in 1/s", OPENS * middle(2, 4)),
        ("inserts", "posts * followers in 1/s", POSTS * middle(150, 260)),
        ("readers", "300M", 300e6),
        ("timeline", "500 * 16 bytes", 8_000),
        ("timelines_memory", "readers * timeline in TB", 2.4e12),
        ("posts_kept", "posts * 2 years", POSTS * 2 * YEAR),
        ("posts_storage", "posts_kept * 1 kB * 3 in TB", 40e6 * 730.5 * 3000),
        ("entries", "readers * 500", 150e9),
    ],
    "rate limiter": [
        ("requests", "1M / s", 1e6),
        ("keys", "10M", 10e6),
        ("servers", "500", 500),
        ("each_server", "requests / servers", 2000),
        ("log_memory", "keys * 1000 * 8 bytes in GB", 80e9),
        ("counter_memory", "keys * 100 bytes in GB", 1e9),
    ],
    "chat": [
        ("messages", "20 billion / day", 20e9 / DAY),
        ("peak", "1.5 to 2.5", middle(1.5, 2.5)),
        ("peak_messages", "messages * peak in 1/s", 20e9 / DAY * middle(1.5, 2.5)),
        ("message_size", "300 bytes", 300),
        ("stored_each_day", "messages * message_size in TB / day", 6e12 / DAY),
        ("members", "800M", 800e6),
        ("sockets", "50M", 50e6),
        ("sockets_each", "100k", 100e3),
        ("gateways", "sockets / sockets_each", 500),
        ("session", "40 min", 2400),
        ("connects", "sockets / session in 1/s", 50e6 / 2400),
        ("missed", "15", 15),
        ("kept", "messages * 1 year", 20e9 * 365.25),
    ],
    "ticketing": [
        ("buyers", "10M", 10e6),
        ("seats", "50k", 50e3),
        ("each_order", "2", 2),
        ("orders", "seats / each_order", 25e3),
        ("hold", "10 min", 600),
        ("asks_every", "20 s", 20),
        ("peak_asks", "buyers / asks_every in 1/s", 500e3),
        ("inside", "6k", 6000),
        ("gives_up", "20% to 40%", middle(0.2, 0.4)),
    ],
}


@pytest.mark.parametrize("design", DESIGNS)
def test_estimates_are_those_of_hand_arithmetic(design: str) -> None:
    """Medians of products of up to three ranges: within 3%, four standard errors of a sample median."""
    lines = DESIGNS[design]
    sheet = Sheet.evaluate({name: formula for name, formula, _ in lines})
    assert sheet.problems == ()
    for name, _, by_hand in lines:
        exact = len(sheet[name].assumptions) <= 1
        assert sheet[name].median == pytest.approx(by_hand, rel=1e-9 if exact else 0.03), name


def test_interval_of_a_product_of_ranges_is_that_of_the_lognormal() -> None:
    """ln(p) is normal with the variances added, so that its 90% interval has a closed form."""
    lines = DESIGNS["url shortener"]
    reads = Sheet.evaluate({name: formula for name, formula, _ in lines})["peak_reads"]
    half = math.sqrt(sum(math.log(high / low) ** 2 for low, high in ((60, 160), (60, 150), (3, 6)))) / 2
    # A standard error of the 5% and 95% quantiles is 2.1 sigma / sqrt(N), 1% here; four of them are allowed.
    assert reads.low == pytest.approx(READS * PEAK * math.exp(-half), rel=0.04)
    assert reads.high == pytest.approx(READS * PEAK * math.exp(half), rel=0.04)
    variances = {
        "new_links": math.log(160 / 60) ** 2,
        "reads_per_write": math.log(2.5) ** 2,
        "peak": math.log(2) ** 2,
    }
    whole = sum(variances.values())
    assert reads.shares == pytest.approx({name: v / whole for name, v in variances.items()}, abs=1e-3)

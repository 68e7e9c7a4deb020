"""However odd the numbers of a design, the theory gives figures or says why not: no warning, no exception."""

from __future__ import annotations

from math import isfinite

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toscale.design.change import check_design
from toscale.simulate.lower import lower
from toscale.theory import solve

SKEWS = (
    "zipf(1e9) over 10",
    "zipf(1e300) over 1000",
    "zipf(700) over 1e12",
    "zipf(1) over 1e15",
    "uniform over 1",
    "zipf(5) over 1M",
)
RATES = ("100 / s", "1e17 / s", "1e-12 / s", "1e-200 / s", "1e-300 / s", "1e12 / s", "5 / year")
TIMES = (
    "1 ms",
    "0 s",
    "1 ns",
    "1e4 years",
    "1 us (p99 14 us)",
    "1 ms pareto(alpha 1.0001)",
    "1 ms gamma(cv 100)",
    "between 0 s and 1e9 s",
)
LIMITS = ("", "queue: 0,", "queue: 5,", "queue: 1e9,")


def of(*options: str) -> st.SearchStrategy[str]:
    return st.sampled_from(options)


DESIGN = st.builds(
    "\n".join,
    st.tuples(
        st.just("requirements: {users: {user: somebody}}\ncomponents:"),
        st.builds("  app: {{kind: service, {}{}replicas: {}, concurrency: {}}}".format, of(*LIMITS), of("", "cores: 4,"), of("1", "1000"), of("1", "64", "1e6")),
        st.builds("  cache: {{kind: cache, {}evict: {}, memory: {}}}".format, of("", "ttl: 1 day,", "ttl: 0 s,", "ttl: 1e4 years,"), of("lru", "fifo", "random"), of("0 bytes", "1 byte", "1 MB", "1e30 bytes")),
        st.just("  db: {kind: database, shards: 4}\n  jobs: {kind: queue, partitions: 3}"),
        st.builds("network: {{user - app: {}, loss: {}}}\nflows:".format, of("0 s", "40 ms", "1e4 years"), of("0%", "1e-12%", "50%", "100%")),
        st.builds(
            "  f:\n    from: user\n    rate: {}\n    steps:\n      - app: {}\n        timeout: {}\n        retry: {{times: {}, backoff: {}}}\n"
            "        then: [{{cache: get row, miss: [{{db: read row, timeout: 1 ms}}, {{cache: put row}}]}}, {{jobs: send job}}]".format,
            of(*RATES), of(*TIMES), of("1 ns", "10 ms", "1e4 years"), of("1", "1000"), of("1 ns", "10 ms"),
        ),
        st.builds("  g: {{from: jobs, batch: {}, steps: [{{app: {} per batch}}]}}".format, of("1", "500", "1e6"), of(*TIMES)),
        st.builds("data: {{row: {{stored in: db, how many: 1000, popularity: {}}}, job: {{stored in: jobs}}}}".format, of(*SKEWS)),
    ),
)  # fmt: skip


@given(DESIGN)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_odd_numbers_have_a_theory_without_a_warning(text: str) -> None:
    found = check_design(text, "odd.design.yaml")
    assert found.design is not None
    assert not found.errors
    twin = solve(lower(found.design).model)  # the tests turn warnings into errors
    for store in twin.stores.values():
        assert store.hit_ratio is None or 0 <= store.hit_ratio <= 1
    for station in twin.stations.values():
        assert isfinite(station.arrivals)
        assert station.arrivals >= 0
        assert 0 <= station.refused <= 1


@pytest.mark.parametrize("skew", ["zipf(1e9) over 10", "zipf(1e300) over 1000"])
def test_a_skew_without_measure_is_one_key(skew: str) -> None:
    text = (
        "requirements: {users: {user: somebody}}\n"
        "components: {cache: {kind: cache, memory: 1 MB}, db: {kind: database}}\n"
        "flows: {f: {from: user, rate: 100 / s, steps: [{cache: get row, miss: [{db: read row}, {cache: put row}]}]}}\n"
        f"data: {{row: {{stored in: db, how many: 1000, popularity: {skew}}}}}\n"
    )
    design = check_design(text, "skewed.design.yaml").design
    assert design is not None
    assert solve(lower(design).model).stores["cache"].hit_ratio == pytest.approx(1)

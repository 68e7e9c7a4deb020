"""The numbers of step 1 against arithmetic done by hand, within the error of 10,001 samples (well below 1% for a median)."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from toscale.design.load import load, read_design
from toscale.design.model import Design
from toscale.quantity.uncertain import Quantity, quantile
from toscale.requirements.estimates import estimate, tornado

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.design.yaml"))
MONTH, YEAR = 365.25 * 86_400 / 12, 365.25 * 86_400

SHORTENER = """
requirements: {users: {creator: shortens, visitor: opens}}
estimates:
  new_links: 60M to 160M / month
  reads_per_write: 60 to 150
  peak: 3 to 6
  links_kept: new_links * 5 years
  record: 500 bytes
  average_writes: new_links in 1/s
  peak_writes: average_writes * peak
  peak_reads: average_writes * reads_per_write * peak
  storage: links_kept * record * 3 in TB
  retention: 5 years
components:
  app: {kind: service, replicas: 9}
  cache: {kind: cache, memory: 16 GB, evict: lru}
  links: {kind: database, engine: postgresql, shards: 4, copies: 3}
  clicks: {kind: queue}
  counter: {kind: worker}
  counts: {kind: database}
flows:
  redirect:
    from: visitor
    rate: peak_reads
    steps:
      - app: 1 ms
        then:
          - cache: get link
            miss: [links: read link, cache: put link]
          - clicks: send click
  shorten:
    from: creator
    rate: peak_writes
    steps: [{app: 2 ms, then: [links: insert link, cache: put link]}]
  count clicks: {from: clicks, batch: 500, steps: [{counter: 5 ms per batch, then: [{counts: update count}]}]}
  show counts: {from: creator, rate: peak_writes, steps: [{app: 1 ms, then: [counts: read count]}]}
data:
  link:
    stored in: links
    fields: {code: string(7) key, url: string(~120), owner: uuid, created: timestamp, expires: timestamp}
    indexes: [owner]
    how many: links_kept
    popularity: zipf(0.95) over 50M
  click: {stored in: clicks, fields: {code: string(7)}}
  count: {stored in: counts, fields: {code: string(7) key, clicks: integer}, how many: 20M * 90}
growth: {of: new_links, curve: [1x, 10x]}
prices: {app: 0.17 USD / hour each, links: 1.10 USD / hour each}
"""


def shortener() -> Design:
    return read_design(SHORTENER).sound()


LINKS = math.sqrt(60e6 * 160e6) / MONTH
RATIO = math.sqrt(60 * 150)
PEAK = math.sqrt(3 * 6)


def test_json_is_in_the_unit_shown_with_si_beside_it() -> None:
    said = estimate(shortener()).to_json()["estimates"]
    storage, links, retention = said["storage"], said["new_links"], said["retention"]
    assert storage["unit"] == "TB"
    assert storage["median"] == pytest.approx(LINKS * 5 * YEAR * 1500 / 1e12, rel=0.005)
    assert storage["si"]["median"] == pytest.approx(LINKS * 5 * YEAR * 1500, rel=0.005)
    assert storage["si"]["unit"] == "byte"
    assert storage["formula"] == "links_kept * record * 3 in TB"
    assert (links["si"]["low"], links["si"]["high"]) == pytest.approx(
        (60e6 / MONTH, 160e6 / MONTH), rel=0.005
    )
    assert (retention["median"], retention["low"], retention["high"]) == (5, 5, 5)
    assert retention["unit"] == "year"


def test_a_product_of_lognormals_has_the_product_of_their_medians() -> None:
    said = estimate(shortener()).to_json()["estimates"]["peak_reads"]
    sigma = math.sqrt(sum((math.log(b / a) / 2 / 1.6448536) ** 2 for a, b in ((60, 160), (60, 150), (3, 6))))
    middle = LINKS * RATIO * PEAK
    assert said["si"]["median"] == pytest.approx(middle, rel=0.02)
    assert said["si"]["high"] == pytest.approx(middle * math.exp(1.6448536 * sigma), rel=0.03)
    assert said["si"]["low"] == pytest.approx(middle / math.exp(1.6448536 * sigma), rel=0.03)


def test_the_tornado_is_sorted_and_has_the_shares_of_the_logarithms() -> None:
    bars = tornado(estimate(shortener())["peak_reads"]).bars
    squares = {
        "new_links": math.log(160 / 60) ** 2,
        "reads_per_write": math.log(150 / 60) ** 2,
        "peak": math.log(2) ** 2,
    }
    assert [name for name, _, _ in bars] == sorted(squares, key=lambda name: -squares[name])
    for name, share, text in bars:
        assert share == pytest.approx(squares[name] / sum(squares.values()), abs=0.02)
        assert " to " in text
    assert tornado(estimate(shortener())["retention"]).bars == ()
    assert tornado(estimate(shortener())["peak_reads"]).lines()[0].startswith("new_links (60M to 160M): ")


def test_growth_multiplies_what_grows_and_what_depends_on_it() -> None:
    one, ten = estimate(shortener()), estimate(shortener(), multiple=10)
    for name, factor in (("new_links", 10), ("peak_reads", 10), ("storage", 10), ("peak", 1), ("record", 1)):
        assert ten[name].median == pytest.approx(one[name].median * factor, rel=1e-9)
    assert ten.to_json()["multiple"] == 10


def test_reads_for_each_write() -> None:
    found = estimate(shortener())
    by_entity = {entity.name: entity for entity in found.entities}
    link = by_entity["link"].ratio
    assert isinstance(link, Quantity)
    # the read on a miss asks for the same link again, and a put into the cache stores nothing
    assert quantile(link.value, 0.5) == pytest.approx(RATIO, rel=0.005)
    assert quantile(link.value, 0.05) == pytest.approx(60, rel=0.01)
    assert quantile(link.value, 0.95) == pytest.approx(150, rel=0.01)
    assert found.requests is not None
    assert found.requests.ratio is not None
    assert quantile(found.requests.ratio.value, 0.5) == pytest.approx(RATIO + 1, rel=0.005)
    # how often a batch is written depends on how full it is
    assert any("once for a batch" in reason for reason in by_entity["count"].left_out)
    assert by_entity["count"].ratio is None


def test_the_same_seed_gives_the_same_numbers_and_another_nearly_so() -> None:
    first, again, other = (estimate(shortener(), seed=seed)["peak_reads"] for seed in (1, 1, 2))
    assert first.median == again.median
    assert first.high == again.high
    assert first.median == pytest.approx(other.median, rel=0.03)
    assert first.median != other.median


def test_an_empty_design_has_no_numbers_and_no_problems() -> None:
    said = estimate(read_design("").sound()).to_json()
    assert said["estimates"] == said["flows"] == said["storage"] == {}
    assert said["reads_per_write"] is None


def test_a_broken_estimate_leaves_the_others() -> None:
    loaded = read_design("estimates:\n  a: 5 / s\n  b: 1 / (3 - 3)\n  c: b * 2\n")
    assert loaded.design is not None
    found = estimate(loaded.design)
    assert set(found.to_json()["estimates"]) == {"a"}
    (problem,) = found.problems
    assert (problem.place.line, problem.severity) == (3, "error")
    assert found.to_json()["not_computed"] == {"c": ["b"]}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_every_example_can_be_written_as_json(path: Path) -> None:
    design = load(path)
    said = estimate(design).to_json()
    assert json.loads(json.dumps(said, allow_nan=False)) == said
    assert set(said["estimates"]) == set(design.estimates)
    assert set(said["flows"]) == set(design.flows)

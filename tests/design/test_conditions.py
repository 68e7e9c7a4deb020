"""A line is a target, prose, or a problem; never something else than it looks."""

from __future__ import annotations

import pytest

from toscale.design import read_design
from toscale.design.conditions import MEASURES, OfBound, OfComponent, OfFlow, OfStep, OfSystem, Span, Target
from toscale.design.flow import Event, FlowDone
from toscale.design.model import Prose

DESIGN = """\
requirements:
  users: {visitor: looks}
  non_functional:
    line: "%s"
components:
  app: {kind: service}
  jobs: {kind: queue}
connections:
  socket: {from: visitor, to: app}
flows:
  ask:
    from: visitor
    rate: 5 / s
    steps:
      - app: 1 ms
        name: check
        then:
          - jobs: send job
  work: {from: jobs, steps: [{app: 1 ms}]}
data:
  job: {stored in: jobs}
  seat: {at most: 1}
faults:
  a zone, and all in it, is lost: {at: 1 min, lose: app}
  lost: {at: 1 min, lose: app}
"""


def line(text):
    loaded = read_design(DESIGN % text)
    return loaded.design.requirements.non_functional.get("line"), loaded.errors


@pytest.mark.parametrize(
    ("text", "measure", "subject"),
    [
        ("p99(ask) <= 150 ms", "percentile", OfFlow("ask")),
        ("p99.9(ask)<150 ms", "percentile", OfFlow("ask")),
        ("mean(check) <= 1 ms", "mean", OfStep("ask", "check", "ask/check")),
        ("max(ask.check) <= 1 s", "max", OfStep("ask", "check", "ask/check")),
        ("p95(ask until work) <= 5 min", "percentile", Span(FlowDone("ask"), "work")),
        ("p95(socket closes until work) <= 5 min", "percentile", Span(Event("socket", "closes"), "work")),
        ("p95(seat ends until work) <= 5 min", "percentile", Span(Event("seat", "ends"), "work")),
        ("availability(ask) >= 99.95%", "availability", OfFlow("ask")),
        ("error_rate(ask) < 0.1%", "error_rate", OfFlow("ask")),
        ("throughput(ask) >= 10k / s", "throughput", OfFlow("ask")),
        ("utilisation(app) <= 70%", "utilisation", OfComponent("app")),
        ("lag(jobs) <= 1 min", "lag", OfComponent("jobs")),
        ("depth(jobs) <= 100k", "depth", OfComponent("jobs")),
        ("staleness(app) <= 5 s", "staleness", OfComponent("app")),
        ("excess(seat) = 0", "excess", OfBound("seat")),
        ("shortfall(seat) <= 1%", "shortfall", OfBound("seat")),
        ("cost <= 5000 USD / month", "cost", OfSystem()),
    ],
)
def test_a_target_is_read(text, measure, subject):
    target, errors = line(text)
    assert errors == ()
    assert isinstance(target, Target)
    assert (target.measure, target.subject, target.text, target.name) == (measure, subject, text, "line")


def test_the_percentile_is_kept_as_a_number():
    assert line("p99.9(ask) <= 1 s")[0].percentile == 99.9
    assert line("mean(ask) <= 1 s")[0].percentile is None


@pytest.mark.parametrize(
    "text",
    [
        "availability(ask) during lost at 10x >= 99%",
        "availability(ask) at 10x during lost >= 99%",
        "availability(ask) >= 99% during lost at 10x",
        "availability(ask) >= 99% at 10x during lost",
        "availability(ask) at 10x >= 99% during lost",
    ],
)
def test_circumstances_stand_before_or_after_the_value_in_either_order(text):
    target, errors = line(text)
    assert errors == ()
    assert (target.during, str(target.at), str(target.value)) == ("lost", "10x", "99%")


def test_the_longest_name_of_a_fault_that_fits_is_meant():
    target, errors = line("availability(ask) during a zone, and all in it, is lost >= 99%")
    assert errors == ()
    assert target.during == "a zone, and all in it, is lost"


@pytest.mark.parametrize(
    "text",
    [
        "A committed link survives the loss of a zone.",
        "Nobody is served before someone who came earlier (of their section).",
        "Mean people are treated well",
        "Cost is no object.",
        "All members see the same order = the order of sending.",
        "lag is not noticed",
    ],
)
def test_prose_is_prose(text):
    found, errors = line(text)
    assert errors == ()
    assert isinstance(found, Prose)


@pytest.mark.parametrize(
    ("text", "code", "column", "mend"),
    [
        ("p99(asc) <= 150 ms", "TS202", 16, "Did you mean `ask`?"),
        ("p999x(ask) <= 150 ms", "TS404", 12, "p99"),
        ("utilization(app) <= 70%", "TS404", 12, "Write `utilisation`."),
        ("availabilty(ask) >= 99%", "TS404", 12, "Did you mean `availability`?"),
        ("p99(ask)", "TS404", 20, "p99(redirect) <= 150 ms"),
        ("p99(ask) 150 ms", "TS404", 20, "p99(redirect) <= 150 ms"),
        ("p99(ask) == 150 ms", "TS404", 21, "p99(redirect) <= 150 ms"),
        ("p99(ask <= 150 ms", "TS404", 15, "p99(redirect) <= 150 ms"),
        ("p99() <= 150 ms", "TS404", 12, "p99(redirect) <= 150 ms"),
        ("latency <= 150 ms", "TS404", 12, "availability"),
        ("p99(ask) <= 150", "TS325", 24, "20 ms"),
        ("availability(ask) >= 99.95", "TS350", 33, "Write `99.95%`."),
        ("excess(job) = 0", "TS414", 19, "at most: 1"),
        ("availability(ask) during lsot >= 99%", "TS208", 37, "Did you mean `lost`?"),
        ("p99(ask) <= 150 ms or so", "TS309", 24, "Leave `or` out"),
    ],
)
def test_what_looks_like_a_target_and_is_none_is_a_problem_at_its_place(text, code, column, mend):
    _, errors = line(text)
    assert [(e.code, e.place.line, e.place.column) for e in errors][:1] == [(code, 4, column)], [
        str(e) for e in errors
    ]
    assert mend in errors[0].suggestion


@pytest.mark.parametrize("measure", MEASURES)
def test_the_example_of_each_measure_has_the_form_of_a_target(measure):
    _, errors = line(
        MEASURES[measure][2].replace("redirect", "ask").replace("clicks", "jobs").replace("links", "app")
    )
    assert {e.code for e in errors} <= {"TS203", "TS504"}  # `allowance` is not in the design

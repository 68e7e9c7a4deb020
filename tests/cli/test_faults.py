"""`toscale faults` and `toscale simulate --fault`: what is shown, what is JSON, and which exit code they have."""

from __future__ import annotations

from tests.cli.calls import SMALL, Shell

FAULTS = """\
faults:
  it is slow: {at: 5 s, slow: app, by: 3x, for: 2 s}
  one dies: {at: 5 s, lose: app, replicas: 1, for: 8 s}
  clocks differ: {at: 5 s, clock: app, off by: 1 s, for: 2 s}
"""
SHOP = SMALL.replace("2M to 4M / day", "3M / day").replace("replicas: 2", "replicas: 2, health check: 1 s")
HOLDS = SHOP.replace("LIMIT", "1 s during it is slow") + FAULTS
FAILS = SHOP.replace("p99(look) <= LIMIT", "availability(look) during one dies >= 99.9%") + FAULTS


def test_each_fault_has_a_line_and_what_is_not_simulated_says_why(toscale: Shell) -> None:
    called = toscale("faults", toscale.write(HOLDS))
    assert called.code == 0
    for words in ("it is slow", "one dies", "clocks differ", "not simulated: nothing", "✓ met"):
        assert words in " ".join(called.out.split())


def test_the_course_of_one_is_shown_with_its_phases(toscale: Shell) -> None:
    called = toscale("simulate", "--fault", "one dies", toscale.write(FAILS))
    assert called.code == 1  # the target that names it is missed
    for words in ("before", "during", "after", "The course of look", "✗ missed", "1 s after it began"):
        assert words in called.out


def test_its_json_has_curves_and_a_reason_wherever_a_figure_is_null(toscale: Shell) -> None:
    said = toscale("faults", "--json", toscale.write(FAILS)).json
    assert [one["name"] for one in said["faults"]] == ["it is slow", "one dies", "clocks differ"]
    assert [one["simulated"] for one in said["faults"]] == [True, True, False]
    assert said["faults"][2]["reason"]
    median = said["faults"][1]["median"]
    assert len(median["flows"]["look"]["series"]["p99"]) == len(median["starts"])
    assert [one["status"] for one in said["conditions"]] == ["missed"]
    alone = toscale("simulate", "--fault", "one dies", "--json", toscale.write(FAILS)).json
    assert alone["median"]["flows"]["look"] == median["flows"]["look"]


def test_check_judges_what_is_to_hold_during_a_fault(toscale: Shell) -> None:
    assert "✓ met" in toscale("check", "--simulate", "--duration", "10s", toscale.write(HOLDS)).out
    assert toscale("check", "--simulate", "--duration", "10s", toscale.write(FAILS)).code == 1


def test_a_fault_that_is_not_there_is_named_with_what_was_meant(toscale: Shell) -> None:
    called = toscale("simulate", "--fault", "one die", toscale.write(HOLDS))
    assert called.code == 2
    assert "did you mean `one dies`?" in called.err


def test_a_design_without_faults_says_how_one_is_written(toscale: Shell) -> None:
    called = toscale("faults", toscale.write(SHOP.replace("LIMIT", "1 s")))
    assert called.code == 0
    assert "lose: app" in called.out

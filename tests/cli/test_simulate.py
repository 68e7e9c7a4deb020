"""`toscale simulate`: figures with intervals, verdicts with words, and exit codes."""

from __future__ import annotations

import jsonschema
import pytest

from tests.cli.calls import BROKEN, MEETS, MISSES, Shell
from tests.cli.shapes import PROBLEM, SIMULATION

SHORT = ("--duration", "20s")


def test_json_has_the_documented_shape_and_figures_that_follow_from_the_design(toscale: Shell) -> None:
    called = toscale("simulate", toscale.write(MEETS), "--json", *SHORT)
    assert called.code == 0
    assert called.err == ""
    said = called.json
    jsonschema.validate(said, SIMULATION)
    assert said["upper"] is not None
    for run in (said, said["upper"]):
        look = run["flows"]["look"]
        # The service takes 5 ms of one of four cores that are a tenth in use: hardly anybody waits.
        assert look["latency"]["mean"]["value"] == pytest.approx(0.005, rel=0.1)
        times = [look["latency"][name]["value"] for name in ("p50", "p90", "p95", "p99")]
        assert times == sorted(times)
        assert look["availability"]["value"] == 1
        offered = look["offered"]["value"]
        assert run["components"]["app"]["core_utilisation"]["value"] == pytest.approx(
            offered * 0.005 / 4, rel=0.1
        )
        assert 0 < run["components"]["cache"]["hit_ratio"]["value"] <= 1
        assert "hit_ratio" not in run["components"]["app"]
    # 2M to 4M visits a day, three times that at the peak: 98 per second at the median, 139 at the upper end.
    assert said["flows"]["look"]["offered"]["value"] == pytest.approx(98.2, rel=0.15)
    assert said["upper"]["flows"]["look"]["offered"]["value"] == pytest.approx(138.9, rel=0.15)


def test_a_design_whose_rates_are_certain_has_no_upper_end_and_says_why(toscale: Shell) -> None:
    certain = MEETS.replace("2M to 4M / day", "3M / day")
    said = toscale("simulate", toscale.write(certain), "--json", *SHORT).json
    jsonschema.validate(said, SIMULATION)
    assert said["upper"] is None
    assert said["upper_reason"]
    assert said["conditions"][0]["upper"] is None
    assert said["conditions"][0]["status"] == "met"


def test_a_missed_target_is_exit_code_1_in_words_and_in_json(toscale: Shell) -> None:
    path = toscale.write(MISSES)
    text = toscale("simulate", path, *SHORT)
    assert text.code == 1
    assert "✗ missed" in text.out
    assert "1 missed" in text.out
    said = toscale("simulate", path, "--json", *SHORT)
    assert said.code == 1
    (condition,) = said.json["conditions"]
    assert condition["status"] == "missed"
    assert condition["text"] == "p99(look) <= 1 ms"
    assert condition["median"]["value"] > 0.001


def test_a_flow_that_is_too_much_is_an_overload_with_a_name(toscale: Shell) -> None:
    path = toscale.write(MEETS.replace("app: 5 ms", "app: 60 ms").replace("cores: 2", "concurrency: 2"))
    text = toscale("simulate", path, *SHORT)
    assert text.code == 1
    assert "Overload. At the median rates: " in text.out
    assert "app" in text.out.split("Overload.")[1].splitlines()[0]
    said = toscale("simulate", path, "--json", *SHORT)
    jsonschema.validate(said.json, SIMULATION)
    assert said.json["run"]["ending"] == "overloaded"
    assert said.json["run"]["overloads"][0]["component"] == "app"


def test_the_text_has_tables_verdicts_and_what_it_rests_on(toscale: Shell) -> None:
    called = toscale("simulate", toscale.write(MEETS), *SHORT)
    assert called.code == 0
    for words in (
        "Flows",
        "Components",
        "Targets",
        "✓ met",
        "The target is met.",
        "±",
        "Taken from defaults",
        "seed 1",
    ):
        assert words in called.out, words
    verbose = toscale("simulate", toscale.write(MEETS), "--verbose", *SHORT)
    assert len(verbose.out) > len(called.out)
    assert "nginx" in verbose.out


def test_the_same_seed_gives_the_same_words(toscale: Shell) -> None:
    path = toscale.write(MEETS)
    once = toscale("simulate", path, "--json", "--seed", "3", *SHORT)
    assert once == toscale("simulate", path, "--json", "--seed", "3", *SHORT)
    assert once.out != toscale("simulate", path, "--json", "--seed", "4", *SHORT).out


def test_at_a_multiple_the_targets_are_judged_there(toscale: Shell) -> None:
    design = MEETS.replace("cores: 2", "concurrency: 2") + "growth: {of: visits, curve: [1x, 20x]}\n"
    path = toscale.write(design)
    said = toscale("simulate", path, "--at", "20x", "--json", *SHORT)
    # Four slots do 800 of these a second; 20 times the load is 2000.
    assert said.json["multiple"] == 20
    assert said.json["conditions"][0]["status"] == "missed"
    assert said.code == 1


def test_a_target_that_names_a_multiple_is_simulated_there_too(toscale: Shell) -> None:
    design = MEETS.replace(
        "p99(look) <= 200 ms", "p99(look) <= 200 ms\n    grown: p99(look) <= 200 ms at 20x"
    )
    path = toscale.write(design.replace("cores: 2", "concurrency: 2"))
    called = toscale("simulate", path, "--json", *SHORT)
    assert [one["status"] for one in called.json["conditions"]] == ["met", "missed"]
    assert called.json["multiple"] == 1


def test_errors_of_the_design_are_the_answer(toscale: Shell) -> None:
    path = toscale.write(BROKEN)
    said = toscale("simulate", path, "--json")
    assert said.code == 1
    assert set(said.json) == {"file", "problems"}
    for problem in said.json["problems"]:
        jsonschema.validate(problem, PROBLEM)
    assert toscale("simulate", path).code == 1


def test_without_a_flow_there_is_nothing_to_simulate(toscale: Shell) -> None:
    path = toscale.write("")
    text = toscale("simulate", path)
    assert text.code == 0
    assert "no flow" in text.out
    said = toscale("simulate", path, "--json")
    jsonschema.validate(said.json, SIMULATION)
    assert said.json["flows"] == {}

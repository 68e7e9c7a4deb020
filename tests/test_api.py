"""A design from Python: what the command does, as values."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

import toscale
from tests.cli.calls import EXAMPLES, MEETS, MISSES
from tests.document.pages import Read
from toscale import Design, DesignError


def test_the_examples_in_the_documentation_are_true() -> None:
    from toscale import api

    for module in (toscale, api):
        result = doctest.testmod(module)
        assert result.attempted > 0
        assert result.failed == 0


def test_a_file_is_a_design_with_its_text() -> None:
    path = EXAMPLES / "url_shortener.design.yaml"
    design = Design.load(path)
    assert isinstance(design, Design)
    assert design.text == path.read_text(encoding="utf-8")
    assert design.title == "URL shortener"
    assert [problem.severity for problem in design.check()].count("error") == 0
    assert len(design.check()) > len(design.problems)


def test_values_and_text_give_the_same_design() -> None:
    values = {"estimates": {"links": "100M / month"}}
    assert Design.from_dict(values) == Design.from_text("estimates:\n  links: 100M / month")
    assert Design.from_dict(values).estimate()["links"].unit is not None


def test_errors_come_all_at_once_with_their_places() -> None:
    with pytest.raises(DesignError) as caught:
        Design.from_text("components: {a: {kind: servce}}\nestimates: {b: 500B}", "x.design.yaml")
    assert {problem.code for problem in caught.value.problems} == {"TS410", "TS310"}
    assert str(caught.value).startswith("x.design.yaml:1:")
    with pytest.raises(OSError):
        Design.load("nowhere.design.yaml")


def test_a_change_is_another_design_of_the_same_class() -> None:
    design = Design.from_text(MEETS)
    changed = design.with_change({"estimates.peak": 6})
    assert isinstance(changed, Design)
    assert changed.estimate()["rate"].median == pytest.approx(2 * design.estimate()["rate"].median)
    assert design.estimate()["peak"].median == 3
    with pytest.raises(DesignError):
        design.with_change({"components.ap.replicas": 3})


def test_a_simulation_judges_the_design_and_makes_its_page(tmp_path: Path) -> None:
    design = Design.from_text(MEETS)
    simulation = design.simulate(duration=20.0, seed=5)
    assert simulation.seed == 5
    assert [verdict.status.value for verdict in design.judge(simulation)] == ["met"]
    assert [verdict.status.value for verdict in Design.from_text(MISSES).judge(simulation)] == ["missed"]
    page = design.report(tmp_path / "page.html", simulation)
    read = Read.of(page.read_text(encoding="utf-8"))
    assert read.wrong == read.asks == []
    assert "seed 5" in read.text


def test_the_public_names_are_there_and_no_other() -> None:
    assert set(toscale.__all__) <= set(dir(toscale))
    for name in toscale.__all__:
        assert getattr(toscale, name) is not None
    with pytest.raises(AttributeError):
        _ = toscale.nothing  # type: ignore[attr-defined]

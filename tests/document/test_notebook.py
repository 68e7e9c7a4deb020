"""In a notebook: a design and its results show themselves, harmlessly, and give data frames; a real one is run."""

from __future__ import annotations

import builtins
import json

import nbformat
import pytest
from nbclient import NotebookClient

from tests.cli.calls import MEETS
from tests.document.made import TEXT, simulation
from tests.document.pages import Read
from toscale import Design
from toscale.document.notebook import Simulation
from toscale.simulate.result import Overload

HOSTILE = '<img src=x onerror="alert(1)"></div></style><script>alert(1)</script>'
CELLS = (
    f"from toscale import Design\ndesign = Design.from_text('''{MEETS}''')\ndesign",
    "design.draw()",
    "estimates = design.estimate()\nestimates",
    "estimates['rate']",
    "simulation = design.simulate(duration=20)\nsimulation",
    "design.judge(simulation)",
    "simulation.to_frame()",
)


def made(title: str = "A counter") -> Design:
    return Design.from_text(TEXT.replace("TITLE", json.dumps(title)))


def test_what_it_shows_is_well_formed_and_asks_for_nothing() -> None:
    design, ran = made(HOSTILE), Simulation.of(simulation(HOSTILE))
    estimates = design.estimate()
    for shown in (design, estimates, estimates["rate"], ran, design.judge(ran)):
        read = Read.of(shown._repr_html_())
        assert read.wrong == read.asks == read.ids == []
    assert HOSTILE in Read.of(design._repr_html_()).text
    assert Read.of(design.draw()._repr_svg_()).wrong == []


def test_it_shows_the_values() -> None:
    design, ran = made(), Simulation.of(simulation())
    estimates = design.estimate()
    assert estimates["rate"].shown() in Read.of(estimates["rate"]._repr_html_()).text
    assert "What it is uncertain by" in Read.of(estimates["rate"]._repr_html_()).text
    text = Read.of(estimates._repr_html_()).text
    assert all(name in text and one.shown_median() in text for name, one in estimates.sheet.items())
    assert "✓ met" in Read.of(design.judge(ran)._repr_html_()).text
    over = Simulation.of(simulation("x", (Overload("app", 12.0, "app grows without bound"),)))
    assert "app grows without bound" in Read.of(over._repr_html_()).text


def test_frames_have_the_figures_of_the_results() -> None:
    design, ran = made(), Simulation.of(simulation())
    flows = ran.to_frame()
    for load, run in (("median", ran.median), ("upper", ran.upper)):
        assert flows.loc[("look", load), "p99"] == run.flows["look"].latency.answered["p99"].value
        assert flows.loc[("look", load), "offered_low"] == run.flows["look"].offered.low
    parts = ran.frames()
    assert parts["components"].loc[("store", "median"), "hit_ratio"] == 0.9
    assert list(parts["series"].index) == [0.0, 1.0, 2.0, 3.0]
    assert parts["series"]["look: mean latency"].isna().sum() == 1
    estimates = design.estimate()
    table = estimates.to_frame()
    assert table.loc["peak", "median"] == estimates["peak"].median
    assert table.loc["rate", "unit"] == "1/s"
    verdicts = design.judge(ran).to_frame()
    assert list(verdicts["verdict"]) == ["met"]


def test_without_pandas_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def importing(name: str, *more: object, **named: object) -> object:
        if name == "pandas":
            raise ImportError(name)
        return real(name, *more, **named)

    monkeypatch.setattr(builtins, "__import__", importing)
    with pytest.raises(ImportError, match="pip install pandas"):
        Simulation.of(simulation()).to_frame()


@pytest.mark.filterwarnings("ignore")  # of the notebook's own machinery
def test_a_real_notebook_shows_them() -> None:
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    NotebookClient(book, timeout=120, kernel_name="python3").execute()
    shown = [[output["data"] for output in cell["outputs"] if "data" in output] for cell in book.cells]
    assert all(len(outputs) == 1 for outputs in shown), shown
    kinds = [next(kind for kind in ("image/svg+xml", "text/html") if kind in one) for (one,) in shown]
    assert kinds == ["text/html", "image/svg+xml", *["text/html"] * 5]
    assert "A counter" in shown[0][0]["text/html"]
    assert "✓ met" in shown[5][0]["text/html"]
    assert "p99" in shown[6][0]["text/html"]

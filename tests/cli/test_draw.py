"""`toscale draw`: pictures in files, and a drawing in the terminal."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.cli.calls import BROKEN, EXAMPLES, MEETS, Shell


def test_a_design_is_drawn_in_the_terminal(toscale: Shell) -> None:
    called = toscale("draw", toscale.write(MEETS))
    assert called.code == 0
    assert "│ cache" in called.out
    assert "│ visitor │" in called.out
    assert "Figures: theory, at the median of the rates." in called.out
    assert max(map(len, called.out.splitlines())) <= 100


def test_it_is_as_wide_as_the_terminal(toscale: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    for columns in ("40", "80", "250"):
        monkeypatch.setenv("COLUMNS", columns)
        called = toscale("draw", str(EXAMPLES / "news_feed.design.yaml"))
        drawing = called.out.splitlines()[1:-2]
        assert max(map(len, drawing)) <= int(columns)
        assert any("timelines" in line for line in drawing)


@pytest.mark.parametrize("theme", ["auto", "light", "dark"])
def test_an_svg_is_written(toscale: Shell, theme: str) -> None:
    output = toscale.folder / "new" / "a.svg"
    called = toscale("draw", toscale.write(MEETS), "-o", str(output), "--theme", theme)
    assert called.code == 0
    assert f"Picture: {output}" in called.out
    assert ET.parse(output).getroot().tag.endswith("svg")


def test_a_png_is_written(toscale: Shell) -> None:
    output = toscale.folder / "a.PNG"
    assert toscale("draw", toscale.write(MEETS), "--output", str(output)).code == 0
    assert output.read_bytes().startswith(b"\x89PNG")


def test_at_a_multiple_and_at_the_upper_end_there_is_more(toscale: Shell) -> None:
    path = toscale.write(MEETS)
    plain, tenfold, upper = (toscale("draw", path, *more).out for more in ((), ("--at", "10x"), ("--upper",)))
    assert len({plain, tenfold, upper}) == 3
    assert "10 times the load" in tenfold
    assert "the upper end of the rates" in upper


def test_loads_may_be_measured(toscale: Shell) -> None:
    called = toscale("draw", toscale.write(MEETS), "--simulate", "--duration", "5s")
    assert called.code == 0
    assert "simulation" in called.out


def test_without_components_there_is_a_hint(toscale: Shell) -> None:
    called = toscale("draw", toscale.write("title: Nothing yet"))
    assert called.code == 0
    assert "components:" in called.out


@pytest.mark.parametrize("output", [".", "a.gif", "a", "missing/../a.svg.txt"])
def test_another_kind_of_file_is_refused(toscale: Shell, output: str) -> None:
    called = toscale("draw", toscale.write(MEETS), "-o", output)
    assert called.code == 2
    assert ".svg or .png" in called.err


def test_what_cannot_be_written_is_said(toscale: Shell) -> None:
    (toscale.folder / "file").write_text("")
    called = toscale("draw", toscale.write(MEETS), "-o", str(toscale.folder / "file" / "a.svg"))
    assert called.code == 2
    assert "cannot write" in called.err


def test_a_design_with_errors_is_not_drawn(toscale: Shell) -> None:
    output = Path(toscale.folder / "a.svg")
    called = toscale("draw", toscale.write(BROKEN), "-o", str(output))
    assert called.code == 1
    assert "TS" in called.out
    assert not output.exists()

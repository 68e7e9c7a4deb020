"""`toscale export`: a text of another tool, on the standard output or in a file."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest

from tests.cli.calls import BROKEN, MEETS, Shell
from toscale.cli.parser import parse
from toscale.document.exports import EXPORTS


@pytest.mark.parametrize("to", EXPORTS)
def test_every_format_is_written_with_components_and_rates(toscale: Shell, to: str) -> None:
    path = toscale.write(MEETS)
    called = toscale("export", path, "--to", to)
    assert called.code == 0
    for word in ("visitor", "app", "cache", "service ×2", "98.2/s"):
        assert word in called.out
    assert toscale("export", path, "--to", to).out == called.out


def test_a_file_has_what_the_standard_output_would_have(toscale: Shell) -> None:
    path = toscale.write(MEETS)
    printed = toscale("export", path, "--to", "drawio").out
    called = toscale("export", path, "--to", "drawio", "-o", "made/shop.drawio")
    assert called.out == "Exported: made/shop.drawio\n"
    written = (toscale.folder / "made" / "shop.drawio").read_text(encoding="utf-8")
    assert written == printed
    ET.fromstring(written)


def test_the_rates_are_those_of_the_load_that_is_asked_for(toscale: Shell) -> None:
    path = toscale.write(MEETS)
    one, ten = (toscale("export", path, "--to", "mermaid", "--at", at).out for at in ("1x", "10x"))
    assert "98.2/s" in one
    assert "982/s" in ten


def test_a_design_without_components_is_an_empty_drawing(toscale: Shell) -> None:
    path = toscale.write("title: Nothing yet\n")
    assert toscale("export", path, "--to", "mermaid").out.endswith("flowchart LR\n")
    elements = json.loads(toscale("export", path, "--to", "excalidraw").out)["elements"]
    assert [element["text"] for element in elements] == ["Nothing yet"]


def test_errors_of_the_design_are_shown_and_nothing_is_written(toscale: Shell) -> None:
    called = toscale("export", toscale.write(BROKEN), "--to", "d2", "-o", "out.d2")
    assert called.code == 1
    assert "TS" in called.out
    assert not (toscale.folder / "out.d2").exists()


def test_where_nothing_can_be_written_it_says_so(toscale: Shell) -> None:
    path = toscale.write(MEETS)
    (toscale.folder / "file").write_text("", encoding="utf-8")
    for output in ("file/out.d2", ".", "a\0b"):
        called = toscale("export", path, "--to", "d2", "-o", output)
        assert called.code == 2
        assert called.err.startswith("toscale: cannot write ")


def test_the_call_knows_the_formats_that_there_are(toscale: Shell) -> None:
    for to in EXPORTS:
        assert not isinstance(parse(["export", "a.design.yaml", "--to", to]), int)
    called = toscale("export", "a.design.yaml", "--to", "visio")
    assert called.code == 2
    assert "mermaid" in called.err

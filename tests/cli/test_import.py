"""`toscale import`: a design out of another tool's file, that checks, and that overwrites nothing."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

from tests.cli.calls import EXAMPLES, Shell

if TYPE_CHECKING:
    import pytest

CHART = "flowchart LR\n  user([User]) -->|often| web[Web] --> db[(Orders)]\n  db --> user2([Clerk])\n"


def test_a_chart_becomes_a_design_that_checks(toscale: Shell) -> None:
    called = toscale("import", toscale.write(CHART, "shop.mmd"), "-o", "shop.design.yaml")
    assert called.code == 0
    assert called.out == "Imported: shop.design.yaml\n"
    assert "2 components, 3 relations" in called.err
    checked = toscale("check", "shop.design.yaml")
    assert checked.code == 0
    assert "error" not in checked.out
    text = (toscale.folder / "shop.design.yaml").read_text(encoding="utf-8")
    assert "# Imported from shop.mmd" in text
    assert "Unknown" in text
    assert "# often" in text


def test_without_an_output_the_design_is_printed(toscale: Shell) -> None:
    path = toscale.write(CHART, "shop.mmd")
    called = toscale("import", path)
    assert called.out.startswith("# Imported from shop.mmd")
    assert toscale("import", path).out == called.out


def test_an_export_of_an_example_is_imported(toscale: Shell) -> None:
    assert (
        toscale(
            "export", str(EXAMPLES / "url_shortener.design.yaml"), "--to", "structurizr", "-o", "s.dsl"
        ).code
        == 0
    )
    assert toscale("import", "s.dsl", "-o", "s.design.yaml").code == 0
    drawn = toscale("export", "s.design.yaml", "--to", "structurizr").out
    for name in ("visitor", "edge", "clicks", "counter"):
        assert f'"{name}"' in drawn


def test_the_standard_input_is_read(toscale: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(CHART.encode())))
    called = toscale("import", "-")
    assert called.code == 0
    assert "Orders: {kind: database}" in called.out


def test_what_cannot_be_read_is_said_with_its_line_and_a_mend(toscale: Shell) -> None:
    path = toscale.write("flowchart LR\n  a -> b\n", "bad.mmd")
    called = toscale("import", path)
    assert called.code == 2
    assert f"{path}:2: " in called.err
    assert "help: Write `A --> B`" in called.err
    assert called.out == ""


def test_files_that_are_missing_or_no_text_are_refused(toscale: Shell) -> None:
    toscale.write(b"\xff\xfe\xff", "bytes.dsl")
    for path in ("missing.dsl", "bytes.dsl", ".", "a\0b"):
        called = toscale("import", path)
        assert called.code == 2
        assert called.err.startswith("toscale: cannot read ")


def test_a_file_that_is_there_is_left_as_it_is(toscale: Shell) -> None:
    path = toscale.write(CHART, "shop.mmd")
    toscale.write("mine", "shop.design.yaml")
    called = toscale("import", path, "-o", "shop.design.yaml")
    assert called.code == 2
    assert "left as it is" in called.err
    assert (toscale.folder / "shop.design.yaml").read_text(encoding="utf-8") == "mine"

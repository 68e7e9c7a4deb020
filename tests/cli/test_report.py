"""`toscale report`: the walk in the terminal, and a document in one of three formats."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.calls import BROKEN, MEETS, MISSES, Shell
from tests.document.pages import Read

SHORT = ("--duration", "20s")


def test_the_walk_has_the_four_steps_and_the_page_is_where_it_was_wanted(toscale: Shell) -> None:
    called = toscale("report", toscale.write(MEETS), "--output", "deep/er/page.html", *SHORT)
    assert called.code == 0
    steps = [called.out.index(f"Step {number}: ") for number in (1, 2, 3, 4)]
    assert steps == sorted(steps)
    assert called.out.rstrip().endswith("Document: deep/er/page.html")
    page = Read.of(Path("deep/er/page.html").read_text(encoding="utf-8"))
    assert "A counter" in page.text
    assert "met" in page.text


def test_without_an_output_the_page_has_the_name_of_the_design(toscale: Shell) -> None:
    toscale.write(MEETS, "deep/counter.design.yaml")
    assert toscale("report", "deep/counter.design.yaml", *SHORT).code == 0
    assert (toscale.folder / "counter.html").exists()


def test_a_missed_target_is_exit_code_1_and_has_its_page(toscale: Shell) -> None:
    called = toscale("report", toscale.write(MISSES), "-o", "page.html", *SHORT)
    assert called.code == 1
    assert "missed" in Read.of(Path("page.html").read_text(encoding="utf-8")).text


def test_a_page_that_cannot_be_written_is_said(toscale: Shell) -> None:
    path = toscale.write(MEETS)
    folder = toscale("report", path, "-o", str(toscale.folder), *SHORT)
    below_a_file = toscale("report", path, "-o", f"{path}/page.html", *SHORT)
    for called in (folder, below_a_file):
        assert called.code == 2
        assert called.err.startswith("toscale: ")
        assert "Traceback" not in called.err


def test_a_design_with_errors_has_no_page(toscale: Shell) -> None:
    called = toscale("report", toscale.write(BROKEN), "-o", "page.html")
    assert called.code == 1
    assert not Path("page.html").exists()


def test_an_empty_file_is_the_start_of_a_walk(toscale: Shell) -> None:
    called = toscale("report", toscale.write(""), "-o", "page.html")
    assert called.code == 0
    assert called.out.count("Nothing is written of this step yet.") == 3
    assert (
        "nothing was simulated, as it has no flow"
        in Read.of(Path("page.html").read_text(encoding="utf-8")).text
    )


def test_markdown_comes_with_its_pictures_and_leads_to_the_file(toscale: Shell) -> None:
    toscale.write(MEETS, "designs/counter.design.yaml")
    called = toscale("report", "designs/counter.design.yaml", "-o", "out/counter.md", *SHORT)
    assert called.code == 0
    text = Path("out/counter.md").read_text(encoding="utf-8")
    assert "](../designs/counter.design.yaml#L" in text
    assert {path.suffix for path in Path("out/counter_files").iterdir()} == {".svg"}


def test_a_pdf_is_one(toscale: Shell) -> None:
    called = toscale("report", toscale.write(MEETS), "-o", "counter.PDF", *SHORT)
    assert called.code == 0
    assert Path("counter.PDF").read_bytes().startswith(b"%PDF-")


def test_another_ending_is_refused_before_anything_is_run(toscale: Shell) -> None:
    for name in ("page.docx", "page"):
        called = toscale("report", toscale.write(MEETS), "-o", name)
        assert called.code == 2
        assert ".html, .md, .pdf" in called.err
        assert not Path(name).exists()


FAULTS = """
faults:
  the app is slow: {at: 2 s, slow: app, by: 2x, for: 1 s}
  the app is away: {at: 2 s, lose: app, for: 1 s}
"""


@pytest.mark.parametrize(
    ("which", "courses"), [("all", {"the app is slow", "the app is away"}), ("none", set())]
)
def test_the_faults_of_a_design_are_simulated_where_they_are_asked_for(
    toscale: Shell, which: str, courses: set[str]
) -> None:
    called = toscale("report", toscale.write(MEETS + FAULTS), "--faults", which, "-o", "page.html", *SHORT)
    assert called.code == 0
    page = Read.of(Path("page.html").read_text(encoding="utf-8"))
    assert {
        name for name in ("the app is slow", "the app is away") if f"The course of {name}" in page.text
    } == courses
    assert ("what each of them does to the targets is not known" in page.text) == (not courses)

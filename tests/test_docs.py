"""Does what the documentation shows still hold? Whole designs check, commands parse, generated pages are up to date,
and links lead somewhere.

A block of YAML that is a whole design is fenced as ```yaml design; one that may have notes but no errors passes.
"""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path
from types import ModuleType

import pytest

from toscale.cli.parser import parse
from toscale.design import check_design

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
WRITTEN = [page for page in PAGES if page.name not in ("rules.md", "kinds.md")]
"""The pages that are written by hand."""

BLOCK = re.compile(r"^```([^\n`]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]\n]+\]\(([^)\s]+)\)")


def blocks(page: Path) -> list[tuple[str, int, str]]:
    """The fenced blocks of a page: what stands behind the fence, the line, and the text."""
    text = page.read_text(encoding="utf-8")
    return [(m[1].strip(), text.count("\n", 0, m.start()) + 1, m[2]) for m in BLOCK.finditer(text)]


def designs() -> list[object]:
    return [
        pytest.param(text, id=f"{page.name}:{line}")
        for page in WRITTEN
        for what, line, text in blocks(page)
        if what == "yaml design"
    ]


def commands() -> list[object]:
    """Every `toscale ...` that a reader may copy: in a block on a line of its own, with or without a prompt."""
    found = []
    for page in WRITTEN:
        for _, start, text in blocks(page):
            for offset, line in enumerate(text.splitlines(), 1):
                said = re.match(r"\s*(?:\$ )?(?:\.venv/bin/)?(toscale [a-z-].*)$", line)
                if said:
                    found.append(pytest.param(said[1], id=f"{page.name}:{start + offset}"))
    return found


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("tools_docs", ROOT / "tools" / "docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("text", designs())
def test_designs_of_the_documentation_have_no_errors(text: str) -> None:
    assert check_design(text).errors == ()


def test_the_language_is_shown_by_whole_designs() -> None:
    assert len([what for what, _, _ in blocks(ROOT / "docs" / "language.md") if what == "yaml design"]) >= 4


@pytest.mark.parametrize("command", commands())
def test_commands_of_the_documentation_parse(command: str) -> None:
    words = shlex.split(re.split(r" {3,}| \| | > | #", re.sub(r"^(toscale [a-z]+) +", r"\1 ", command))[0])[
        1:
    ]
    options = parse(words)
    assert options == 0 if isinstance(options, int) else options.command == words[0]


def test_the_readme_shows_the_five_commands() -> None:
    shown = " ".join(text for _, _, text in blocks(ROOT / "README.md"))
    for command in ("new", "check", "estimate", "simulate", "report"):
        assert f"toscale {command} " in shown


@pytest.mark.parametrize("name", ["rules.md", "kinds.md"])
def test_generated_pages_are_up_to_date(name: str) -> None:
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == generator().PAGES[name](), "run `make docs`"


def test_pictures_are_up_to_date() -> None:
    for name, example in generator().PICTURES.items():
        assert (ROOT / "docs" / name).read_text(encoding="utf-8") == generator().picture(example), (
            "run `make docs`"
        )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_within_the_repository_lead_somewhere(page: Path) -> None:
    text = re.sub(BLOCK, "", page.read_text(encoding="utf-8"))
    local = [link for link in LINK.findall(text) if not re.match(r"[a-z]+:", link)]
    for link in local:
        file, _, anchor = link.partition("#")
        target = page if not file else (page.parent / file).resolve()
        assert target.exists(), link
        if anchor and target.suffix == ".md":
            heads = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            slugs = {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}
            assert anchor in slugs, link

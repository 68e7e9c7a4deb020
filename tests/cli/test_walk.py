"""`toscale walk`: in the terminal, as a picture, as JSON; what cannot be shown is said."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from tests.cli.calls import BROKEN, EXAMPLES, MEETS, Shell

SHORTENER = str(EXAMPLES / "url_shortener.design.yaml")


def test_a_flow_is_walked_through_in_the_terminal(toscale: Shell) -> None:
    called = toscale("walk", SHORTENER, "redirect")
    assert called.code == 0
    for words in ("redirect: the happy path", "when something goes wrong", "no answer within 60 ms"):
        assert words in called.out
    assert "redirect. A typical request: " in called.out
    assert "redirect. A slow request: " in called.out
    assert "shorten" not in called.out.split("\n", 1)[1]
    assert max(map(len, called.out.splitlines())) <= 100


def test_only_what_is_asked_for_is_shown(toscale: Shell) -> None:
    file = toscale.write(MEETS)
    slow = toscale("walk", file, "look", "--slow").out
    assert "A slow request" in slow
    assert "typical" not in slow
    assert "happy path" not in slow
    failed = toscale("walk", file, "look", "--failed")
    assert failed.code == 0
    assert "none of the requests looked at failed" in failed.out
    told = toscale("walk", file, "--no-simulate").out
    assert "happy path" in told
    assert "request:" not in told
    assert "all branches" in toscale("walk", SHORTENER, "redirect", "--branches", "--no-simulate").out


def test_pictures_are_written(toscale: Shell) -> None:
    svg, png = toscale.folder / "new" / "a.svg", toscale.folder / "a.png"
    file = toscale.write(MEETS)
    assert toscale("walk", file, "-o", str(svg)).code == 0
    assert ET.parse(svg).getroot().tag.endswith("svg")
    assert "A typical request" in svg.read_text()
    assert toscale("walk", file, "-o", str(png), "--no-simulate").code == 0
    assert png.read_bytes().startswith(b"\x89PNG")
    assert toscale("walk", file, "-o", str(toscale.folder / "a.gif")).code == 2


def test_as_json_it_has_the_sequences_and_the_traces(toscale: Shell) -> None:
    (look,) = toscale("walk", toscale.write(MEETS), "--json").json["flows"]
    assert look["flow"] == "look"
    assert look["not_followed"] is None
    assert [party["name"] for party in look["sequences"][0]["parties"]] == ["visitor", "app", "cache"]
    assert [one["why"] for one in look["traces"]] == ["typical", "slow"]
    for one in look["traces"]:
        assert sum(leg["end"] - leg["begin"] for leg in one["legs"]) == pytest.approx(one["latency"])


def test_what_cannot_be_shown_is_said(toscale: Shell) -> None:
    called = toscale("walk", SHORTENER, "redirects")
    assert called.code == 2
    assert "did you mean `redirect`?" in called.err
    assert toscale("walk", toscale.write(BROKEN)).code == 1
    assert "nothing to walk through" in toscale("walk", toscale.write("title: Empty\n")).out
    idle = MEETS + "  other: {how many: 1, size: 1 kB}\n"
    assert toscale("walk", toscale.write(idle), "look", "--typical").code == 0

"""`toscale check`: all problems at their places, and exit codes that a build can rely on."""

from __future__ import annotations

import re
from pathlib import Path

import jsonschema
import pytest

from tests.cli.calls import BROKEN, EXAMPLES, MEETS, MISSES, Shell
from tests.cli.shapes import CHECK

LINE = re.compile(r"[^:]+:[1-9]\d*:[1-9]\d*: TS\d{3} (error|warning|note): \S.*")


def test_every_example_checks_without_an_error(toscale: Shell) -> None:
    called = toscale("check", str(EXAMPLES))
    assert called.code == 0
    assert called.err == ""
    assert "error" not in called.out
    assert len(list(EXAMPLES.glob("*.design.yaml"))) == int(re.search(r"(\d+) designs", called.out)[1])  # type: ignore[index]


def test_every_problem_is_a_line_with_its_place_and_a_line_of_help(toscale: Shell) -> None:
    called = toscale("check", toscale.write(BROKEN))
    assert called.code == 1
    *lines, blank, summary = called.out.splitlines()
    assert blank == ""
    assert re.fullmatch(r"1 design: [1-9]\d* errors.*\.", summary)
    assert all(LINE.fullmatch(line) or line.startswith("  help: ") for line in lines)
    for code, line in (("TS410", 2), ("TS201", 4), ("TS310", 6)):
        assert re.search(rf":{line}:\d+: {code} error: ", called.out)


def test_what_is_vague_is_said_and_does_not_fail(toscale: Shell) -> None:
    vague = MEETS.replace("quick: p99(look) <= 200 ms", "quick: It must be fast.")
    called = toscale("check", toscale.write(vague))
    assert called.code == 0
    assert "TS601 warning:" in called.out
    quiet = toscale("check", "--quiet", toscale.write(vague))
    assert "TS601" not in quiet.out
    assert quiet.code == 0


def test_a_folder_stands_for_the_designs_in_it(toscale: Shell) -> None:
    toscale.write(MEETS, "designs/a.design.yaml")
    toscale.write(BROKEN, "designs/deep/b.design.yaml")
    toscale.write(BROKEN, "designs/.hidden/c.design.yaml")
    toscale.write("no: design", "designs/other.yaml")
    called = toscale("check", "designs", "designs/a.design.yaml", "--json")
    assert called.code == 1
    names = [file["file"] for file in called.json["files"]]
    assert names == [str(Path("designs/a.design.yaml")), str(Path("designs/deep/b.design.yaml"))]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("missing.design.yaml", None),
        ("binary.design.yaml", b"\x00\xff\xfe"),
        ("utf16.design.yaml", b"\xff\xfea\x00"),
    ],
)
def test_what_cannot_be_read_is_2_and_the_rest_is_checked_all_the_same(
    toscale: Shell, name: str, content: bytes | None
) -> None:
    good = toscale.write(BROKEN)
    if content is not None:
        toscale.write(content, name)
    called = toscale("check", name, good)
    assert called.code == 2
    assert name in called.out + called.err
    assert "TS410" in called.out
    assert "Traceback" not in called.out + called.err


def test_a_folder_without_designs_is_a_call_that_means_nothing(toscale: Shell) -> None:
    (toscale.folder / "empty").mkdir()
    called = toscale("check", "empty")
    assert called.code == 2
    assert "empty" in called.err


def test_json_has_the_documented_shape(toscale: Shell) -> None:
    called = toscale("check", "--json", toscale.write(BROKEN), str(EXAMPLES), "missing.design.yaml")
    jsonschema.validate(called.json, CHECK)
    assert called.code == 2
    assert called.err == ""
    assert called.json["errors"] == sum(p["severity"] == "error" for p in called.json["problems"])
    assert [file["file"] for file in called.json["files"] if file["unreadable"]] == ["missing.design.yaml"]
    suggestions = {problem["code"]: problem["suggestion"] for problem in called.json["problems"]}
    assert "app" in suggestions["TS201"]


def test_targets_are_judged_on_request(toscale: Shell) -> None:
    good, bad = toscale.write(MEETS, "good.design.yaml"), toscale.write(MISSES, "bad.design.yaml")
    assert toscale("check", bad).code == 0
    called = toscale("check", "--simulate", "--duration", "20s", good, bad)
    assert called.code == 1
    assert "✓ met" in called.out
    assert "✗ missed" in called.out
    assert "1 target missed" in called.out
    said = toscale("check", "--simulate", "--duration", "20s", "--json", good, bad)
    jsonschema.validate(said.json, CHECK)
    statuses = [[one["status"] for one in file["conditions"]] for file in said.json["files"]]
    assert statuses == [["met"], ["missed"]]
    assert toscale("check", "--simulate", "--duration", "20s", good).code == 0


def test_a_target_that_cannot_be_judged_does_not_fail(toscale: Shell) -> None:
    unknown = MEETS.replace("p99(look) <= 200 ms", "p99(look) <= 200 ms during cold") + (
        "faults:\n  cold: {at: 10 s, clock: app, off by: 1 s, for: 10 s}\n"
    )
    called = toscale("check", "--simulate", "--duration", "20s", toscale.write(unknown))
    assert called.code == 0
    assert "? unknown" in called.out


def test_a_design_that_cannot_be_simulated_says_so_at_its_place(toscale: Shell) -> None:
    impossible = MEETS.replace("replicas: 2", "replicas: 0")
    called = toscale("check", "--simulate", toscale.write(impossible))
    assert called.code == 1
    assert re.search(r"a\.design\.yaml:12:\d+: TS\d{3} error: ", called.out)

"""`toscale diff`: files and revisions, words and numbers, and exit codes."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest

from tests.cli.calls import BROKEN, MEETS, MISSES, Shell
from tests.cli.repositories import commit
from tests.cli.shapes import FIGURE, TEXT_OR_NULL, listing, record

SHORT = ("--duration", "20s")
SLOWER = MEETS.replace("app: 5 ms", "app: 8 ms")

SIDE = record(file={"type": "string"}, title=TEXT_OR_NULL)
DIFFERENCE = record(
    path={"type": "array", "items": {"type": "string"}, "minItems": 1},
    what={"enum": ["added", "removed", "changed"]},
    subject={"type": "string"},
    key=TEXT_OR_NULL,
    before=TEXT_OR_NULL,
    after=TEXT_OR_NULL,
    text={"type": "string"},
)
EFFECT = record(
    kind={"enum": ["target", "flow", "component"]},
    of={"type": "string"},
    measure={"type": "string"},
    unit={"enum": ["s", "", "1/s", "USD/s"]},
    multiple={"type": "number"},
    before={"type": ["number", "null"]},
    after={"type": ["number", "null"]},
    change=FIGURE,
    verdict={"enum": ["rises", "falls", "no difference seen", "the same", "unknown"]},
    text={"type": "string"},
)
CONDITIONS = record(before={"type": "array"}, after={"type": "array"})
DIFF = record(
    before=SIDE,
    after=SIDE,
    differences=listing(DIFFERENCE),
    effects=listing(EFFECT),
    conditions=CONDITIONS,
    newly_missed=listing({"type": "string"}),
    pairs={"type": "integer"},
    seed={"type": "integer"},
)


def test_the_changed_target_is_named_with_its_interval(toscale: Shell, repository: Path) -> None:
    commit(repository, "a.design.yaml", MEETS)
    toscale.write(SLOWER)
    called = toscale("diff", "--git", "HEAD", "a.design.yaml", *SHORT)
    assert called.code == 0
    assert "~ flow `look`, step `app`: 5 ms → 8 ms" in called.out
    assert "p99(look) rises by " in called.out
    assert called.out.endswith("No target is missed that was not before.\n")
    said = toscale("diff", "main:a.design.yaml", "a.design.yaml", "--json", *SHORT).json
    jsonschema.validate(said, DIFF)
    [quick] = [one for one in said["effects"] if one["kind"] == "target"]
    assert quick["of"] == "quick"
    assert quick["verdict"] == "rises"
    assert 0 < quick["change"]["low"] < quick["change"]["value"] < quick["change"]["high"]
    mean = next(one for one in said["effects"] if one["measure"] == "mean(look)")
    assert mean["change"]["low"] <= 0.003 <= mean["change"]["high"] + 5e-4  # cores are a tenth in use
    assert said["newly_missed"] == []


def test_a_target_that_is_missed_now_and_was_not_is_1_and_one_that_was_is_0(toscale: Shell) -> None:
    good, bad = toscale.write(MEETS), toscale.write(MISSES, "b.design.yaml")
    worse = toscale.write(MISSES.replace("app: 5 ms", "app: 6 ms"), "c.design.yaml")
    called = toscale("diff", good, bad, *SHORT)
    assert called.code == 1
    assert "✗ missed, was met  quick" in called.out
    assert "1 target is missed that was not before: `quick`." in called.out
    assert toscale("diff", bad, worse, *SHORT).code == 0
    assert toscale("diff", bad, good, *SHORT).code == 0


def test_comments_and_order_are_no_difference_and_nothing_is_run(toscale: Shell) -> None:
    one = toscale.write(MEETS)
    other = toscale.write(f"# new\n{MEETS}layout: {{app: [1, 2]}}\n", "b.design.yaml")
    called = toscale("diff", one, other)
    assert called.code == 0
    assert "nothing was added, removed or changed" in called.out
    said = toscale("diff", one, other, "--json").json
    assert (said["differences"], said["effects"], said["pairs"]) == ([], None, None)


def test_words_only_run_nothing_and_judge_nothing(toscale: Shell) -> None:
    called = toscale("diff", toscale.write(MEETS), toscale.write(MISSES, "b.design.yaml"), "--no-simulate")
    assert called.code == 0
    assert "~ requirement `quick`: p99(look) <= 200 ms → p99(look) <= 1 ms" in called.out
    assert "Targets" not in called.out


def test_targets_that_came_and_went_are_named(toscale: Shell) -> None:
    more = MEETS.replace("    quick:", "    there: availability(look) >= 99%\n    quick:")
    one, other = toscale.write(MEETS), toscale.write(more, "b.design.yaml")
    assert "met, is new  there" in toscale("diff", one, other, *SHORT).out
    assert "removed, was met  there" in toscale("diff", other, one, *SHORT).out


def test_a_file_in_a_folder_is_found_from_there_and_from_the_top(
    toscale: Shell, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = commit(repository, "designs/a.design.yaml", MEETS)
    commit(repository, "designs/a.design.yaml", SLOWER)
    asked = ("diff", "--no-simulate")
    for name in ("designs/a.design.yaml", str(repository / "designs" / "a.design.yaml")):
        assert "5 ms → 8 ms" in toscale(*asked, f"{first[:12]}:{name}", f"HEAD:{name}").out
    monkeypatch.chdir(repository / "designs")
    for name in ("a.design.yaml", "designs/a.design.yaml"):
        assert "5 ms → 8 ms" in toscale(*asked, f"HEAD~1:{name}", "a.design.yaml").out


def test_what_git_does_not_have_is_2_with_the_reason(
    toscale: Shell, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(repository, "a.design.yaml", MEETS)
    toscale.write(MEETS, "new.design.yaml")
    for arguments, said in (
        (("nowhere:a.design.yaml", "a.design.yaml"), "git knows no revision `nowhere`"),
        (("--git", "--all", "a.design.yaml"), ""),
        (("--git=--all", "a.design.yaml"), "git knows no revision `--all`"),
        (("--git", "HEAD", "new.design.yaml"), "`new.design.yaml` is not in revision `HEAD`"),
        (("a.design.yaml",), "nothing to compare"),
        (("--git", "HEAD", "a.design.yaml", "new.design.yaml"), "takes one file"),
        (("HEAD:a.design.yaml", "gone.design.yaml"), "cannot read `gone.design.yaml`"),
    ):
        called = toscale("diff", "--no-simulate", *arguments)
        assert called.code == 2
        assert said in called.err
    monkeypatch.setenv("PATH", "")
    assert "git is not installed" in toscale("diff", "--git", "HEAD", "a.design.yaml").err


def test_outside_of_a_repository_there_are_no_revisions(
    toscale: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(toscale.folder.parent))
    toscale.write(MEETS)
    called = toscale("diff", "--git", "HEAD", "a.design.yaml")
    assert called.code == 2
    assert "`a.design.yaml` is in no git repository" in called.err


@pytest.mark.parametrize("broken_first", [True, False])
def test_a_design_with_errors_is_1_with_its_problems(toscale: Shell, broken_first: bool) -> None:
    names = [toscale.write(BROKEN), toscale.write(MEETS, "b.design.yaml")]
    called = toscale("diff", *(names if broken_first else reversed(names)))
    assert called.code == 1
    assert "TS310" in called.out
    assert toscale("diff", toscale.write(b"\xff\x00"), names[1]).code == 2

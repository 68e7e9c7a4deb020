"""`toscale agree`: what is recorded in the file, and what is said of it afterwards."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cli.calls import BROKEN, MEETS, Shell
from tests.cli.repositories import commit, git
from toscale.design import Design

FILE = "a.design.yaml"
SHORT = ("--duration", "20s")
COMMENTED = MEETS.replace("  app: {", "  # the heart of it\n  app: {").replace("title: A", "title:   A")


def test_an_agreement_is_written_at_the_end_and_nothing_else_is_touched(toscale: Shell) -> None:
    toscale.write(COMMENTED)
    days = [datetime.now(UTC).date().isoformat()]
    called = toscale("agree", FILE, "--who", "Ann")
    days.append(datetime.now(UTC).date().isoformat())
    assert called.code == 0
    assert called.out.startswith("Ann agrees to title, requirements, estimates, components, flows, data.")
    text = Path(FILE).read_text()
    assert text.startswith(COMMENTED)
    design = Design.from_text(text)
    assert design.fingerprints() == Design.from_text(MEETS).fingerprints()
    assert {name: one.fingerprint for name, one in design.agreements.items()} == design.fingerprints()
    assert {one.by for one in design.agreements.values()} == {("Ann",)}
    assert {one.at for one in design.agreements.values()} <= set(days)
    assert not list(Path().glob(".*"))  # no draft is left


def test_who_agreed_is_shown_and_comments_and_positions_change_nothing(toscale: Shell) -> None:
    toscale.write(MEETS)
    toscale("agree", FILE, "--who", "Ann", "--to", "components", "--to", "flows")
    toscale("agree", FILE, "--who", "Bob", "--to", "flows")
    Path(FILE).write_text("# a comment\n" + Path(FILE).read_text() + "layout: {app: [1, 2]}\n")
    called = toscale("agree", FILE)
    assert called.code == 0
    assert re.search(r"✓ components: Ann on \S+; unchanged since", called.out)
    assert re.search(r"✓ flows: Ann, Bob on \S+; unchanged since", called.out)
    assert "Nobody has agreed to title, requirements, estimates, data." in called.out
    assert "numbers" not in called.out


def test_what_changed_since_is_said_in_words_and_in_numbers(toscale: Shell, repository: Path) -> None:
    toscale.write(MEETS)
    commit(repository, FILE)
    toscale("agree", FILE, "--who", "Ann", "--to", "flows", "--to", "components")
    agreed = commit(repository, FILE)
    text = Path(FILE).read_text()
    commit(repository, FILE, text.replace("title: A counter", "title: The counter"))
    Path(FILE).write_text(text.replace("app: 5 ms", "app: 8 ms"))
    for named in ((), ("--who",)):
        assert named == () or toscale("agree", FILE, *named).code == 2
    called = toscale("agree", FILE, *SHORT)
    assert called.code == 0
    assert re.search(
        r"! flows: Ann on \S+; changed since\n +~ flow `look`, step `app`: 5 ms → 8 ms", called.out
    )
    assert re.search(r"✓ components: Ann", called.out)
    assert f"In numbers, since {agreed[:10]} of " in called.out
    assert "(flows as agreed)" in called.out
    assert "p99(look) rises by " in called.out
    words = toscale("agree", FILE, "--no-simulate")
    assert "5 ms → 8 ms" in words.out
    assert "rises" not in words.out


def test_a_file_that_was_renamed_is_followed(toscale: Shell, repository: Path) -> None:
    toscale.write(MEETS, "old.design.yaml")
    toscale("agree", "old.design.yaml", "--who", "Ann", "--to", "flows")
    commit(repository, "old.design.yaml")
    git(repository, "mv", "old.design.yaml", FILE)
    git(repository, "commit", "-q", "-m", "renamed")
    commit(repository, FILE, Path(FILE).read_text().replace("app: 5 ms", "app: 8 ms"))
    assert "5 ms → 8 ms" in toscale("agree", FILE, "--no-simulate").out


def test_what_cannot_be_known_is_said_plainly(
    toscale: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    toscale.write(MEETS)
    toscale("agree", FILE, "--who", "Ann", "--to", "flows")
    Path(FILE).write_text(Path(FILE).read_text().replace("app: 5 ms", "app: 8 ms"))
    unknown = "changed since\n    What it was is not known: "
    assert f"{unknown}`{FILE}` is in no git repository" in toscale("agree", FILE).out
    git(tmp_path, "init", "-q", "-b", "main")
    assert f"{unknown}git has no revision of `{FILE}` yet." in toscale("agree", FILE).out
    commit(tmp_path, FILE)
    out = " ".join(toscale("agree", FILE).out.split())
    assert (
        "no revision of `a.design.yaml` in git has it: it was changed again before it was committed." in out
    )
    assert "In numbers" not in out


def test_a_later_agreement_takes_the_place_of_one_to_an_earlier_state_and_says_so(toscale: Shell) -> None:
    toscale.write(MEETS)
    toscale("agree", FILE, "--who", "Ann", "--to", "flows")
    Path(FILE).write_text(Path(FILE).read_text().replace("app: 5 ms", "app: 8 ms"))
    called = toscale("agree", FILE, "--who", "Bob", "--to", "flows")
    assert "Ann had agreed to flows as it was before" in called.out
    assert Design.load(FILE).agreements["flows"].by == ("Bob",)


def test_concerns_are_kept_with_their_subject_and_answered(toscale: Shell) -> None:
    toscale.write(MEETS)
    toscale("agree", FILE, "--who", "Ann", "--concern", 'Too "fast": really?', "--about", "flows.look")
    called = toscale(
        "agree", FILE, "--who", "Bob", "--concern", "One copy is not enough.", "--about", "cache"
    )
    assert "Bob has a concern about components.cache." in called.out
    number = re.search(r"--answer ([0-9]+) TEXT", called.out)[1]
    assert toscale("agree", FILE, "--who", "Ann", "--answer", number, "It can be lost.").code == 0
    Path(FILE).write_text(Path(FILE).read_text().replace("memory: 1 GB", "memory: 2 GB"))
    out = toscale("agree", FILE).out
    assert "Nobody has agreed to anything yet" in out
    assert re.search(r"open, Ann on \S+, about flows.look: Too \"fast\": really\?", out)
    assert re.search(
        rf"{number}. answered, Bob on \S+, about components.cache; it has changed since: One copy", out
    )
    assert re.search(r"Ann on \S+: It can be lost.", out)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--to", "flows"), "say who"),
        (("--who", " "), "is a name"),
        (("--who", "Ann", "--to", "flow"), "did you mean `flows`?"),
        (("--who", "Ann", "--to", "components.app"), "`--to components`"),
        (("--who", "Ann", "--concern", "Why?"), "--about SUBJECT"),
        (("--who", "Ann", "--concern", " ", "--about", "app"), "the text is empty"),
        (("--who", "Ann", "--concern", "Why?", "--about", "ap"), "there is no `ap` in the design"),
        (("--who", "Ann", "--concern", "Why?", "--about", "look"), "names several parts"),
        (("--who", "Ann", "--answer", "one", "So."), "a concern has a number"),
        (("--who", "Ann", "--answer", "3", "So."), "there is no concern 3"),
    ],
)  # fmt: skip
def test_a_call_that_means_nothing_is_2_and_writes_nothing(
    toscale: Shell, arguments: tuple[str, ...], said: str
) -> None:
    toscale.write(MEETS)
    called = toscale("agree", FILE, *arguments)
    assert called.code == 2
    assert said in called.err
    assert Path(FILE).read_text() == MEETS


def test_a_design_with_errors_is_1_and_is_not_agreed_to(toscale: Shell) -> None:
    toscale.write(BROKEN)
    assert toscale("agree", FILE, "--who", "Ann").code == 1
    assert Path(FILE).read_text() == BROKEN
    assert toscale("agree", "-", "--who", "Ann").code == 2


def test_line_ends_and_the_byte_order_mark_stay(toscale: Shell) -> None:
    toscale.write(b"\xef\xbb\xbf" + MEETS.replace("\n", "\r\n").encode())
    assert toscale("agree", FILE, "--who", "Ann", "--to", "flows").code == 0
    data = Path(FILE).read_bytes()
    assert data.startswith(b"\xef\xbb\xbf" + MEETS.replace("\n", "\r\n").encode())
    assert b"\n" not in data.replace(b"\r\n", b"")

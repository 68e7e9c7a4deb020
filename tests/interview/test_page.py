"""What docs/session.md shows still runs, and prints what it says."""

import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "session.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
CODE = [index for index, (language, _) in enumerate(BLOCKS) if language == "python"]


@pytest.mark.parametrize("index", CODE)
def test_the_page_s_code_runs(index, capsys, monkeypatch):
    monkeypatch.chdir(Path(__file__).parents[2])
    exec(BLOCKS[index][1], {})
    printed = capsys.readouterr().out
    if printed:
        shown = BLOCKS[index + 1][1].removesuffix("...\n")
        assert shown
        assert printed.startswith(shown)


def test_the_page_s_event_is_one():
    from toscale.interview.log import decode, encode

    (line,) = (text for language, text in BLOCKS if language == "json")
    assert decode(encode(decode(line))) == decode(line)


def test_the_page_s_bounds_are_the_clock_s():
    from toscale.interview.phases import PHASES, Schedule
    from toscale.interview.times import MINUTE

    usual = Schedule.of()
    for phase, *times in zip(PHASES, usual.minima, usual.maxima, usual.plan, strict=True):
        assert f"| {phase.called} | " + " | ".join(str(one // MINUTE) for one in times) + " |" in PAGE

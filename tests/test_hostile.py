"""Whatever stands in a design file, the command ends soon: with clear problems or with a result.

The whole chain is driven as a user drives it, `toscale.cli.main`, in a process of its own: a thousand mutated files
through `check` and `estimate`, some of them through `simulate`, and the inputs that are known to be hostile by name.
Run as a program (`python -m tests.test_hostile FOLDER EVERY COMMAND ...`), this file is that process.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import io
import json
import os
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.design.strategies import VALUES, mutated_texts
from toscale.design.build import node_of, write

ROOT = Path(__file__).resolve().parent.parent
FILES = 1_000
SIMULATED = 60
LONGEST = 5.0
"""Seconds of the processor that one command may take: a bound against hangs, not a benchmark."""
MOST_GROWTH = 20e6
"""Bytes by which the process may grow from the hundredth file to the last."""
EVENTS = 20_000

ODD_NUMBERS = {
    "time": (
        "0 s",
        "1 ns",
        "1 hour",
        "1e4 years",
        "1e12 s",
        "between 1 s and 1e9 s",
        "1 us (p99 10 hour)",
        "-1 s",
    ),
    "rate": ("0 / s", "1e-9 / s", "1e12 / s", "1e300 / s", "1 / year", "1 to 1e6 / s", "-1 / s"),
    "number": ("0", "1", "1e6", "1e9", "1e15", "1e300", "0.5", "-1", "1 to 1e9", "1e308 * 1e308", "1/0"),
    "share": ("0%", "100%", "200%", "1e-12%", "-5%"),
    "size": ("0 bytes", "1 byte", "1e30 bytes"),
    "law": ("zipf(0)", "zipf(1) over 0", "zipf(1) over 1e15", "zipf(5) over 1M", "pareto(0.5)", "geometric"),
}


def kind_of(value: object) -> str | None:
    """What a leaf of a design is a value of, by how it is written."""
    text = str(value)
    if text.startswith(("zipf", "pareto", "uniform over", "geometric")):
        return "law"
    first, _, unit = text.partition(" ")
    if text.endswith("%"):
        return "share"
    if not first[:1].isdigit():
        return None
    if "/" in unit:
        return "rate"
    if unit in ("ms", "s", "min", "hour", "hours", "day", "days"):
        return "time"
    if unit in ("bytes", "kB", "MB", "GB"):
        return "size"
    return "number" if not unit else None


def leaves(value: Any) -> list[tuple[Any, Any, str]]:
    """The collection, the key and the kind of each leaf that is a number of some kind."""
    found, waiting = [], [value]
    while waiting:
        here = waiting.pop()
        for key, inner in list(here.items() if isinstance(here, dict) else enumerate(here)):
            if isinstance(inner, dict | list):
                waiting.append(inner)
            elif (kind := kind_of(inner)) is not None:
                found.append((here, key, kind))
    return found


@st.composite
def odd_designs(draw: st.DrawFn) -> bytes:
    """An example with numbers that are odd, of which many are possible all the same."""
    values = copy.deepcopy(draw(st.sampled_from(list(VALUES.values()))))
    for _ in range(draw(st.integers(1, 3))):
        place, key, kind = draw(st.sampled_from(leaves(values)))
        place[key] = draw(st.sampled_from(ODD_NUMBERS[kind]))
    return write(node_of(values)).encode("utf-8")


def examples_of(strategy: st.SearchStrategy[bytes], number: int) -> list[bytes]:
    """So many examples of a strategy, the same in each run."""
    found: list[bytes] = []

    @settings(
        max_examples=number,
        database=None,
        derandomize=True,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(data: bytes) -> None:
        found.append(data)

    collect()
    return found


# ---- the process that drives the command


def drive(arguments: list[str]) -> dict[str, Any]:
    """One call of the command: its exit code, what it wrote, and the seconds of the processor that it took."""
    from toscale.cli import main

    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    began, said, code = time.process_time(), "", None
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(arguments)
        except BaseException:
            said = traceback.format_exc()
    took = time.process_time() - began
    out.flush()
    err.flush()
    texts = [stream.buffer.getvalue().decode("utf-8") for stream in (out, err)]
    return {"call": arguments, "code": code, "took": took, "out": texts[0], "err": texts[1] + said}


def resident() -> int:
    """Bytes of this process that lie in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def drive_folder(folder: Path, every: int, commands: list[str]) -> None:
    """Drives each command on each file of a folder, and prints one line of JSON for each call.

    Of the files that the first command refuses, the further ones see one in `every`: they read a file as the first
    one does, and refuse it too.
    """
    if {"simulate", "report"} & {command.split()[0] for command in commands}:
        import toscale.simulate.faults as faults
        import toscale.simulate.run as run

        run.compile_engine()
        faults.simulate_fault = functools.partial(  # type: ignore[assignment]
            faults.simulate_fault, most_events=EVENTS, workers=1
        )
        run.simulate = functools.partial(run.simulate, most_events=EVENTS, workers=1)  # type: ignore[assignment]
    os.chdir(folder)
    for number, file in enumerate(sorted(Path().glob("*.design.yaml"))):
        for command in commands:
            done = drive([*command.split(), str(file)])
            print(json.dumps({**done, "number": number, "resident": resident()}), flush=True)
            if done["code"] in (1, 2) and number % every:
                break


def driven(folder: Path, *commands: str, seconds: float, every: int = 1) -> list[dict[str, Any]]:
    """What `drive_folder` in a process of its own says; a crash or a hang there fails the test."""
    ran = subprocess.run(
        [sys.executable, "-m", "tests.test_hostile", str(folder), str(every), *commands],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    return [json.loads(line) for line in ran.stdout.splitlines()]


def check_ended(done: dict[str, Any]) -> None:
    """A call has ended soon, in a clear problem or a result."""
    assert "Traceback" not in done["err"], done["err"][-2000:]
    assert done["code"] in (0, 1, 2), done
    assert done["took"] < LONGEST, (done["call"], done["took"])
    assert done["out"] or done["err"], done["call"]
    if "--json" in done["call"] and done["out"]:
        json.loads(done["out"], parse_constant=lambda name: pytest.fail(f"{name} in JSON: {done['call']}"))


def write_all(folder: Path, texts: list[bytes]) -> None:
    for number, text in enumerate(texts):
        (folder / f"{number:04}.design.yaml").write_bytes(text)


# ---- mutated files


def test_a_thousand_mutated_files_end_soon_in_problems_or_results_and_leave_the_memory_as_it_was(tmp_path):
    mutated, odd = examples_of(mutated_texts(), FILES * 7 // 10), examples_of(odd_designs(), FILES * 3 // 10)
    texts = [text for pair in zip(mutated, odd, strict=False) for text in pair] + mutated[len(odd) :]
    assert len(texts) >= FILES * 0.95
    write_all(tmp_path, texts)
    calls = driven(tmp_path, "estimate --json", "check", seconds=300, every=3)
    estimated, checked = (
        {done["number"]: done for done in calls if done["call"][0] == name} for name in ("estimate", "check")
    )
    assert len(estimated) == len(texts)
    assert set(checked) == {n for n, done in estimated.items() if done["code"] == 0 or n % 3 == 0}
    for done in calls:
        check_ended(done)
    codes = {done["code"] for done in calls}
    assert codes == {0, 1, 2}
    grown = calls[-1]["resident"] - next(done["resident"] for done in calls if done["number"] == 100)
    assert grown < MOST_GROWTH


def test_mutated_files_simulate_within_bounds(tmp_path):
    write_all(tmp_path, examples_of(odd_designs(), SIMULATED))
    calls = driven(tmp_path, "simulate --json", seconds=300)
    assert len(calls) >= SIMULATED * 0.95
    for done in calls:
        check_ended(done)
    assert sum("components" in json.loads(done["out"]) for done in calls) > len(calls) / 5


# ---- inputs that are hostile by name


def with_flow(steps: str, rate: str = "10 / s", more: str = "") -> str:
    return (
        "requirements: {users: {user: somebody}}\ncomponents: {app: {kind: service, concurrency: 4}}\n"
        f"flows:\n  f:\n    from: user\n    rate: {rate}\n    steps: {steps}\n{more}"
    )


BOMB = "a: &a [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 10)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
RUN_BOMB = "".join(f"  g{i}: {{steps: [{{run: g{i + 1}}}, {{run: g{i + 1}}}]}}\n" for i in range(30))

REFUSED = {
    "a YAML bomb": (BOMB, "more than 60,000 values", 1),
    "deep brackets": ("[" * 100_000, "nested deeper than 40 levels", 1),
    "deep braces": ("a: " + "{a: " * 50_000, "nested deeper than 40 levels", 1),
    "deep blocks": ("".join(" " * i + "a:\n" for i in range(1_200)), "nested deeper than 40 levels", 1),
    "a deep formula": (f"estimates: {{value: {'(' * 900}1{')' * 900}}}", "100 levels deep", 1),
    "a long formula": (f"estimates: {{value: {'+'.join(['1'] * 9_000)}}}", "at most 2000 characters", 1),
    "a product beyond floats": ("estimates: {value: 1e308 * 1e308}", "too large to be held", 1),
    "a tower of powers": ("estimates: {value: 9^9^9^9^9}", "too large to be held", 1),
    "a million components": ("components:\n" + "".join(f"  c{i}: {{}}\n" for i in range(1_000_000)), "at most 1 MB", 2),
    "two thousand and one": ("components:\n" + "".join(f"  c{i}: {{kind: service}}\n" for i in range(2_001)), "at most 2,000", 1),
    "a flow in itself": (with_flow("[{run: f}]"), "is a part of itself", 1),
    "flows run a thousand million times": (
        with_flow("[{run: g0}]", more=RUN_BOMB + "  g30: {steps: [{app: 1 ms}]}\n"),
        "more than 20,000 steps",
        1,
    ),
    "bytes that are no text": ("\0\1\2", "", 2),
}  # fmt: skip

BOUNDED = {
    "a rate of 1e12 a second": (with_flow("[{app: 1 ms}]", "1e12 / s"), "bound of 20,000 events"),
    "a rate of 1e300 a second": (with_flow("[{app: 1 ms}]", "1e300 / s"), "more than 1e+18 a second"),
    "a million at once": (with_flow("[{each: 1e6, at once: all, then: [{app: 1 ms}]}]", "1 / s"), "bound of 20,000 events"),
    "a thousand to the ninth": (
        with_flow("[" + "{each: 1000, at once: all, then: [" * 9 + "{app: 1 ms}" + "]}" * 9 + "]", "1 / s"),
        "requests (and parts of them) were on their way",
    ),
    "flows that cause each other": (
        with_flow(
            "[{app: 1 ms}]",
            more="  g: {after: [f, h], steps: [{app: 0 s}]}\n  h: {after: [g, h], steps: []}\n",
        ),
        "without end",
    ),
    "a pause that the clock cannot count": (
        with_flow("[{app: 1 s, timeout: 1 ms, retry: {times: 5, backoff: 10 years}}]", "30 / min"),
        "what takes longer than that begins too calm",
    ),
    "an endless file of times": (with_flow("[{app: from /dev/zero}]"), "is no file that is there"),
    "everything is lost": (with_flow("[{app: 1 ms}]", more="network: {user - app: 1 ms, loss: 100%}\n"), ""),
    "one key over shards": (
        with_flow("[{db: read row}]").replace("components: {", "components: {db: {kind: database, shards: 4}, ")
        + "data: {row: {stored in: db, how many: 1}}\n",
        "",
    ),
}  # fmt: skip


def test_what_is_hostile_by_name_is_refused_with_its_reason(tmp_path):
    for number, (text, _, _) in enumerate(REFUSED.values()):
        (tmp_path / f"{number:04}.design.yaml").write_text(text, encoding="utf-8")
    calls = driven(tmp_path, "check", "estimate --json", seconds=120)
    for done in calls:
        name = list(REFUSED)[done["number"]]
        _, reason, code = REFUSED[name]
        check_ended(done)
        assert done["code"] == code, (name, done["out"])
        assert reason in " ".join((done["out"] + done["err"]).split()), (name, done["out"])


def test_what_asks_for_endless_work_ends_at_a_bound_and_says_so(tmp_path):
    for number, (text, _) in enumerate(BOUNDED.values()):
        (tmp_path / f"{number:04}.design.yaml").write_text(text, encoding="utf-8")
    calls = driven(tmp_path, "simulate --json", seconds=120)
    assert len(calls) == len(BOUNDED)
    for done in calls:
        name = list(BOUNDED)[done["number"]]
        check_ended(done)
        assert BOUNDED[name][1] in done["out"], (name, done["out"][-3000:], done["err"])


CODE_NAMES = (
    "__import__('os').system('touch pwned')",
    "$(touch pwned)",
    "; touch pwned",
    "`touch pwned`",
    "../../pwned",
    "{{7*7}}",
    "<script>alert(1)</script>",
    "%n%n%n",
)


def named_by(code: str) -> str:
    """A design that uses a piece of code wherever a name or a prose may stand."""
    said = json.dumps(code)
    return (
        f"title: {said}\nbrief: {said}\n"
        f"requirements:\n  users: {{user: {said}}}\n  functional: {{{said}: {said}}}\n"
        f"estimates: {{value: 5, {said}: 7}}\n"
        f"components: {{app: {{kind: service}}, {said}: {{kind: service}}}}\n"
        f"flows:\n  {said}:\n    from: user\n    rate: 10 / s\n    steps: [{{{said}: 1 ms}}, {{app: 1 ms}}]\n"
    )


def prose_of(code: str) -> str:
    """A sound design in whose prose a piece of code stands."""
    said = json.dumps(code)
    return f"title: {said}\nbrief: {said}\n" + with_flow("[{app: 1 ms}]").replace("somebody", said)


def test_names_that_are_python_or_shell_are_text(tmp_path):
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    for number, code in enumerate(CODE_NAMES):
        (inner / f"{number}-names.design.yaml").write_text(named_by(code), encoding="utf-8")
        (inner / f"{number}-prose.design.yaml").write_text(prose_of(code), encoding="utf-8")
        if "/" not in code:
            (inner / f"{code}.design.yaml").write_text(prose_of(code), encoding="utf-8")
    before = set(tmp_path.rglob("*"))
    calls = driven(inner, "check", "estimate --json", "simulate --json", "report", seconds=200)
    for done in calls:
        check_ended(done)
    made = set(tmp_path.rglob("*")) - before
    assert made, "the reports of the sound designs are written"
    assert {path.parent for path in made} == {inner}
    assert {path.suffix for path in made} == {".html"}
    for page in made:
        html = page.read_text(encoding="utf-8")
        assert "<script>alert(1)" not in html
    page = (inner / f"{CODE_NAMES.index('{{7*7}}')}-prose.html").read_text(encoding="utf-8")
    assert "{{7*7}}" in page


if __name__ == "__main__":
    drive_folder(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])

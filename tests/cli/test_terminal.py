"""The command as a user starts it: pipes, encodings, colours, interrupts, terminals of any width."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from tests.cli.calls import EXAMPLES, MEETS, ROOT

COMMAND = [sys.executable, "-c", "import sys; from toscale.cli import main; sys.exit(main())"]
SHORTENER = str(EXAMPLES / "url_shortener.design.yaml")
ESCAPE = "\x1b"


def environment(**more: str) -> dict[str, str]:
    kept = {
        n: v
        for n, v in os.environ.items()
        if n not in ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "PYTHONIOENCODING")
    }
    return {**kept, "PYTHONPATH": str(ROOT / "src"), "TERM": "xterm-256color", **more}


def run(*arguments: str, given: bytes = b"", **more: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*COMMAND, *arguments],
        input=given,
        capture_output=True,
        env=environment(**more),
        timeout=120,
        check=False,
    )


def run_in_terminal(*arguments: str, columns: int, **more: str) -> tuple[int, str]:
    """The exit code, and all that a terminal of so many columns was sent."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(COMMAND[0], [*COMMAND, *arguments], environment(**more))
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    sent = b""
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:
            break
        if not part:
            break
        sent += part
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), sent.decode()


def test_a_pipe_gets_no_colours_no_bar_and_no_spaces_at_the_ends() -> None:
    done = run("estimate", "-", given=MEETS.encode())
    assert done.returncode == 0
    out = done.stdout.decode()
    assert ESCAPE not in out + done.stderr.decode()
    assert done.stderr == b""
    assert max(map(len, out.splitlines())) <= 100
    assert all(line == line.rstrip() for line in out.splitlines())


def test_a_terminal_gets_colours_and_a_bar_that_goes_away(tmp_path: Path) -> None:
    (tmp_path / "a.design.yaml").write_text(MEETS)
    code, sent = run_in_terminal("simulate", str(tmp_path / "a.design.yaml"), columns=90)
    assert code == 0
    assert f"{ESCAPE}[" in sent
    assert "median rates" in sent
    assert "upper end" in sent
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", sent)
    # What was drawn and taken away again is not part of the last screen: the figures come after it.
    assert plain.rindex("median rates ━") < plain.index("Targets")


def test_a_terminal_without_colours_gets_words(tmp_path: Path) -> None:
    code, sent = run_in_terminal("estimate", SHORTENER, columns=80, NO_COLOR="1")
    assert code == 0
    assert not re.search(r"\x1b\[(3[0-7]|9[0-7]|38)", sent)


@pytest.mark.parametrize("columns", [1, 60])
def test_a_tiny_terminal_is_no_reason_to_fail(columns: int) -> None:
    code, sent = run_in_terminal("estimate", SHORTENER, columns=columns)
    assert code == 0
    assert "Traceback" not in sent


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_an_output_that_knows_few_signs_gets_others(encoding: str) -> None:
    done = run("estimate", SHORTENER, PYTHONIOENCODING=encoding)
    assert done.returncode == 0
    assert done.stderr == b""
    said = done.stdout.decode(encoding)
    assert "23 to 61 per s" in said
    assert "####" in said


def test_a_design_in_other_scripts_is_written_as_far_as_the_output_knows_them() -> None:
    done = run(
        "estimate",
        "-",
        given="title: Büro 事務所\nestimates: {a: 1 / s}\n".encode(),
        PYTHONIOENCODING="ascii",
    )
    assert done.returncode == 0
    assert b"B?ro" in done.stdout


def test_a_reader_who_leaves_ends_the_command_without_a_word() -> None:
    process = subprocess.Popen(
        [*COMMAND, "rules"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    error = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 141
    assert error == b""


def test_an_interrupt_ends_a_long_run_at_once() -> None:
    process = subprocess.Popen(
        [*COMMAND, "simulate", SHORTENER, "--precision", "0.1%"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
        # whoever runs the tests in the background of a shell hands on that interrupts are ignored
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    time.sleep(6)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == b""
    assert b"Traceback" not in error
    assert error.splitlines()[-1] == b"interrupted"


def test_the_first_run_of_a_version_says_that_it_compiles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rich.console import Console

    from toscale.cli import running
    from toscale.cli.terminal import Terminal

    compiled = []
    monkeypatch.setattr("toscale.engine.jit.compiled_before", lambda: bool(compiled))
    monkeypatch.setattr("toscale.simulate.run.compile_engine", lambda: compiled.append(True) or 17.0)
    with (tmp_path / "err").open("w+", encoding="utf-8") as error:
        terminal = Terminal(Console(file=error), Console(file=error, width=100))
        running.compile_first(terminal)
        running.compile_first(terminal)
        error.seek(0)
        assert error.read().splitlines() == [running.COMPILING]
    assert compiled == [True]
    assert "once" in running.COMPILING

"""`toscale serve` from the outside: what it prints, what it refuses to start with, how it ends."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys

import pytest

from benchmarks.clients import Server
from toscale.server import store

COMMAND = [sys.executable, "-c", "import sys; from toscale.cli import main; sys.exit(main())", "serve"]


def refused(tmp_path, *arguments, limits=""):
    done = subprocess.run(
        [*COMMAND, "--data", str(tmp_path / "data"), "--port", "0", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "TOSCALE_LIMITS": limits},
    )
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    return " ".join(done.stderr.split())


def test_it_prints_where_it_is_and_ends_well(tmp_path):
    path = tmp_path / "a.design.yaml"
    path.write_text("title: A\n")
    server = Server(tmp_path / "data", str(path))
    assert [line.split("#")[1].split("=")[0] for line in server.lines if "#" in line] == ["join", "key"]
    first = server.host_secret
    assert server.join(first).host
    server.stop()
    assert server.process.returncode == 0
    assert server.stderr == ""
    server.start()
    assert server.ask("POST", "/api/join", {"invitation": first, "name": "Eve"})[0] == 401, (
        "each start has its own"
    )
    assert server.join(server.host_secret).role == "interviewer"
    server.stop()


def test_what_it_cannot_start_with_is_said_in_a_line(tmp_path):
    said = refused(tmp_path, str(tmp_path / "no.design.yaml"))
    assert "toscale new" in said
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    taken.listen()
    said = refused(tmp_path, "--port", str(taken.getsockname()[1]))
    taken.close()
    assert "--port 0 for a free one" in said


@pytest.mark.parametrize(
    ("arguments", "limits", "why"),
    [
        (["--origin", "design.example.org"], "", "https://design.example.org"),
        ([], "roms=1", "did you mean `rooms`"),
        (["--port", "70000"], "", "from 0 to 65535"),
    ],
)
def test_what_cannot_be_understood_is_said_in_a_line(tmp_path, arguments, limits, why):
    assert why in refused(tmp_path, *arguments, limits=limits)


def test_rooms_of_another_process_and_of_a_newer_version_are_left_alone(tmp_path):
    connection = store.open_database(tmp_path / "data")
    assert "--data" in refused(tmp_path)
    connection.close()
    connection = sqlite3.connect(tmp_path / "data" / store.NAME)
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    assert "newer one" in refused(tmp_path)


def test_the_start_of_the_command_knows_nothing_of_the_server():
    code = (
        "import sys; from toscale.cli import main; main(['--help']); main(['serve', '--help']);"
        "print([name for name in ('fastapi', 'uvicorn', 'pycrdt', 'pydantic', 'sqlite3') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.rstrip().endswith("[]")

"""Every test of the command has a folder of its own, and a terminal that is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.calls import Shell
from tests.cli.repositories import git


@pytest.fixture
def toscale(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.chdir(tmp_path)
    for name in ("COLUMNS", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    return Shell(capsys, tmp_path)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", "-b", "main")
    return tmp_path

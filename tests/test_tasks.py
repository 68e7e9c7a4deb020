"""The set-up, as far as it can be seen without a network: whom it refuses, what it ignores, when it starts again."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent
TASKS = ROOT / "tools" / "tasks.py"


@pytest.fixture
def tasks() -> ModuleType:
    specification = importlib.util.spec_from_file_location("tasks", TASKS)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_an_old_python_can_read_the_file_that_refuses_it() -> None:
    ast.parse(TASKS.read_text(encoding="utf-8"), feature_version=(3, 6))


def test_only_the_standard_library_is_needed() -> None:
    tree = ast.parse(TASKS.read_text(encoding="utf-8"))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in imported} <= sys.stdlib_module_names


def test_make_offers_every_task(tasks: ModuleType) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (phony,) = re.findall(r"(?m)^\.PHONY: (.*)$", makefile)
    (rule,) = re.findall(r"(?m)^(setup .*):$", makefile)
    assert set(phony.split()) == {"help", *tasks.TASKS}
    assert set(rule.split()) == set(tasks.TASKS)


def test_without_a_task_all_of_them_are_listed(tasks: ModuleType) -> None:
    done = subprocess.run([sys.executable, str(TASKS)], capture_output=True, text=True, check=True)
    assert {line.split()[0] for line in done.stdout.splitlines() if line.startswith("  ")} == set(tasks.TASKS)


@pytest.mark.parametrize("version", [(3, 6, 15), (3, 10, 13), (3, 14, 0)])
def test_another_python_is_refused_with_a_way_out(
    tasks: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: tuple[int, int, int]
) -> None:
    monkeypatch.setattr(tasks.sys, "version_info", version)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(tasks.Refusal, match=r"needs Python 3\.11 to 3\.13.*is 3\.\d+, .*\n.*make PYTHON="):
        tasks.find_python()


def test_another_python_gives_way_to_a_fitting_one_that_runs(
    tasks: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken, fitting = tmp_path / "python3.13", tmp_path / "python3.12"
    broken.write_text("#!/bin/sh\nexit 1\n")
    fitting.write_text("#!/bin/sh\necho 3.12\n")
    for file in (broken, fitting):
        file.chmod(0o755)
    monkeypatch.setattr(tasks.sys, "version_info", (3, 14, 0))
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/bin{os.pathsep}/usr/bin")
    assert tasks.find_python() == (str(fitting), "3.12")


def test_constraints_and_foreign_modules_of_the_user_do_not_reach_the_set_up(
    tasks: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PIP_CONSTRAINT", "UV_CONSTRAINT", "PYTHONPATH", "PIP_TARGET", "UV_SYSTEM_PYTHON"):
        monkeypatch.setenv(name, "/somewhere")
    # A mirror and a certificate may be all that leads to the packages: those stay.
    for name in ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, "/mirror")
    pip, uv = tasks.pip_environment(), tasks.uv_environment()
    assert pip["PIP_CONSTRAINT"] == os.devnull
    assert {"PYTHONPATH", "PIP_TARGET"} & pip.keys() == set()
    assert {"PYTHONPATH", "UV_CONSTRAINT", "UV_SYSTEM_PYTHON"} & uv.keys() == set()
    assert (pip["PIP_INDEX_URL"], pip["SSL_CERT_FILE"]) == ("/mirror", "/mirror")
    assert (uv["UV_DEFAULT_INDEX"], uv["SSL_CERT_FILE"]) == ("/mirror", "/mirror")


def test_the_set_up_starts_again_when_what_it_was_made_from_changes(
    tasks: ModuleType, tmp_path: Path
) -> None:
    lock = tmp_path / "dev.txt"
    lock.write_text("numpy==1\n")
    before = tasks.fingerprint("3.12", lock)
    assert tasks.fingerprint("3.12", lock) == before
    assert tasks.fingerprint("3.13", lock) != before
    lock.write_text("numpy==2\n")
    assert tasks.fingerprint("3.12", lock) != before
    assert tasks.read_stamp(tmp_path) is None


def test_a_home_that_cannot_be_written_is_no_obstacle(
    tasks: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    occupied = tmp_path / "file"
    occupied.write_text("")
    monkeypatch.delenv("UV_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(occupied))
    assert tasks.uv_environment()["UV_CACHE_DIR"].startswith(str(tasks.TOOLS))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert "UV_CACHE_DIR" not in tasks.uv_environment()

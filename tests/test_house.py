"""The house rules that no linter knows: what the locks cover, which part may import what, what the start costs."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "toscale"
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

# The parts in the order of the method, as docs and contract both give it.
PARTS = (
    "quantity design kinds engine theory simulate requirements architecture deepdive wrapup document problems interview "
    "server api cli"
).split()

# "About 500 lines": past this a file needs a reason, given here beside its name ("engine/run.py": "...").
LONGEST = 550
LONG_FILES: dict[str, str] = {
    "engine/model.py": "the vocabulary that lowering, twin and engine share, three lines a word",
    "engine/state.py": "the records of a run, a line a field: whoever looks for one looks here",
}


def canonical(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def required_names(requirements: list[str]) -> set[str]:
    return {canonical(re.split(r"[^A-Za-z0-9._-]", text, maxsplit=1)[0]) for text in requirements}


def locked_names(lock: Path) -> set[str]:
    return {canonical(name) for name in re.findall(r"(?m)^([A-Za-z0-9._-]+)==", lock.read_text())}


def python_files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def parts_present() -> set[str]:
    """The packages and modules directly under src/toscale."""
    modules = {file.stem for file in PACKAGE.glob("*.py")} - {"__init__", "__main__"}
    return modules | {file.parent.name for file in PACKAGE.glob("*/__init__.py")}


def imported_modules(file: Path) -> set[str]:
    """Absolute names of all modules that a file imports, at whatever depth the import stands."""
    package = ["toscale", *file.relative_to(PACKAGE).parent.parts]
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) + "." if node.level else ""
            module = (base + (node.module or "")).rstrip(".")
            # `from toscale import kinds` imports a module by its last name.
            found.update(
                f"{module}.{alias.name}" for alias in node.names
            ) if module == "toscale" else found.add(module)
    return found


# --- locks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_names_no_host_and_no_folder(lock: Path) -> None:
    for line in lock.read_text().splitlines():
        assert re.fullmatch(
            r"[a-z0-9._-]+==[A-Za-z0-9.+!]+( ; [^/\\@]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?", line
        ), f"{lock.name}: neither a pinned package nor a hash: {line!r}"


def test_the_locks_are_those_that_the_set_up_reads() -> None:
    assert [lock.name for lock in LOCKS] == ["bench.txt", "dev.txt", "run.txt", "tools.txt"]


def test_the_run_time_lock_covers_what_the_project_depends_on() -> None:
    assert required_names(PROJECT["project"]["dependencies"]) <= locked_names(ROOT / "requirements/run.txt")


def test_the_development_lock_covers_the_run_time_and_the_tools_of_the_trade() -> None:
    development = locked_names(ROOT / "requirements/dev.txt")
    assert required_names(PROJECT["dependency-groups"]["dev"]) <= development
    assert required_names(PROJECT["build-system"]["requires"]) <= development
    assert locked_names(ROOT / "requirements/run.txt") <= development


def test_both_locks_pin_the_same_releases() -> None:
    def pins(name: str) -> set[str]:
        return set(re.findall(r"(?m)^\S+==\S+", (ROOT / "requirements" / name).read_text()))

    assert pins("run.txt") <= pins("dev.txt")


def test_the_set_up_offers_the_versions_of_python_that_the_project_declares() -> None:
    tasks = ast.parse((ROOT / "tools/tasks.py").read_text(encoding="utf-8"))
    (versions,) = (
        ast.literal_eval(node.value)
        for node in tasks.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "(OLDEST, NEWEST)"
    )
    oldest, newest = versions
    assert PROJECT["project"]["requires-python"] == f">=3.{oldest[1]},<3.{newest[1] + 1}"
    named = {text.rsplit(" ", 1)[1] for text in PROJECT["project"]["classifiers"] if ":: 3." in text}
    assert named == {f"3.{minor}" for minor in range(oldest[1], newest[1] + 1)}


# --- the parts -------------------------------------------------------------------------------------------------------


def test_the_contract_gives_the_parts_in_the_order_of_the_method() -> None:
    (order,) = (c for c in PROJECT["tool"]["importlinter"]["contracts"] if c["id"] == "order")
    assert [layer.strip("()") for layer in reversed(order["layers"])] == PARTS
    assert order["exhaustive"] is True


def test_every_part_has_its_place_in_the_contract() -> None:
    assert parts_present() <= set(PARTS)


def test_every_folder_of_the_package_is_one_that_python_and_the_contract_see() -> None:
    folders = {file.parent for file in python_files()}
    assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []


def test_the_engine_imports_only_arrays_and_the_compiler() -> None:
    allowed = {"numpy", "numba"} | sys.stdlib_module_names
    outside_its_world = {
        "http",
        "socket",
        "asyncio",
        "curses",
        "argparse",
        "pathlib",
        "json",
        "csv",
        "tomllib",
    }
    # What numba compiled is kept in files, and the user is told when it is not there yet; what a state is to
    # compiled code is said in the compiler's own words.
    of_the_compiler = {"jit.py": {"pathlib"}, "compiled_state.py": {"llvmlite", "llvmlite.ir"}}
    files = sorted((PACKAGE / "engine").rglob("*.py"))
    assert files
    for file in files:
        for module in imported_modules(file) - of_the_compiler.get(file.name, set()):
            if module.split(".")[0] == "toscale":
                assert module.startswith("toscale.engine"), f"{file}: imports {module}"
            else:
                assert module.split(".")[0] in allowed - outside_its_world, f"{file}: imports {module}"


# --- the files -------------------------------------------------------------------------------------------------------


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    lengths = {
        str(file.relative_to(PACKAGE)): len(file.read_text(encoding="utf-8").splitlines())
        for file in python_files()
    }
    too_long = {
        name: length for name, length in lengths.items() if length > LONGEST and name not in LONG_FILES
    }
    assert too_long == {}
    assert [name for name in LONG_FILES if lengths.get(name, 0) <= LONGEST] == [], (
        "no longer long: take them off the list"
    )


@pytest.mark.parametrize("file", python_files(), ids=lambda file: str(file.relative_to(PACKAGE)))
def test_a_module_says_what_it_is_for(file: Path) -> None:
    assert ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))


# --- the start -------------------------------------------------------------------------------------------------------


def modules_after(code: str) -> set[str]:
    """Top-level names of the modules that a fresh interpreter holds after running `code`."""
    report = (
        "import sys; print('\\n', *sorted({name.split('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    script = f"import atexit\natexit.register(lambda: exec({report!r}))\n{code}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT, timeout=60)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines()[-1].split())


HEAVY = {"numpy", "numba", "llvmlite", "scipy", "jinja2", "yaml"}


def test_importing_the_package_imports_nothing_heavy() -> None:
    assert modules_after("import toscale") & HEAVY == set()


def test_asking_the_command_for_help_imports_nothing_heavy() -> None:
    code = "import sys\nfrom toscale.cli import main\nsys.argv = ['toscale', '--help']\nsys.exit(main())"
    assert modules_after(code) & HEAVY == set()


def test_the_package_knows_its_version() -> None:
    import toscale

    assert toscale.__version__ == PROJECT["project"]["version"]

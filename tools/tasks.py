"""What does `make` do? Each task below, in the order a newcomer meets them: set up, run, test, measure, lock.

Only Python's standard library is used, so that a fresh clone needs git, make and a Python, nothing else. The set-up
lives in the clone: `.tools` holds the pinned uv, `.venv` holds the project and what it needs, exactly as the hashed
files in `requirements/` say; `.bench`, made only for `make bench`, holds the simulators that ours is compared with.
Each carries a stamp of what it was made from, so that a second run costs nothing.

The syntax stays that of Python 3.6: an old interpreter must be able to read this file to be told that it is too old.
"""

import argparse
import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Dict, List, Optional, Tuple, Union

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".tools"
VENV = ROOT / ".venv"
BENCH = ROOT / ".bench"
LOCKS = ROOT / "requirements"
PROJECT = ROOT / "pyproject.toml"
# Not `.lock`: uv puts a file of that name into each environment.
STAMP = ".toscale-stamp"

OLDEST, NEWEST = (3, 11), (3, 13)
"""The versions of Python that the lock files hold for; pyproject.toml's `requires-python` says the same."""

EXAMPLE = "examples/url_shortener.design.yaml"
PAGE = "build/url_shortener.html"
WORKERS = 2
"""How many processes share the tests: what CI's machine has. `make test ARGS="-n 8"` overrules it."""


class Refusal(Exception):
    """A task cannot be done; the text says why, and what to do about it."""


# --- the interpreter -------------------------------------------------------------------------------------------------


def find_python() -> Tuple[str, str]:
    """Path and version ("3.12") of the Python to build with: this one, if it will do, else the newest on the path."""
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return sys.executable, version_text(sys.version_info[:2])
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        wanted = version_text((3, minor))
        candidate = shutil.which("python" + wanted)
        if candidate is not None and version_of(candidate) == wanted:
            say(f"{sys.executable} is {version_text(sys.version_info[:2])}, so {candidate} is used")
            return candidate, wanted
    raise Refusal(
        f"ToScale needs Python {version_text(OLDEST)} to {version_text(NEWEST)}; {sys.executable} is "
        f"{version_text(sys.version_info[:2])}, and no python{version_text(OLDEST)} to "
        f"python{version_text(NEWEST)} is on the path.\nInstall one of them, then say where it is: "
        f"make PYTHON=/path/to/python{version_text(NEWEST)} ..."
    )


def version_text(version: Tuple[int, ...]) -> str:
    """Write (3, 12) as "3.12"."""
    return ".".join(map(str, version))


def version_of(python: Union[str, Path]) -> Optional[str]:
    """The version ("3.12") that the interpreter at `python` answers with, or None if it does not run."""
    try:
        answer = subprocess.run(
            [str(python), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            universal_newlines=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return answer.stdout.strip()


# --- the two environments --------------------------------------------------------------------------------------------


def set_up() -> None:
    """Make `.venv` what the lock and pyproject.toml say, if it is not so already."""
    python, version = find_python()
    lock = LOCKS / "dev.txt"
    wanted = fingerprint(version, lock, PROJECT)
    if read_stamp(VENV) == wanted and version_of(VENV / "bin" / "python") == version:
        return
    started = time.monotonic()
    uv = str(bootstrap_uv(python, version))
    remove_stamp(VENV)
    if version_of(VENV / "bin" / "python") != version:
        say(f"creating .venv with Python {version}")
        call([uv, "venv", "--quiet", "--clear", "--python", python, str(VENV)], env=uv_environment())
    say(f"installing what {lock.relative_to(ROOT)} names")
    into = ["--quiet", "--python", str(VENV)]
    call([uv, "pip", "sync", *into, "--require-hashes", str(lock)], env=uv_environment())
    # The build backend is in the lock, so nothing has to be fetched that no hash vouches for.
    alone = ["--no-deps", "--no-build-isolation", "--editable"]
    call([uv, "pip", "install", *into, *alone, str(ROOT)], env=uv_environment())
    (VENV / STAMP).write_text(wanted)
    say(f"ready in {time.monotonic() - started:.0f} s: .venv/bin/toscale")


def set_up_peers() -> None:
    """Make `.bench`, the environment of the simulators that `make bench` compares ours with."""
    python, version = find_python()
    lock = LOCKS / "bench.txt"
    wanted = fingerprint(version, lock)
    if read_stamp(BENCH) == wanted:
        return
    say(f"installing what {lock.relative_to(ROOT)} names into .bench")
    uv = str(bootstrap_uv(python, version))
    remove_stamp(BENCH)
    call([uv, "venv", "--quiet", "--clear", "--python", python, str(BENCH)], env=uv_environment())
    into = ["--quiet", "--python", str(BENCH)]
    call([uv, "pip", "sync", *into, "--require-hashes", str(lock)], env=uv_environment())
    (BENCH / STAMP).write_text(wanted)


def bootstrap_uv(python: str, version: str) -> Path:
    """Path of the pinned uv, installed with pip into an environment of its own if it is not there yet."""
    uv = TOOLS / "bin" / "uv"
    lock = LOCKS / "tools.txt"
    wanted = fingerprint(version, lock)
    if read_stamp(TOOLS) == wanted and uv.exists():
        return uv
    say("fetching the pinned uv into .tools")
    shutil.rmtree(str(TOOLS), ignore_errors=True)
    made = subprocess.run(
        [python, "-m", "venv", str(TOOLS)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
        env=clean_environment(),
    )
    if made.returncode != 0:
        raise Refusal(
            f"{python} cannot create an environment:\n{made.stdout.strip()}\nOn Debian and Ubuntu a package is "
            f"missing: apt-get install python{version}-venv (as root, or with sudo); then try again."
        )
    pip = [str(TOOLS / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    call([*pip, "--require-hashes", "--only-binary=:all:", "--requirement", str(lock)], env=pip_environment())
    (TOOLS / STAMP).write_text(wanted)
    return uv


def fingerprint(version: str, *sources: Path) -> str:
    """A hash of the interpreter's version, the place of the clone and the contents of `sources`."""
    digest = hashlib.sha256(f"{version}\n{ROOT}\n".encode())
    for source in sources:
        digest.update(source.read_bytes())
    return digest.hexdigest()


def read_stamp(environment: Path) -> Optional[str]:
    """What the environment was last made from, or None if it was never finished."""
    try:
        return (environment / STAMP).read_text()
    except OSError:
        return None


def remove_stamp(environment: Path) -> None:
    """Forget what the environment was made from: until it is finished again, it is nothing in particular."""
    with contextlib.suppress(OSError):
        (environment / STAMP).unlink()


def clean_environment() -> Dict[str, str]:
    """The caller's variables less those that would make another Python, or other modules, of ours."""
    foreign = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")
    return {name: value for name, value in os.environ.items() if name not in foreign}


def pip_environment() -> Dict[str, str]:
    """The caller's, where a mirror, a proxy or a certificate may be named, but neither constraints nor a target."""
    environment = clean_environment()
    for name in "TARGET PREFIX ROOT REQUIREMENT NO_BINARY DRY_RUN".split():
        environment.pop("PIP_" + name, None)
    # An empty file, not an empty variable: pip overlooks the latter and falls back on its configuration files.
    environment.update(PIP_CONSTRAINT=os.devnull, PIP_BUILD_CONSTRAINT=os.devnull, PIP_USER="0")
    return environment


def uv_environment() -> Dict[str, str]:
    """The caller's, with uv held to the interpreter it is given and to what the lock says."""
    environment = clean_environment()
    for name in "CONSTRAINT BUILD_CONSTRAINT OVERRIDE EXCLUDE EXCLUDE_NEWER NO_BINARY".split():
        environment.pop("UV_" + name, None)
    for name in "PYTHON SYSTEM_PYTHON MANAGED_PYTHON PROJECT WORKING_DIR".split():
        environment.pop("UV_" + name, None)
    environment["UV_PYTHON_DOWNLOADS"] = "never"
    if "UV_CACHE_DIR" not in environment and not can_keep_a_cache():
        environment["UV_CACHE_DIR"] = str(TOOLS / "cache")
    return environment


def can_keep_a_cache() -> bool:
    """Whether uv's usual place for downloads can be written: a service account may have no home."""
    try:
        usual = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "uv"
        usual.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):
        return False
    return os.access(str(usual), os.W_OK)


# --- the tasks -------------------------------------------------------------------------------------------------------


def setup(arguments: List[str]) -> int:
    """Create .venv with everything in it (every other task does so by itself)"""
    set_up()
    return 0


def run(arguments: List[str]) -> int:
    """Take the URL shortener through the four steps and write build/url_shortener.html"""
    set_up()
    (ROOT / PAGE).parent.mkdir(exist_ok=True)
    return status(
        [program("toscale"), "report", EXAMPLE, "--faults", "targeted", "--output", PAGE, *arguments]
    )


def test(arguments: List[str]) -> int:
    """All that CI does: the checks, then the tests. ARGS go to pytest"""
    set_up()
    failed = failed_checks()
    if failed:
        say(f"not passed: {', '.join(failed)} (see above); the tests were not run")
        return 1
    heading("tests")
    shared = ["-n", str(WORKERS), "--dist", "worksteal"]
    return status([program("python"), "-m", "pytest", *shared, *arguments])


def check(arguments: List[str]) -> int:
    """Style, layout, types and the contract between the parts"""
    set_up()
    failed = failed_checks()
    say(f"not passed: {', '.join(failed)}" if failed else "all checks passed")
    return 1 if failed else 0


def failed_checks() -> List[str]:
    """Run every check, so that one run shows all there is to mend; the names of those that did not pass."""
    checks = {
        "style": ["ruff", "check", "."],
        "layout": ["ruff", "format", "--check", "."],
        "types": ["mypy"],
        "the order of the parts": ["lint-imports", "--no-logo"],
    }
    failed = []
    for name, (command, *options) in checks.items():
        heading(name)
        if status([program(command), *options]) != 0:
            failed.append(name)
    return failed


def layout(arguments: List[str]) -> int:
    """Lay the sources out and mend what can be mended without a thought"""
    set_up()
    mended = status([program("ruff"), "check", "--fix", "."])
    return status([program("ruff"), "format", "."]) or mended


def docs(arguments: List[str]) -> int:
    """Write the reference pages and the pictures of docs/ anew from the code"""
    set_up()
    return status([program("python"), "-m", "tools.docs", *arguments])


def bench(arguments: List[str]) -> int:
    """Measure every published figure of speed again, beside other simulators"""
    set_up()
    set_up_peers()
    return status([program("python"), "-m", "benchmarks", *arguments])


def validate(arguments: List[str]) -> int:
    """Compare the simulator with exact results, at length"""
    set_up()
    return status([program("python"), "-m", "benchmarks.validate", *arguments])


def lock(arguments: List[str]) -> int:
    """Write requirements/*.txt anew from pyproject.toml; ARGS=--upgrade takes newer releases"""
    uv = str(bootstrap_uv(*find_python()))
    universal = ["--universal", "--python-version", version_text(OLDEST), "--generate-hashes"]
    # One release of each package, so that all versions of Python run the same code.
    universal += ["--fork-strategy", "fewest"]
    # Nothing in the files says where, when or for whom they were made.
    plain = ["--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"]
    run_time, development = LOCKS / "run.txt", LOCKS / "dev.txt"
    sources = {
        LOCKS / "tools.txt": ["--group", "tools"],
        LOCKS / "bench.txt": ["--group", "bench"],
        run_time: [str(PROJECT)],
        development: [str(PROJECT), "--group", "dev", "--constraint", str(run_time)],
    }
    for target, source in sources.items():
        say(f"resolving {target.relative_to(ROOT)}")
        compile_ = [uv, "pip", "compile", "--quiet", *universal, *plain, "--output-file", str(target)]
        call([*compile_, *source, *arguments], env=uv_environment())
    return 0


def clean(arguments: List[str]) -> int:
    """Remove what the tasks made: both environments, build/ and the caches"""
    for name in "tools venv bench mypy_cache ruff_cache pytest_cache import_linter_cache hypothesis".split():
        shutil.rmtree(str(ROOT / ("." + name)), ignore_errors=True)
    for name in ("build", "dist"):
        shutil.rmtree(str(ROOT / name), ignore_errors=True)
    for folder in ("src", "tests", "tools", "benchmarks"):
        for cache in (ROOT / folder).rglob("__pycache__"):
            shutil.rmtree(str(cache), ignore_errors=True)
    return 0


TASKS = {
    "setup": setup,
    "run": run,
    "test": test,
    "check": check,
    "format": layout,
    "docs": docs,
    "bench": bench,
    "validate": validate,
    "lock": lock,
    "clean": clean,
}


# --- at the edge -----------------------------------------------------------------------------------------------------


def program(name: str) -> str:
    """Path of a program in `.venv`."""
    return str(VENV / "bin" / name)


def status(command: List[str]) -> int:
    """Run a command in the clone, without input; its exit status."""
    done = subprocess.run(command, cwd=str(ROOT), stdin=subprocess.DEVNULL, env=clean_environment())
    return done.returncode


def call(command: List[str], env: Dict[str, str]) -> None:
    """Run a step of the set-up; refuse to go on if it fails (it has said why itself)."""
    done = subprocess.run(command, cwd=str(ROOT), stdin=subprocess.DEVNULL, env=env)
    if done.returncode != 0:
        raise Refusal(f"this step ended with status {done.returncode}, see above: {' '.join(command)}")


def say(text: str) -> None:
    """Tell the user what is going on, on the stream that is not the task's result."""
    print(f"toscale: {text}", file=sys.stderr, flush=True)


def heading(text: str) -> None:
    """Announce the next check, in its place between their outputs."""
    print(f"--- {text}", flush=True)


def main() -> int:
    """Do the task named on the command line; 0 if it succeeded."""
    parser = argparse.ArgumentParser(
        prog="make",
        usage='make TASK [ARGS="..."] [PYTHON=python3.12]',
        description="\n".join(f"  {name:9} {task.__doc__}" for name, task in TASKS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        add_help=False,
    )
    parser.add_argument("task", nargs="?", choices=list(TASKS), help=argparse.SUPPRESS)
    chosen, arguments = parser.parse_known_args()
    if chosen.task is None:
        parser.print_help()
        return 0
    try:
        return TASKS[chosen.task](arguments)
    except Refusal as refusal:
        say(str(refusal))
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())

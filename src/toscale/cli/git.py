"""What does git remember of a file? Its text at a revision, and the revisions that it was changed in.

Only git's own objects are read: no filter, no pager and no other program of a repository's configuration is run.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from toscale.cli.terminal import Unreadable

__all__ = ["Revision", "at_revision", "history", "is_revision"]


@dataclass(frozen=True, slots=True)
class Revision:
    """A commit in which a file was added or changed: its name, its day, the file's path from the top of the
    repository.
    """

    commit: str
    day: str
    path: str
    folder: Path

    @property
    def short(self) -> str:
        return self.commit[:10]

    def read(self) -> bytes | None:
        """The file as it then was; None where the commit removed it."""
        found = _git(self.folder, "cat-file", "blob", f"{self.commit}:{self.path}")
        return found.stdout if found.returncode == 0 else None


def is_revision(path: str) -> bool:
    """Whether a path of a call is one in git, as `main:shop.design.yaml`, and no file of that name."""
    before, colon, behind = path.partition(":")
    return bool(colon and before and behind) and not Path(path).exists()


def at_revision(revision: str, path: str) -> bytes:
    """The text of a file at a revision. The path is one from here, or from the top of the repository.

    Raises Unreadable where there is no git, no repository, no such revision, or no such file in it.
    """
    folder, name = _place_of(path)
    _repository(folder, path)
    said = _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if said.returncode != 0:
        raise Unreadable(
            f"git knows no revision `{revision}`: `git log --oneline` lists those that there are"
        )
    commit = said.stdout.decode().strip()
    for place in (f"{commit}:./{name}", f"{commit}:{path}"):
        found = _git(folder, "cat-file", "blob", place)
        if found.returncode == 0:
            return found.stdout
    raise Unreadable(
        f"`{path}` is not in revision `{revision}`: `git log -- {path}` lists those that have it"
    )


def history(path: str) -> Iterator[Revision]:
    """The revisions that a file was added or changed in, the latest first, also under an earlier name.

    Raises Unreadable where there is no git, or no repository.
    """
    folder, name = _place_of(path)
    _repository(folder, path)
    found = _git(
        folder, "log", "--follow", "-z", "--name-only", "--format=%x01%H %cs", "--end-of-options", "HEAD",
        "--", name,
    )  # fmt: skip
    top = Path(os.fsdecode(_git(folder, "rev-parse", "--show-toplevel").stdout.rstrip(b"\n")))
    commit = day = ""
    for piece in os.fsdecode(found.stdout).split("\0"):
        for part in piece.strip("\n").splitlines():
            if part.startswith("\x01"):
                commit, day = part[1:].split(" ")
            elif part and commit:
                yield Revision(commit, day, part, top)
                commit = ""


def _place_of(path: str) -> tuple[Path, str]:
    """The folder to ask in, and the name of the file from there."""
    folder = Path(path).parent
    return (folder, Path(path).name) if folder.is_dir() else (Path(), path)


def _repository(folder: Path, path: str) -> None:
    if _git(folder, "rev-parse", "--git-dir").returncode != 0:
        raise Unreadable(
            f"`{path}` is in no git repository: there is none in `{folder.resolve()}` or above it"
        )


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            ["git", "--no-pager", "-C", str(folder), "-c", "core.quotepath=off", *arguments],
            capture_output=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except FileNotFoundError:
        raise Unreadable(
            "git is not installed, or not on the PATH: give two files instead of revisions"
        ) from None
    except ValueError:
        raise Unreadable("no revision and no file can be called so: there is a NUL in the name") from None

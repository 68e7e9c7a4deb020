"""Git repositories to call the command in."""

from __future__ import annotations

import subprocess
from pathlib import Path

__all__ = ["commit", "git"]


def git(folder: Path, *arguments: str) -> str:
    said = subprocess.run(
        ["git", "-C", str(folder), "-c", "user.name=Ann", "-c", "user.email=ann@example.org", *arguments],
        check=True,
        capture_output=True,
        text=True,
    )
    return said.stdout.strip()


def commit(folder: Path, name: str, text: str | None = None, message: str = "a step") -> str:
    """Commits a file, with a new text or as it is; the name of the commit."""
    if text is not None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "add", name)
    git(folder, "commit", "-q", "-m", message)
    return git(folder, "rev-parse", "HEAD")

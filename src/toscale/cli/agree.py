"""`toscale agree FILE`: who agreed to what, what has changed since, and which concerns are open."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from toscale.architecture.agreement import SECTIONS, Accord, Prints, prints, section_of
from toscale.architecture.agreement_file import accord_of, with_accord
from toscale.cli.files import load, reason_of
from toscale.cli.git import Revision, history
from toscale.cli.terminal import Terminal, Unreadable
from toscale.design import Design, check_design
from toscale.design.edit import EditError
from toscale.design.problems import DesignError, nearest

__all__ = ["Then", "earlier", "run"]

_OF_PARTS = ("requirements", "estimates", "components", "flows", "data", "decisions")
"""The sections whose parts can be meant by their names alone: prices and endpoints have the names of others."""

MOST_REVISIONS = 200
"""So many revisions are looked through for a fingerprint, the latest ones."""


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Shows the agreements, or records one; exit code 1 where the design has errors."""
    if options.file == "-":
        raise Unreadable("agreements are kept in the file: name one, instead of the standard input")
    _refuse_what_does_not_fit(options)
    design = load(options.file, terminal)
    if isinstance(design, int):
        return design
    if options.who is None:
        return _show(design, options, terminal)
    _record(design, options, terminal)
    return 0


def _refuse_what_does_not_fit(options: argparse.Namespace) -> None:
    asked = options.to or options.concern is not None or options.answer or options.about is not None
    if options.who is None and asked:
        raise Unreadable("say who: `--who NAME`")
    if options.who is not None and not options.who.strip():
        raise Unreadable("`--who` is a name, and empty here")
    if (options.concern is None) != (options.about is None):
        raise Unreadable("a concern has a text and a subject: `--concern TEXT --about SUBJECT`")
    texts = [options.concern, options.answer[1] if options.answer else None]
    if any(text is not None and not text.strip() for text in texts):
        raise Unreadable("a concern and an answer are said in words: the text is empty")


# ---- recording


def _record(design: Design, options: argparse.Namespace, terminal: Terminal) -> None:
    """Writes into the file what somebody agrees to, and what they say."""
    now = prints(design)
    today = datetime.now(UTC).date().isoformat()
    who = " ".join(options.who.split())
    accord = before = accord_of(design)
    said = []
    sections: tuple[str, ...] = ()
    try:
        if options.answer:
            number, text = options.answer
            accord = accord.answered(_number(number), who, " ".join(text.split()), today)
            said.append(f"{who} has answered concern {number}.")
        if options.concern is not None:
            subject = _subject(options.about, now)
            accord = accord.raised(who, subject, " ".join(options.concern.split()), now, today)
            said.append(f"{who} has a concern about {subject}.")
        if options.to or not said:
            sections = tuple(_section(name, now) for name in options.to) if options.to else _all(now)
            accord = accord.agreed(who, sections, now, today)
            said.append(f"{who} agrees to {', '.join(sections)}.")
    except ValueError as error:
        raise Unreadable(str(error)) from None
    said += _given_way(before, sections, now)
    _write(Path(options.file), design, accord)
    for line in said:
        terminal.say(line)
    if options.concern is not None:
        concerns = accord_of(Design.load(options.file)).concerns
        number = len(concerns) - concerns[::-1].index(accord.concerns[-1])
        terminal.say(f"To answer it: toscale agree {options.file} --who NAME --answer {number} TEXT")


def _all(now: Prints) -> tuple[str, ...]:
    found = tuple(name for name in SECTIONS if name in now)
    if not found:
        raise Unreadable("the design says nothing yet that could be agreed to")
    return found


def _section(name: str, now: Prints) -> str:
    if name in SECTIONS and name in now:
        return name
    if name in now or (section_of(name) in SECTIONS and name not in SECTIONS):
        raise Unreadable(
            f"agreements are to whole sections: `--to {section_of(name)}`; a part can have a concern"
        )
    near = nearest(name, _all(now))
    mend = f"did you mean `{near}`?" if near else f"there are {', '.join(_all(now))}"
    raise Unreadable(f"the design has no section `{name}`: {mend}")


def _subject(name: str, now: Prints) -> str:
    """The part that a subject names: its path, or its own name where that is the name of one part alone."""
    if name in now or name in SECTIONS:
        return name
    found = [path for path in now if path.endswith(f".{name}") and section_of(path) in _OF_PARTS]
    if len(found) == 1:
        return found[0]
    if found:
        raise Unreadable(f"`{name}` names several parts: {', '.join(found)}")
    near = nearest(name, now)
    mend = (
        f": did you mean `{near}`?"
        if near
        else f": name a section, or a part such as `{next(iter(now), 'title')}`"
    )
    raise Unreadable(f"there is no `{name}` in the design{mend}")


def _number(text: str) -> int:
    if not text.isdecimal():
        raise Unreadable(f"a concern has a number, such as 1, not {text!r}")
    return int(text)


def _given_way(before: Accord[str], sections: Iterable[str], now: Prints) -> list[str]:
    """Who had agreed to an earlier state of a section: the file keeps one fingerprint for each."""
    gone = sorted(
        (one.section, one.by)
        for one in before.agreements
        if one.section in set(sections) and one.prints[one.section] != now[one.section]
    )
    return [f"{who} had agreed to {name} as it was before: the file keeps the latest." for name, who in gone]


def _write(path: Path, design: Design, accord: Accord[str]) -> None:
    """Puts the accord into the file, which is never half written."""
    assert design.source is not None, "it was read from a file"
    try:
        text = with_accord(design.source.text, accord)
    except EditError as error:
        raise Unreadable(f"cannot write into `{path}`: {error}") from None
    real = path.resolve()
    draft = real.with_name(f".{real.name}.new")
    try:
        mark = b"\xef\xbb\xbf" if real.read_bytes().startswith(b"\xef\xbb\xbf") else b""
        draft.write_bytes(mark + text.encode())
        shutil.copymode(real, draft)
        draft.replace(real)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise Unreadable(f"cannot write `{path}`: {reason_of(error)}") from None


# ---- showing


def _show(design: Design, options: argparse.Namespace, terminal: Terminal) -> int:
    from toscale.cli.show_agreements import show_standing, show_title

    accord = accord_of(design)
    standing = accord.standing(prints(design))
    outdated = {one.section: one.prints[one.section] for now in standing for one, _ in now.outdated}
    then = earlier(options.file, outdated) if outdated else {}
    show_title(design, options.file, terminal)
    show_standing(design, accord, standing, then, terminal)
    if options.simulate:
        _show_numbers(design, then, options, terminal)
    return 0


def _show_numbers(
    design: Design, then: dict[str, Then | str], options: argparse.Namespace, terminal: Terminal
) -> None:
    """What has become of the numbers since each earlier state that is known."""
    from toscale.cli.diff import compare
    from toscale.cli.show_agreements import show_since
    from toscale.cli.show_difference import show_compared

    known: dict[str, Then] = {}
    sections: dict[str, list[str]] = {}
    for section, found in then.items():
        if isinstance(found, Then):
            known[found.revision.commit] = found
            sections.setdefault(found.revision.commit, []).append(section)
    for commit, found in known.items():
        show_since(found.revision, sections[commit], terminal)
        try:
            show_compared(compare(found.design, design, options, terminal), terminal)
        except DesignError as error:
            terminal.say(f"The two cannot be compared: {error.problems[0].message}")


@dataclass(frozen=True, slots=True)
class Then:
    """A section's earlier state: the design that it was in, and the revision that has it."""

    design: Design
    revision: Revision


def earlier(file: str, wanted: dict[str, str]) -> dict[str, Then | str]:
    """For each section with a fingerprint, the design in which it had that; or why that is not known.

    git's history of the file is looked through from the latest revision on. Of the revisions that have the
    fingerprint, next to each other, the first that also holds the agreement is taken, else the latest.
    """
    found: dict[str, Then | str] = {}
    settled: set[str] = set()
    seen = 0
    try:
        for revision in islice(history(file), MOST_REVISIONS):
            seen += 1
            if settled == set(wanted):
                break
            data = revision.read()
            old = None if data is None else check_design(data, f"{revision.short}:{revision.path}")
            if old is None or old.design is None or old.errors:
                continue
            fingerprints = old.design.fingerprints()
            for section, fingerprint in wanted.items():
                if section in settled:
                    continue
                if fingerprints.get(section) != fingerprint:
                    if section in found:
                        settled.add(section)
                    continue
                kept = old.design.agreements.get(section)
                holds = kept is not None and kept.fingerprint == fingerprint
                if holds or section not in found:
                    found[section] = Then(old.design, revision)
    except Unreadable as error:
        return dict.fromkeys(wanted, str(error))
    if not seen:
        why = f"git has no revision of `{file}` yet"
    elif seen == MOST_REVISIONS:
        why = f"none of the latest {seen} revisions in git has it"
    else:
        why = f"no revision of `{file}` in git has it: it was changed again before it was committed"
    return {section: found.get(section, why) for section in wanted}

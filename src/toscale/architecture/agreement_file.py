"""How does a file keep an accord? Under `agreements`, section by section: who agreed, at which fingerprint, when;
and the concerns about it with their answers.

The file is edited at these places only: comments, order and style stay. A file has one fingerprint for a section,
so an agreement to an earlier state gives way to a later one; what it was is in the file's history.
"""

from __future__ import annotations

from dataclasses import replace

from toscale.architecture.agreement import Accord, Answer, Concern, for_file, from_file, section_of
from toscale.design.edit import set_value
from toscale.design.model import Design

__all__ = ["accord_of", "with_accord"]


def accord_of(design: Design) -> Accord[str]:
    """The agreements and concerns that a design file holds, by name; concerns in the order of the file."""
    concerns = tuple(
        Concern(
            one.about,
            one.says,
            one.by,
            one.fingerprint,
            one.at,
            tuple(Answer(said.says, said.by, said.at, said.reopens) for said in one.answers),
        )
        for section in design.agreements.values()
        for one in section.concerns
    )
    return replace(from_file(design), concerns=concerns)


def with_accord(text: str, accord: Accord[str]) -> str:
    """The text of a design with an accord under its `agreements`, and nothing else changed.

    Raises `EditError` where the text is written in a way that cannot be edited safely.
    """
    sections = for_file(accord)
    for concern in accord.concerns:
        section = sections.setdefault(section_of(concern.subject), {})
        section.setdefault("concerns", [])
        listed = section["concerns"]
        assert isinstance(listed, list), "it has just been made"
        listed.append(_concern(concern))
    for name, section in sections.items():
        text = set_value(text, ("agreements", name), section)
    return text


def _concern(concern: Concern[str]) -> dict[str, object]:
    said: dict[str, object] = {"about": concern.subject, "says": concern.text, "by": concern.by}
    if concern.at is not None:
        said["at"] = str(concern.at)
    if concern.fingerprint is not None:
        said["fingerprint"] = concern.fingerprint
    if concern.answers:
        said["answers"] = [_answer(answer) for answer in concern.answers]
    return said


def _answer(answer: Answer[str]) -> dict[str, object]:
    said: dict[str, object] = {"says": answer.text, "by": answer.by}
    if answer.at is not None:
        said["at"] = str(answer.at)
    if answer.reopens:
        said["reopens"] = True
    return said

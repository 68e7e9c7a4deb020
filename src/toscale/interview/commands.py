"""What can be asked of a session? Each command, with its name on the wire.

A command is a wish: `decide` makes events of it, or says why not. Who may give it is in `roles.MAY`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, TypeVar, dataclass_transform

from toscale.design.problems import listed, nearest, quoted
from toscale.interview.codec import (
    Amount,
    CodecError,
    Line,
    Number,
    Path,
    Prose,
    kind_of,
    object_from,
)
from toscale.interview.events import Fingerprint, InjectionKind
from toscale.interview.phases import Phase
from toscale.interview.roles import Role

__all__ = [
    "COMMANDS",
    "AddFact",
    "Agree",
    "Answer",
    "AnswerConcern",
    "Ask",
    "ChooseRecording",
    "Clear",
    "Command",
    "Disclose",
    "End",
    "Invite",
    "Join",
    "Leave",
    "Lend",
    "Mark",
    "Move",
    "Note",
    "Pause",
    "RaiseConcern",
    "ReopenConcern",
    "Resume",
    "Revoke",
    "Rotate",
    "Start",
    "Throw",
    "Withdraw",
    "command_from",
]


COMMANDS: dict[str, type[Command]] = {}
"""Every command by its name on the wire."""


class Command:
    """A wish. `NAME` is how it is called on the wire and in `roles.MAY`."""

    NAME: ClassVar[str]


_Made = TypeVar("_Made", bound=type[Command])


@dataclass_transform(frozen_default=True)
def _command(name: str) -> Callable[[_Made], _Made]:
    """Make a command of a class: a frozen dataclass, by its name."""

    def make(made: _Made) -> _Made:
        made.NAME = name
        COMMANDS[name] = dataclass(frozen=True, slots=True)(made)
        return COMMANDS[name]  # type: ignore[return-value]  # with slots it is another class of the same name

    return make


@_command("join")
class Join(Command):
    """Someone came by an invitation; None for a program that takes a seat, in a role of its own."""

    name: Line
    invitation: Number | None
    role: Role | None = None


@_command("mark")
class Mark(Command):
    """The design now has these fingerprints (`agreement.prints`), at a revision of its text."""

    revision: Line
    prints: Mapping[Path, Fingerprint]


@_command("leave")
class Leave(Command):
    """I leave for good."""


@_command("choose_recording")
class ChooseRecording(Command):
    """I agree that the session is recorded, or I no longer do."""

    agreed: bool


@_command("invite")
class Invite(Command):
    """One more invitation link, for a role."""

    role: Role
    label: Line


@_command("revoke")
class Revoke(Command):
    """Close an invitation, and put out all who came by it."""

    invitation: Number


@_command("rotate")
class Rotate(Command):
    """A new link in the place of an invitation; who came by the old one stays."""

    invitation: Number


@_command("start")
class Start(Command):
    """Let the clock run."""


@_command("move")
class Move(Command):
    """Leave the present phase for another."""

    phase: Phase


@_command("pause")
class Pause(Command):
    """Let no time pass."""


@_command("resume")
class Resume(Command):
    """Let time pass again."""


@_command("lend")
class Lend(Command):
    """Give a phase minutes of another; without a source make the session longer."""

    source: Phase | None
    to: Phase
    amount: Amount


@_command("end")
class End(Command):
    """The session is over."""


@_command("ask")
class Ask(Command):
    """A question about the problem."""

    text: Prose


@_command("answer")
class Answer(Command):
    """An answer to a question, in one's own words."""

    question: Number
    text: Prose


@_command("add_fact")
class AddFact(Command):
    """A fact to be disclosed when it is asked for, with the estimates that it sets."""

    text: Prose
    sets: tuple[Line, ...]


@_command("disclose")
class Disclose(Command):
    """Disclose a hidden fact, as the answer to a question or unasked."""

    fact: Number
    question: Number | None


@_command("note")
class Note(Command):
    """A note that only I see."""

    text: Prose


@_command("agree")
class Agree(Command):
    """I agree to sections as I see them: each with the fingerprint of what is on my screen."""

    sections: Mapping[Line, Fingerprint]


@_command("withdraw")
class Withdraw(Command):
    """I no longer agree to sections."""

    sections: tuple[Line, ...]


@_command("raise_concern")
class RaiseConcern(Command):
    """A doubt about a part of the design, by its path."""

    subject: Path
    text: Prose


@_command("answer_concern")
class AnswerConcern(Command):
    """What there is to say to a concern."""

    concern: Number
    text: Prose


@_command("reopen_concern")
class ReopenConcern(Command):
    """What the answers to a concern leave open."""

    concern: Number
    text: Prose


@_command("throw")
class Throw(Command):
    """Throw a fault, a surge, growth or a curveball into the running design."""

    kind: InjectionKind
    text: Prose


@_command("clear")
class Clear(Command):
    """Take out again what was thrown in."""

    injection: Number


def command_from(values: object) -> Command:
    """The command in the values of a JSON message, `{"command": "ask", "text": "How many users?"}`.

    Raises `CodecError` that says what is wrong with it.
    """
    if not isinstance(values, Mapping):
        raise CodecError(f"a command must be an object, not {kind_of(values)}")
    name = values.get("command")
    made = COMMANDS.get(name) if isinstance(name, str) else None
    if made is None:
        close = nearest(name, COMMANDS) if isinstance(name, str) else None
        mend = f"did you mean {quoted(close)}?" if close else f"there are {listed(COMMANDS, 40)}"
        said = (
            "a command must have its name under `command`"
            if name is None
            else f"no command is {quoted(str(name))}"
        )
        raise CodecError(f"{said}: {mend}")
    rest = {key: value for key, value in values.items() if key != "command"}
    return object_from(made, rest, f"the command {quoted(made.NAME)}")

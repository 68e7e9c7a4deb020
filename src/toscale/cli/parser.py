"""Which words does the command take? Its arguments and options, and the help on them.

What cannot be understood is said in one line with what was probably meant, and ends with exit code 2.
"""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable, Sequence
from typing import NoReturn

__all__ = ["COMMANDS", "parse"]

COMMANDS: dict[str, str] = {
    "new": "write a small design to start from",
    "check": "find what is wrong or vague in design files; with --simulate, judge their targets",
    "estimate": "compute the estimates: ranges, derivations, which assumption matters most",
    "simulate": "run the design, and judge it against its own targets",
    "faults": "run the faults of the design: what each does, and how long until all is well again",
    "diff": "say what is different in another design or revision, in words and in numbers",
    "agree": "record who agrees to the design, and their concerns; show what has changed since",
    "draw": "draw the design with its rates and loads: SVG, PNG, or here in the terminal",
    "walk": "walk through a flow: who calls whom, and what a typical and a slow request went through",
    "export": "write the drawing for another tool: Mermaid, D2, Structurizr, draw.io, Excalidraw",
    "import": "read a Structurizr workspace, a Mermaid flowchart or a docker-compose file as a design",
    "report": "walk through the four steps, and write them as a design document: HTML, Markdown or PDF",
    "serve": "hold rooms in which several people work on one design at once",
    "explain": "explain a rule, such as TS201: why it is there, what breaks it, what keeps it",
    "rules": "list all rules with their codes",
    "schema": "print the JSON Schema of design files, for editors",
}
"""The commands in the order in which they are met, each in a few words."""

HELP = """\
usage: toscale COMMAND [options]

ToScale: a system design in one text file, estimated, simulated and judged against its own targets.

commands:
{commands}

options:
  -h, --help     show this, or the help on a command: toscale simulate --help
  --version      show the version

A first design in two steps:
  toscale new shop.design.yaml
  toscale report shop.design.yaml --output shop.html

Exit code: 0 nothing is missed; 1 a target is missed, or a design has errors; 2 the call or a file cannot be read.
"""

FILE = "a design file; - is the standard input"


class _Refused(Exception):
    """The call cannot be understood."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise _Refused(f"{message}\n\n{self.format_usage().rstrip()}\nMore: {self.prog} --help")


def parse(arguments: Sequence[str]) -> argparse.Namespace | int:
    """The options of a call, or the exit code where the call is answered with that (help, version, a refusal)."""
    import sys

    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(
            HELP.format(commands="\n".join(f"  {name:<14} {what}" for name, what in COMMANDS.items())), end=""
        )
        return 0 if arguments else 2
    if arguments[0] in ("--version", "-V", "version"):
        from toscale import __version__

        print(f"toscale {__version__}")
        return 0
    command, *rest = arguments
    try:
        if command not in COMMANDS:
            raise _Refused(_unknown(command))
        parser = _PARSERS[command](command)
        return parser.parse_args(rest, argparse.Namespace(command=command))
    except _Refused as refusal:
        print(f"toscale: {refusal}", file=sys.stderr)
        return 2
    except SystemExit as answered:  # argparse has shown the help
        return int(answered.code or 0)


def _unknown(command: str) -> str:
    import difflib

    near = difflib.get_close_matches(command, COMMANDS, n=1)
    if not command.startswith("-") and (command.endswith((".yaml", ".yml")) or "/" in command):
        return f"a file is not a command: toscale check {command}"
    mend = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(COMMANDS)}."
    what = "option" if command.startswith("-") else "command"
    return f"unknown {what} `{command}`: {mend}"


# ---- one parser a command


def _parser(command: str, description: str, epilog: str = "") -> _Parser:
    return _Parser(
        prog=f"toscale {command}",
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def _new(command: str) -> _Parser:
    parser = _parser(
        command,
        "Writes a small, complete, commented design to start from. A file that is there is never overwritten.",
    )
    parser.add_argument(
        "file", nargs="?", default="system.design.yaml", metavar="FILE", help="default: %(default)s"
    )
    return parser


def _check(command: str) -> _Parser:
    parser = _parser(
        command,
        "Finds what is wrong in design files, and what is vague. Warnings and notes do not fail.",
        "A folder stands for all *.design.yaml in it. With --simulate each design is also run, and each of its\n"
        "targets is met, at risk, missed (exit code 1) or unknown.",
    )
    parser.add_argument(
        "paths", nargs="+", metavar="PATH", help="design files and folders; - is the standard input"
    )
    parser.add_argument("--simulate", action="store_true", help="run each design, and judge its targets")
    parser.add_argument(
        "-q", "--quiet", action="store_true", help="show errors only, and targets that are not met"
    )
    _run_options(parser)
    return parser


def _estimate(command: str) -> _Parser:
    parser = _parser(command, "Computes the estimates of a design, and what the rest of it adds up to.")
    parser.add_argument("file", metavar="FILE", help=FILE)
    _seed(parser)
    _at(parser)
    _json(parser)
    return parser


def _simulate(command: str) -> _Parser:
    parser = _parser(
        command,
        "Runs a design at the median of its rates and at their upper end, and judges its targets.",
        "Without --duration it runs until the figures are as precise as asked for.",
    )
    parser.add_argument("file", metavar="FILE", help=FILE)
    parser.add_argument(
        "--fault", metavar="NAME", help="run this fault of the design: its course, and its targets meanwhile"
    )
    _run_options(parser)
    _verbose(parser)
    return parser


def _faults(command: str) -> _Parser:
    parser = _parser(
        command,
        "Runs each fault under `faults`: the worst p99, the share that fails, how long until all is as it was, and\n"
        "which targets hold meanwhile.",
        "At the median of the rates; with --upper, and for faults that a target names (`during`), at their upper end\n"
        "too. `toscale simulate --fault NAME` shows the course of one.",
    )
    parser.add_argument("file", metavar="FILE", help=FILE)
    parser.add_argument("--upper", action="store_true", help="also at the upper end of the rates")
    _seed(parser)
    _at(parser)
    _json(parser)
    _verbose(parser)
    return parser


def _diff(command: str) -> _Parser:
    parser = _parser(
        command,
        "Says what was added, removed and changed from one design to another, and what that does to each target,\n"
        "flow and component: both are simulated as pairs, with the same arrivals and demands.",
        "A and B are design files, or files at a revision of git: main:shop.design.yaml. The exit code is 1 where B\n"
        "misses a target that A did not miss, or where one of them has errors.",
    )
    parser.add_argument(
        "before",
        metavar="A",
        help="the design before, such as main:shop.design.yaml; or with --git, the file",
    )
    parser.add_argument("after", metavar="B", nargs="?", help="the design after")
    parser.add_argument(
        "--git", metavar="REVISION", help="compare one file with what it was at this revision"
    )
    _words_only(parser)
    _run_options(parser, at=False)
    return parser


def _agree(command: str) -> _Parser:
    parser = _parser(
        command,
        "Without --who: shows who agreed to what, and since each agreement what has changed, in words and in numbers.\n"
        "With --who: records in the file that somebody agrees, or has a concern, or answers one.",
        "An agreement is to a section as it now means: comments, order and positions do not outdate it. What the\n"
        "design was is looked up in git, by its fingerprint.",
    )
    parser.add_argument("file", metavar="FILE", help="a design file")
    parser.add_argument("--who", metavar="NAME", help="who agrees, raises a concern, or answers")
    parser.add_argument(
        "--to",
        action="append",
        metavar="SECTION",
        help="agree to this section, such as flows (more than once for several); all, if no concern is said",
    )
    parser.add_argument("--concern", metavar="TEXT", help="raise a concern")
    parser.add_argument(
        "--about",
        metavar="SUBJECT",
        help="what the concern is about: a section or a part, such as components.cache",
    )
    parser.add_argument(
        "--answer", nargs=2, metavar=("NUMBER", "TEXT"), help="answer the concern of this number"
    )
    _words_only(parser)
    _run_options(parser, json=False, at=False)
    return parser


def _draw(command: str) -> _Parser:
    parser = _parser(
        command,
        "Draws a design: who calls whom, how often, and how busy everything is, by theory.",
        "Without --output it is drawn in the terminal, as wide as that is.",
    )
    parser.add_argument("file", metavar="FILE", help=FILE)
    _picture(parser)
    _upper(parser)
    parser.add_argument("--simulate", action="store_true", help="run the design, and draw the loads measured")
    _run_options(parser, json=False)
    return parser


def _walk(command: str) -> _Parser:
    parser = _parser(
        command,
        "Walks through the flows of a design: who calls whom, on the happy path and when something goes wrong, and\n"
        "what simulated requests went through, hop by hop: a typical one, a slow one, and one that failed.",
        "Without --output it is shown in the terminal, as wide as that is.",
    )
    parser.add_argument("file", metavar="FILE", help=FILE)
    parser.add_argument("flow", nargs="?", metavar="FLOW", help="the flow to walk through; default: all")
    which = parser.add_mutually_exclusive_group()
    for name, what in (
        ("typical", "nearest to the median"),
        ("slow", "nearest to the p99"),
        ("failed", "that failed, or on which something went wrong"),
    ):
        which.add_argument(
            f"--{name}", dest="which", action="store_const", const=name, help=f"only a request {what}"
        )
    which.add_argument(
        "--no-simulate", dest="simulate", action="store_false", help="only who calls whom: nothing is run"
    )
    parser.add_argument("--branches", action="store_true", help="who calls whom with all branches, in frames")
    _picture(parser)
    _upper(parser)
    _seed(parser)
    _at(parser)
    _json(parser)
    return parser


def _export(command: str) -> _Parser:
    parser = _parser(
        command,
        "Writes the drawing of a design, with its rates, as a text of another tool.",
        "What each format cannot say is in docs/exports.md. Without --output the text goes to the standard output.",
    )
    parser.add_argument("file", metavar="FILE", help=FILE)
    parser.add_argument(
        "--to",
        required=True,
        choices=("mermaid", "d2", "structurizr", "drawio", "excalidraw"),
        help="the format",
    )
    parser.add_argument("-o", "--output", metavar="PATH", help="the file to write")
    _upper(parser)
    _at(parser)
    return parser


def _import(command: str) -> _Parser:
    parser = _parser(
        command,
        "Reads a Structurizr workspace (.dsl), a Mermaid flowchart (.mmd, or in a page .md) or a docker-compose file\n"
        "as a design: components with guessed kinds, and who calls whom.",
        "Rates and times are in none of them, and unknown in the design. What else is lost is in docs/exports.md.\n"
        "Without --output the design goes to the standard output; a file that is there is never overwritten.",
    )
    parser.add_argument("path", metavar="PATH", help="the file to read; - is the standard input")
    parser.add_argument("-o", "--output", metavar="FILE", help="the design to write")
    return parser


def _report(command: str) -> _Parser:
    parser = _parser(
        command,
        "Walks through the four steps of a design as far as they exist, and writes it as a design document.",
        "The ending of its name says how: .html is one self-contained page, .md is Markdown with its pictures in a\n"
        "folder beside it, .pdf is a PDF.",
    )
    parser.add_argument("file", metavar="FILE", help=FILE)
    parser.add_argument(
        "-o",
        "--output",
        metavar="DOCUMENT",
        help="the document to write, .html, .md or .pdf; default: the name of the design with .html",
    )
    parser.add_argument(
        "--faults",
        choices=("all", "targeted", "none"),
        default="all",
        help="those to simulate: all (the default), those that a target names with `during`, or none",
    )
    _run_options(parser, json=False)
    _verbose(parser)
    return parser


def _serve(command: str) -> _Parser:
    parser = _parser(
        command,
        "Holds rooms for several people at once, for interviews, practice and reviews, until Ctrl-C.",
        "With FILE the room is of that file: whoever edits it with an editor of their own is in the room too.\n"
        "Rooms are kept in the user's data folder. docs/server.md says what the default set-up trusts.",
    )
    parser.add_argument("file", nargs="?", metavar="FILE", help="a design file, kept alike with its room")
    parser.add_argument("--port", type=_port, default=8642, help="default: %(default)s; 0 takes a free one")
    parser.add_argument(
        "--host", default="127.0.0.1", metavar="ADDRESS", help="default: %(default)s, this machine only"
    )
    parser.add_argument(
        "--origin",
        action="append",
        default=[],
        metavar="URL",
        help="behind a proxy: how browsers reach it, such as https://design.example.org",
    )
    parser.add_argument(
        "--kind",
        choices=("interview", "practice", "review"),
        default="review",
        help="what the session in FILE's room is; default: %(default)s",
    )
    parser.add_argument(
        "--role",
        choices=("candidate", "interviewer", "observer"),
        default="interviewer",
        help="what its host is; default: %(default)s",
    )
    parser.add_argument(
        "--new", action="store_true", help="begin a new session in FILE, though one is not over"
    )
    parser.add_argument(
        "--data", metavar="FOLDER", help="where rooms are kept, in place of the user's data folder"
    )
    parser.add_argument(
        "--simulations", type=_few, default=1, metavar="N", help="so many run at once; default: %(default)s"
    )
    return parser


def _explain(command: str) -> _Parser:
    parser = _parser(
        command, "Explains a rule: why it is there, a design that breaks it and one that does not."
    )
    parser.add_argument("code", metavar="CODE", help="such as TS201")
    return parser


def _rules(command: str) -> _Parser:
    return _parser(command, "Lists all rules that `toscale check` knows.")


def _schema(command: str) -> _Parser:
    return _parser(command, "Prints the JSON Schema of design files: editors complete and check with it.")


_PARSERS: dict[str, Callable[[str], _Parser]] = {
    "new": _new,
    "check": _check,
    "estimate": _estimate,
    "simulate": _simulate,
    "faults": _faults,
    "diff": _diff,
    "agree": _agree,
    "draw": _draw,
    "walk": _walk,
    "export": _export,
    "import": _import,
    "report": _report,
    "serve": _serve,
    "explain": _explain,
    "rules": _rules,
    "schema": _schema,
}


# ---- options that several commands share


def _words_only(parser: _Parser) -> None:
    parser.add_argument(
        "--no-simulate", dest="simulate", action="store_false", help="say it in words only, and run nothing"
    )


def _run_options(parser: _Parser, json: bool = True, at: bool = True) -> None:
    _seed(parser)
    parser.add_argument(
        "--duration",
        type=_duration,
        metavar="TIME",
        help="so much traffic is simulated, such as 60s or 10min, instead of running until it is precise",
    )
    parser.add_argument(
        "--precision",
        type=_precision,
        metavar="SHARE",
        default=0.05,
        help="how wide the intervals may be, such as 2%%; default: 5%%",
    )
    if at:
        _at(parser)
    if json:
        _json(parser)


def _picture(parser: _Parser) -> None:
    parser.add_argument("-o", "--output", metavar="PICTURE", help="the picture to write, .svg or .png")
    parser.add_argument(
        "--theme",
        choices=("auto", "light", "dark"),
        default="auto",
        help="the colours; auto, the default, follows the reader's system (a PNG is light then)",
    )


def _upper(parser: _Parser) -> None:
    parser.add_argument(
        "--upper", action="store_true", help="at the upper end of the rates, instead of their medians"
    )


def _seed(parser: _Parser) -> None:
    parser.add_argument(
        "--seed", type=_seed_number, default=1, metavar="N", help="of all random draws; default: %(default)s"
    )


def _at(parser: _Parser) -> None:
    parser.add_argument(
        "--at",
        type=_multiple,
        default=1.0,
        metavar="MULTIPLE",
        help="at a multiple of what grows (`growth.of`; without one, of all rates), such as 10x",
    )


def _json(parser: _Parser) -> None:
    parser.add_argument(
        "--json", action="store_true", help="the figures as JSON, for programs: see docs/json.md"
    )


def _verbose(parser: _Parser) -> None:
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="all defaults with their sources, and all notes"
    )


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"a port is a number from 0 to 65535, not {text!r}")
    return int(text)


def _few(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 64:
        raise argparse.ArgumentTypeError(f"it is a number from 1 to 64, not {text!r}")
    return int(text)


def _seed_number(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise argparse.ArgumentTypeError(f"a seed is a whole number such as 7, not {text!r}")
    return int(text)


def _multiple(text: str) -> float:
    found = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*[x×]?", text.strip())
    value = float(found[1]) if found else 0.0
    if not 1e-3 <= value <= 1e6:
        raise argparse.ArgumentTypeError(
            f"a multiple is a number such as 10x, from 0.001x to 1,000,000x, not {text!r}"
        )
    return value


def _precision(text: str) -> float:
    found = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*(%?)", text.strip())
    value = float(found[1]) / (100 if found[2] else 1) if found else math.nan
    if not 0.001 <= value <= 0.5:
        raise argparse.ArgumentTypeError(f"a precision is a share such as 2%, from 0.1% to 50%, not {text!r}")
    return value


_UNITS = {
    "ms": 1e-3,
    "s": 1.0,
    "min": 60.0,
    "m": 60.0,
    "hour": 3600.0,
    "hours": 3600.0,
    "h": 3600.0,
    "day": 86400.0,
}


def _duration(text: str) -> float:
    found = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*([a-z]*)", text.strip())
    unit = _UNITS.get(found[2] or "s") if found else None
    value = float(found[1]) * unit if found and unit else 0.0
    if not 0 < value <= 30 * 86400:
        raise argparse.ArgumentTypeError(
            f"a duration is a time such as 60s, 10min or 2h, of 30 days at most, not {text!r}"
        )
    return value

"""`toscale faults FILE`: runs every fault of a design; `toscale simulate FILE --fault NAME`: one, with its course."""

from __future__ import annotations

import argparse
import difflib
from typing import TYPE_CHECKING

from rich.text import Text

from toscale.cli.files import load, refuse
from toscale.cli.terminal import Terminal
from toscale.design.model import Design
from toscale.design.problems import DesignError

if TYPE_CHECKING:
    from toscale.requirements.availability import LongRun

__all__ = ["run", "run_one"]


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Prints what each fault does; exit code 1 where a target that names a fault is missed, or the design has
    errors.
    """
    design = load(options.file, terminal, as_json=options.json, to_run=True)
    if isinstance(design, int):
        return design
    if not design.faults and not options.json:
        terminal.say("The design names no fault. Write one under `faults`, such as:")
        terminal.line("  one replica dies: {at: 60 s, lose: app, replicas: 1, for: 2 min}")
        return 0
    from toscale.cli.running import run_faults
    from toscale.document.fault_tables import faults_table, long_run_table
    from toscale.requirements.verdicts import Status, judge, judged_during

    try:
        results = run_faults(design, options, terminal, design.faults, options.upper or None)
    except DesignError as error:
        return refuse(error.problems, options.file, terminal, options.json)
    steady = _long_run(design)
    judged = {name: judged_during(design, result, options.seed) for name, result in results.items()}
    asked = [
        verdict
        for verdict, target in zip(
            judge(design, {}, seed=options.seed, faults=results), design.requirements.targets, strict=True
        )
        if target.during is not None
    ]
    if options.json:
        from toscale.document.as_json import text_of, verdict_json
        from toscale.document.fault_json import fault_json

        faults = [fault_json(result, judged[name]) for name, result in results.items()]
        said: dict[str, object] = {"file": options.file, "title": design.title, "faults": faults}
        said["conditions"] = [verdict_json(verdict) for verdict in asked]
        said["long_run"] = {
            "flows": dict(steady.flows),
            "unknown": {k: list(v) for k, v in steady.unknown.items()},
        }
        terminal.plain(text_of(said))
    else:
        from toscale.cli.show_faults import show_details
        from toscale.cli.show_simulation import show_title, show_verdicts
        from toscale.cli.show_tables import show_table

        at = "" if options.at == 1 else f" at {options.at:g}x"
        show_title(design, options.file, terminal, f"faults{at}")
        show_table(faults_table(results.values(), judged), terminal)
        if steady.flows:
            show_table(long_run_table(steady), terminal)
        show_details(results.values(), terminal, options.verbose)
        show_verdicts(asked, terminal)
    return 1 if any(verdict.status is Status.MISSED for verdict in asked) else 0


def _long_run(design: Design) -> LongRun:
    from toscale.requirements.availability import long_run
    from toscale.simulate.lower import lower
    from toscale.theory import solve

    model = lower(design).model
    return long_run(design, model, solve(model))


def run_one(design: Design, options: argparse.Namespace, terminal: Terminal) -> int:
    """Prints the course of one fault."""
    name = options.fault
    if name not in design.faults:
        near = difflib.get_close_matches(name, design.faults, n=1)
        mend = f"did you mean `{near[0]}`?" if near else f"there are: {', '.join(design.faults) or 'none'}."
        terminal.complain(f"no fault is called `{name}`: {mend}")
        return 2
    from toscale.cli.running import run_faults
    from toscale.requirements.verdicts import Status, judged_during

    try:
        result = run_faults(design, options, terminal, [name], upper=True)[name]
    except DesignError as error:
        return refuse(error.problems, options.file, terminal, options.json)
    verdicts = judged_during(design, result, options.seed)
    if options.json:
        from toscale.document.as_json import text_of
        from toscale.document.fault_json import fault_json

        terminal.plain(text_of({"file": options.file, "title": design.title, **fault_json(result, verdicts)}))
    else:
        from toscale.cli.show_faults import show_course
        from toscale.cli.show_simulation import show_title, show_verdicts

        at = "" if options.at == 1 else f" at {options.at:g}x"
        show_title(design, options.file, terminal, f"fault{at}: {name}")
        if result.median is None:
            terminal.say(Text(f"Not simulated: {result.reason}.", "quiet"))
        show_course(result, terminal, options.verbose)
        show_verdicts(verdicts, terminal)
    named = {target.name for target in design.requirements.targets if target.during == name}
    missed = any(verdict.status is Status.MISSED and verdict.name in named for verdict in verdicts)
    return 1 if missed else 0

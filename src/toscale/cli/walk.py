"""`toscale walk FILE [FLOW]`: who calls whom in a flow, and what some of its simulated requests went through."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from toscale.cli.draw import MOST_PIXELS, SCALE, write_picture
from toscale.cli.files import load, refuse
from toscale.cli.terminal import Terminal, Unreadable
from toscale.design.model import Design
from toscale.design.problems import DesignError

if TYPE_CHECKING:
    from toscale.architecture.walk import WalkThrough
    from toscale.simulate.lowering.lowered import At
    from toscale.simulate.spans import Trace

__all__ = ["run"]

_WHICH = {"typical": ("typical",), "slow": ("slow",), "failed": ("failed", "troubled")}
"""What is shown of the requests that were followed, by option."""


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Walks through the flows; exit code 1 where the design has errors, or cannot be simulated as asked for."""
    output = None if options.output is None else Path(options.output)
    if output is not None and (output.is_dir() or output.suffix.lower() not in (".svg", ".png")):
        raise Unreadable(f"`{output}` is no file for a picture: name one that ends in .svg or .png")
    design = load(options.file, terminal, as_json=options.json)
    if isinstance(design, int):
        return design
    flows = _flows(design, options.flow)
    if not flows and not options.json:
        terminal.say(
            "There is no flow yet, and so nothing to walk through. Write one under `flows`, such as:"
        )
        terminal.line("  look: {from: visitor, rate: 20 / s, steps: [{app: 5 ms}]}")
        return 0
    try:
        traces, why_not = _traces(design, options, terminal) if options.simulate else ((), {})
    except DesignError as error:
        return refuse(error.problems, options.file, terminal, options.json)
    from toscale.architecture.conversation import Way
    from toscale.architecture.walk import walk_through, written

    ways = () if options.which else (Way.ALL,) if options.branches else (Way.HAPPY, Way.FAILING)
    walks = [walk_through(design, flow, traces, ways) for flow in flows]
    if options.json:
        from toscale.document.as_json import text_of

        said = [{**walk.to_json(), "not_followed": why_not.get(walk.flow)} for walk in walks]
        terminal.plain(text_of({"file": options.file, "flows": said}))
    elif output is not None:
        picture = written(walks)
        longest = max(picture.size)
        as_svg = output.suffix.lower() == ".svg"
        content = (
            picture.svg(options.theme).encode()
            if as_svg
            else picture.png(options.theme, min(SCALE, MOST_PIXELS / longest))
        )
        write_picture(output, content)
        terminal.line(f"Picture: {output}")
    else:
        _show(design, walks, why_not, options, terminal)
    return 0


def _flows(design: Design, flow: str | None) -> list[str]:
    if flow is None:
        return list(design.flows)
    if flow in design.flows:
        return [flow]
    import difflib

    near = difflib.get_close_matches(flow, design.flows, n=1)
    known = ", ".join(f"`{name}`" for name in design.flows) or "none"
    mend = f"did you mean `{near[0]}`?" if near else f"its flows: {known}."
    raise Unreadable(f"the design has no flow `{flow}`: {mend}")


def _traces(
    design: Design, options: argparse.Namespace, terminal: Terminal
) -> tuple[tuple[Trace, ...], Mapping[str, str]]:
    """The requests that were followed, and why none was of some flows."""
    from toscale.cli.running import compile_first
    from toscale.simulate.lower import lower
    from toscale.simulate.traces import trace

    at: At = "upper" if options.upper else "median"
    lowered = lower(design, at=at, multiple=options.at)
    simulated = {flow.name for flow in lowered.model.flows}
    why_not = {
        name: lowered.left_out.get(name, "nothing starts it")
        for name in design.flows
        if name not in simulated
    }
    if not simulated or (options.flow is not None and options.flow not in simulated):
        return (), why_not
    compile_first(terminal)
    traces = trace(design, options.flow, seed=options.seed, at=at, multiple=options.at)
    kept = _WHICH.get(options.which, ("typical", "slow", "failed", "troubled"))
    return tuple(one for one in traces if one.why in kept), why_not


def _show(
    design: Design,
    walks: list[WalkThrough],
    why_not: Mapping[str, str],
    options: argparse.Namespace,
    terminal: Terminal,
) -> None:
    from toscale.architecture.walk_text import sequence_text, waterfall_text
    from toscale.architecture.waterfall import explained, heading
    from toscale.cli.show_simulation import show_title
    from toscale.cli.show_tables import heading as show_heading

    show_title(design, options.file, terminal, "walked through")
    for walk in walks:
        for conversation in walk.conversations:
            show_heading(terminal, f"{walk.flow}: {conversation.way.value}")
            terminal.plain(sequence_text(conversation, terminal.width, ascii_only=terminal.is_ascii))
        for trace in walk.traces:
            show_heading(terminal, f"{walk.flow}. {heading(trace)}")
            said = explained(trace)
            if said:
                terminal.say(said, style="quiet")
            terminal.plain(waterfall_text(trace, terminal.width, ascii_only=terminal.is_ascii))
        if options.simulate and not walk.traces:
            terminal.say(f"\n{walk.flow}: {_none(walk.flow, why_not, options)}", style="quiet")


def _none(flow: str, why_not: Mapping[str, str], options: argparse.Namespace) -> str:
    """Why no request is shown."""
    if flow in why_not:
        return f"no request to follow, because it is not simulated: {why_not[flow]}."
    if options.which == "failed":
        return "none of the requests looked at failed or met with trouble."
    return "no request of it came in the time looked at."

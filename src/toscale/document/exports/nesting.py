"""Which boxes stand in which frames? The nodes of a graph as a tree, for formats whose groups are nested."""

from __future__ import annotations

from dataclasses import dataclass, field

from toscale.architecture.graph import Graph, Group, Node

__all__ = ["Nest", "nested"]


@dataclass(slots=True)
class Nest:
    """A frame (None: outside all frames) with the boxes that stand in it directly, and the frames within it.

    `path` are the keys of the frames from the outermost to this one.
    """

    group: Group | None
    path: tuple[str, ...] = ()
    nodes: list[Node] = field(default_factory=list)
    inner: dict[str, Nest] = field(default_factory=dict)


def nested(graph: Graph) -> Nest:
    """The frames of a graph as a tree, everything in the order of the file."""
    root = Nest(None)
    for node in graph.nodes.values():
        nest = root
        for key in node.groups:
            nest = nest.inner.setdefault(key, Nest(graph.groups[key], (*nest.path, key)))
        nest.nodes.append(node)
    return root

"""Step 2: a design drawn to scale. `draw` lays it out; the drawing becomes SVG, PNG, or characters."""

from toscale.architecture.draw import Drawing, draw

__all__ = ["Drawing", "draw"]

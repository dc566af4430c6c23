"""Figures, drawn without a display. One figure a file, named as its function.

They take plain arrays and names and return a matplotlib Figure, 3.9 inches wide, which
`savefig` writes, or `launch.reporting.svg` puts into a page. Accuracies are shares
(0..1) in arguments and percent in the figure.
"""

from vladser.plots.clusters import clusters
from vladser.plots.confusion import confusion
from vladser.plots.curves import curves
from vladser.plots.intervals import intervals
from vladser.plots.lines import lines
from vladser.plots.speakers import speakers
from vladser.plots.timeline import timeline

__all__ = [
    "clusters",
    "confusion",
    "curves",
    "intervals",
    "lines",
    "speakers",
    "timeline",
]

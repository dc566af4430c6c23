"""Figures, drawn without a display. One figure a file, each with a function `draw`.

They take plain arrays and names and return a matplotlib Figure, 3.9 inches wide, which
`savefig` writes, or `svg` for a page. Accuracies are shares
(0..1) in arguments and percent in the figure.
"""

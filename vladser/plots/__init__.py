"""Figures, drawn without a display: each function returns a matplotlib Figure, which
`savefig` writes, or `svg` for a page. Shares (0..1) are percent in the figures.
"""

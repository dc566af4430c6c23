"""Audit: what could make a result look better than it is."""

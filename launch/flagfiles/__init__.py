"""Flagfiles: an experiment each."""

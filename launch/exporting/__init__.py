"""Checks exported models."""

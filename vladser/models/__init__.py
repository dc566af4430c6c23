"""Trained models: kept, used, exported."""

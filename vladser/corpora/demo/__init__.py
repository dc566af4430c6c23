"""The demo: a corpus that a speech synthesizer speaks on the spot."""

"""Corpora: who said what, in which emotion; `readers` reads any."""

"""Utterance-level representations with label smoothing for speech emotion recognition.

Imports nothing heavy: reading corpora and extracting features run in processes that
must not load jax.
"""

__version__ = "0.1.0"

"""Audit: what could make a result look better than it is.

A test speaker who is seen in training is an error. What the reader of a result should
know, though it may be harmless or by design, is a warning. Each check gives a finding,
also where all is well: together they are the protocol certificate of a run.
"""

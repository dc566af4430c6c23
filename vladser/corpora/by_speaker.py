"""A split of a corpus by lists of its speakers, as a paper gives them."""

import difflib
from collections.abc import Collection
from dataclasses import replace

from vladser.errors import InputError
from vladser.text import few
from vladser.types import UNKNOWN, Corpus


def split(
    corpus: Corpus, test: Collection[str], validation: Collection[str] = ()
) -> Corpus:
    """Splits a corpus, whatever splits it publishes; `folds.make` with hold_out="split"
    makes one fold of it.

    Args:
      corpus: from a reader.
      test: the speakers who are tested.
      validation: those to validate on; all others are to be trained on.

    Raises:
      InputError: a name that no speaker of the corpus has, or UNKNOWN, who may be
        anyone; or nobody is left to be trained on.
    """
    known = {utterance.speaker for utterance in corpus.utterances}
    if UNKNOWN in (*test, *validation):
        raise InputError(f"{UNKNOWN!r} may be anyone: expected names of speakers")
    if unknown := [name for name in (*test, *validation) if name not in known]:
        close = difflib.get_close_matches(unknown[0], sorted(known), 3)
        meant = f"did you mean {' or '.join(close)}?" if close else few(sorted(known))
        raise InputError(
            f"{few(map(repr, unknown))}: no speaker of the corpus, which has "
            f"{len(known):,}: {meant}"
        )
    if known <= {*test, *validation}:
        raise InputError(
            f"all {len(known):,} speakers of the corpus are named: expected some to "
            "train on"
        )
    part = dict.fromkeys(known, "train")
    part |= dict.fromkeys(validation, "validation") | dict.fromkeys(test, "test")
    return corpus._replace(
        utterances=[replace(u, split=part[u.speaker]) for u in corpus.utterances]
    )

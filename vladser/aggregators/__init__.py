"""Aggregators: from the frames of an utterance to one vector. One a file, see
`registry`.

Huang et al. 2020 is: Huang, Tao, Liu, Lian 2020, "Learning utterance-level
representations with label smoothing for speech emotion recognition", Interspeech.
"""

NAMES = (
    "attentive_maximum",
    "attentive_statistics",
    "final",
    "generalized_mean",
    "ghostvlad",
    "maximum",
    "mean",
    "multihead",
    "netvlad",
    "nextvlad",
    "stack",
    "statistics",
    "weighted",
)

"""Aggregators: from the frames of an utterance to one vector. One pooling a file.

To add one, add a file here, and its name below: it is the name of its one factory
function and the value of `--aggregator`; the factory's keyword arguments are the
options. A pooling that lives elsewhere is named by its import path,
`my_package.my_module.my_pooling`.
"""

NAMES = (
    "attentive_statistics",
    "final",
    "generalized_mean",
    "ghostvlad",
    "maximum",
    "mean",
    "multihead",
    "netvlad",
    "nextvlad",
    "statistics",
    "weighted",
)

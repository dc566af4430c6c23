"""Features: audio -> a vector of numbers for each frame. One set a file.

To add a set, add a file here with a factory function of the same name, whose
keyword-only arguments are the options, and its name below. The contract is
`contracts.Features`.
"""

DEFAULT = "vladser147"  # the paper's
NAMES = (
    "ComParE_2016",
    "eGeMAPSv02",
    "embedding",
    "han30",
    "lee32",
    "logmel",
    "npy",
    "vladser147",
)

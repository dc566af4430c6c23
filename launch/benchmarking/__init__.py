"""How fast vladser is, beside what one would use without it.

workloads     the datasets to train on, and what each round trains
contest       checks that all contestants train one model, and times them in turns
ours, torch_rnn, flax_rnn    the contestants
bare_smile    feature extraction beside bare openSMILE
listening     how fast live audio is followed
tables        the figures as Markdown
"""

# The module and class of each; they import jax, names alone need none.
PEERS = {"torch_padded": "torch_rnn.Padded", "flax_linen": "flax_rnn.Linen"}

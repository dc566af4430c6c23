"""How fast vladser is, beside what one would use without it.

workloads     the datasets to train on, and what each round trains
contestants   what can be measured, by name: ours, torch_rnn, flax_rnn
contest       checks that all train one model, and times them in turns
hardware      what a frame takes, and what the machine gives
bare_smile    feature extraction beside bare openSMILE
listening     how fast live audio is followed
tables        the figures as Markdown
"""

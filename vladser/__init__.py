"""Utterance-level representations with label smoothing for speech emotion recognition.

The rooms, in the order in which data flows: each imports those above it alone.

    errors       what goes wrong, for users to read
    own_code     what an import path names: its mistakes are one line
    libraries    packages that need a shared library, which may not load
    files        written whole, with digests that notice damage
    machine      the cores and the memory that a process may use
    processes    workers, which leave Ctrl-C to the program
    types        the data that flows
    contracts    what the parts of a system are
    options      what values an option of a part may have
    text         numbers and tables for readers
    metrics      from confusion matrices to shares: one table of them
    corpora      who said what, in which emotion
    features     audio -> frames, and where they are kept
    pieces       what of an utterance is looked at
    merging      from values of pieces to those of utterances
    readouts     what a network makes of pieces -> the class of an utterance
    masking      frames that count for nothing
    kernels      the LSTM's loops over time
    encoders     frames -> one vector a frame
    aggregators  frames -> one vector an utterance
    heads        vector -> logits
    objectives   what training minimizes
    optimizers   how a gradient changes the parameters
    registry     the parts by name: NAME(option=value, ...)
    data         Dataset, folds, pieces, minibatches
    checks       what testing is made of
    testing      the contracts of parts, as checks
    own_parts    the user's parts, checked before they are trained
    condition    all that is set of a system but the fold and the seed
    systems      conditions that are those of other authors
    model        the parts, put together
    engine       trains the trials of an experiment
    evaluation   what a result is worth
    models       trained models: kept, used, exported
    plots        figures

Imports nothing heavy: reading corpora and extracting features run in processes that
must not load jax.
"""

__version__ = "0.1.0"

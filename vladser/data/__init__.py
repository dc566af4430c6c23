"""Data: utterances and features as one Dataset, its folds and its minibatches."""

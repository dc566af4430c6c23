"""PyTorch as its tutorials have it: random minibatches, packed sequences, and models
one after another."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from launch.benchmarking import torch_training
from vladser.features.cores import cores


class Contestant(torch_training.Contestant):
    about = "nn.LSTM, packed, random minibatches; one model after another"

    def rows(self, number: int) -> np.ndarray:
        return self.workload.random_rows(number)

    def encode(self, lstm: nn.LSTM, frames: Tensor, lengths: np.ndarray) -> Tensor:
        packed = pack_padded_sequence(
            frames, torch.from_numpy(lengths), enforce_sorted=False
        )
        return pad_packed_sequence(lstm(packed)[0])[0]

    def computed(self, lengths: np.ndarray) -> int:
        return int(lengths.sum())

    def run(self, rows: np.ndarray) -> None:
        torch.set_num_threads(cores())
        super().run(rows)

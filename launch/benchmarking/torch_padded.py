"""PyTorch at its best: nn.LSTM over padded minibatches of similar lengths, those of
ours. cuDNN's persistent kernels take padded input only; on a CPU, oneDNN runs it."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from launch.benchmarking import torch_training
from launch.benchmarking.workloads import Workload
from vladser.features.cores import cores


class Contestant(torch_training.Contestant):
    about = "nn.LSTM, padded, our minibatches; a model at a time on each core"

    def __init__(self, workload: Workload):
        super().__init__(workload)
        # A model a core, each with one thread, is faster than models in turn with a
        # thread a core. A GPU gets one model after another.
        models = cores() if self.device.type == "cpu" else 1
        self.pool = ThreadPoolExecutor(
            models, initializer=partial(torch.set_num_threads, 1)
        )

    def rows(self, number: int) -> np.ndarray:
        return self.workload.sorted_rows(number)

    def encode(self, lstm: nn.LSTM, frames: Tensor, lengths: np.ndarray) -> Tensor:
        return lstm(frames)[0]

    def drop(self, hidden: Tensor) -> Tensor:
        if hidden.is_cuda:
            return super().drop(hidden)
        # Several times as fast as functional.dropout, which took a sixth of a step.
        rate = self.workload.condition.dropout
        kept = torch.rand_like(hidden).ge_(rate).mul_(1 / (1 - rate))
        return hidden * kept

    def computed(self, lengths: np.ndarray) -> int:
        return len(lengths) * int(lengths.max())

    def run(self, rows: np.ndarray) -> None:
        list(self.pool.map(self.train_one, range(rows.shape[1]), rows.swapaxes(0, 1)))

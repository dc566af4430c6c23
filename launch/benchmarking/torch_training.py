"""Training in PyTorch, one model after another; its subclasses say how minibatches are
made and run through the LSTM."""

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import jax
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from launch.benchmarking.contestant import Timed
from launch.benchmarking.torch_model import Model
from launch.benchmarking.workloads import Workload
from vladser import model
from vladser.optimizers.adadelta import EPSILON


class Training:
    """One model, its optimizer, and its fold's statistics."""

    def __init__(self, params: model.Params, workload: Workload, place: int, device):
        trial = jax.tree.map(
            lambda x: torch.as_tensor(np.array(x[place])).to(device), workload.trials
        )
        self.mean, self.scale, soft = trial.mean, trial.scale, trial.objective
        one_hot = torch.eye(len(soft.prior), device=device)
        self.targets = torch.lerp(one_hot, soft.prior, soft.alpha)  # of each label
        self.model = Model(params).to(device)
        options = dict(workload.condition.optimizer.options)
        self.optimizer = torch.optim.Adadelta(
            self.model.parameters(),
            lr=options["learning_rate"],
            rho=options["rho"],
            eps=EPSILON,
        )


class Contestant:
    """What the two ways to train in PyTorch share. The data lie on the device."""

    def __init__(self, workload: Workload):
        self.workload = workload
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        if self.device.type == "cuda":  # TF32, as in jax; cuDNN's LSTM has it anyway
            torch.set_float32_matmul_precision("high")
        corpus = workload.corpus
        self.frames, self.offset, self.label = (
            _shared(x).to(self.device)
            for x in (corpus.frames, corpus.offset, corpus.label)
        )
        params = model.init(jax.random.key(0), workload.spec)
        self.trainings = [
            Training(params, workload, place, self.device)
            for place in range(len(workload.trials.seed))
        ]

    def rows(self, number: int) -> np.ndarray:
        """The rows of a round, [steps, trainings, batch]."""
        raise NotImplementedError

    def encode(self, lstm: nn.LSTM, frames: Tensor, lengths: np.ndarray) -> Tensor:
        """The LSTM's outputs [T, B, H] of frames [T, B, D]."""
        raise NotImplementedError

    def drop(self, hidden: Tensor) -> Tensor:
        return functional.dropout(hidden, self.workload.condition.dropout)

    def computed(self, lengths: np.ndarray) -> int:
        """Frames that `encode` computes for rows of these lengths."""
        raise NotImplementedError

    def prepare(self, rounds: int) -> float:
        self.train(0)
        return 0.0

    def train(self, number: int) -> Timed:
        rows = self.rows(number)
        lengths = np.where(rows >= 0, self.workload.corpus.length[rows], 0)
        computed = sum(
            self.computed(minibatch[minibatch > 0])
            for minibatch in lengths.reshape(-1, lengths.shape[-1])
            if minibatch.any()
        )
        begin = time.perf_counter()
        self.run(rows)
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        seconds = time.perf_counter() - begin
        return Timed(int(lengths.sum()), computed, seconds)

    def run(self, rows: np.ndarray) -> None:
        for place in range(rows.shape[1]):
            self.train_one(place, rows[:, place])

    def train_one(self, place: int, rows: np.ndarray) -> None:
        """Trains one model by its minibatches [steps, batch]."""
        training = self.trainings[place]
        for minibatch in rows:
            if (minibatch >= 0).any():
                training.optimizer.zero_grad()
                self.loss(training, minibatch[minibatch >= 0]).backward()
                training.optimizer.step()

    def loss(self, training: Training, rows: np.ndarray) -> Tensor:
        """The loss of a minibatch of live rows [B]."""
        lengths = self.workload.corpus.length[rows]
        rows, length = (torch.from_numpy(x).to(self.device) for x in (rows, lengths))
        clock = torch.arange(int(lengths.max()), device=self.device)[:, None]
        places = self.offset[rows] + clock
        frames = self.frames.index_select(0, places.flatten()).view(*places.shape, -1)
        frames.sub_(training.mean).mul_(training.scale)
        frames.add_(torch.randn_like(frames), alpha=self.workload.condition.noise)
        hidden = self.encode(training.model.lstm, frames, lengths)
        logits = training.model.classify(self.drop(hidden), clock < length)
        return functional.cross_entropy(logits, training.targets[self.label[rows]])

    def gradients(
        self, params: model.Params, rows: np.ndarray
    ) -> tuple[float, model.Params]:
        training = Training(params, self.workload, 0, self.device)
        with _float32():
            loss = self.loss(training, rows[rows >= 0])
            loss.backward()
        return loss.item(), training.model.gradients()


def _shared(array: np.ndarray) -> Tensor:
    """The array as a tensor, without a copy."""
    with warnings.catch_warnings():
        # Nobody writes to it, so that it may be a mapped file.
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        return torch.from_numpy(array)


@contextmanager
def _float32() -> Iterator[None]:
    """Without TF32."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            yield
    finally:
        torch.set_float32_matmul_precision(before)

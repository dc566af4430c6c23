"""PyTorch at its best: our minibatches, padded."""

import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import jax
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from launch.benchmarking import torch_networks
from launch.benchmarking.torch_networks import DEVICE, Network
from launch.benchmarking.workloads import Workload
from vladser import machine, model
from vladser.condition import Condition


class Padded:
    """A `contest.Contestant`: a model at a time on each core, which is faster than
    models in turn on all cores. A GPU gets one model after another."""

    @staticmethod
    def trains(condition: Condition) -> bool:
        return torch_networks.network(condition) is not None

    def __init__(self, workload: Workload):
        self.workload, data = workload, workload.data
        assert isinstance(data.frames, np.ndarray)
        arrays = data.frames, data.offset, data.label
        self.frames, self.offset, self.label = (_shared(x).to(DEVICE) for x in arrays)
        params = model.init(jax.random.key(0), workload.spec)
        places = range(len(workload.trials.seed))
        self.models = [self.network(params, place) for place in places]

    def network(self, params: model.Params, place: int) -> Network:
        """Makes the network of the trial at a place."""
        made = torch_networks.network(self.workload.condition)
        assert made
        return made(params, self.workload, place)

    def prepare(self, rounds: int) -> float:
        _allow_tf32(True)  # as jax does on a GPU
        return 0.0

    def train(self, rows: np.ndarray) -> int:
        workers = machine.cores() if DEVICE.type == "cpu" else 1
        one_thread = partial(torch.set_num_threads, 1)
        with ThreadPoolExecutor(workers, initializer=one_thread) as pool:
            computed = sum(pool.map(self.train_one, self.models, rows.swapaxes(0, 1)))
        if DEVICE.type == "cuda":
            torch.cuda.synchronize()
        return computed

    def train_one(self, model: Network, rows: np.ndarray) -> int:
        """Trains one model by its minibatches, rows [steps, B]; returns the frames that
        went through it."""
        computed = 0
        for minibatch in rows:
            live = minibatch[minibatch >= 0]
            if len(live):
                model.optimizer.zero_grad()
                for first in range(0, len(live), model.rows):
                    part = live[first : first + model.rows]
                    (self.loss(model, part) / len(live)).backward()
                    computed += len(part) * int(self.workload.lengths(part).max())
                model.step()
        return computed

    def loss(self, model: Network, rows: np.ndarray) -> Tensor:
        """Returns the loss of live rows [B], summed."""
        condition, lengths = self.workload.condition, self.workload.data.length[rows]
        rows, length = (torch.from_numpy(x).to(DEVICE) for x in (rows, lengths))
        clock = torch.arange(int(lengths.max()), device=DEVICE)[:, None]
        places = self.offset[rows] + clock
        frames = self.frames.index_select(0, places.flatten()).view(*places.shape, -1)
        frames.sub_(model.mean).mul_(model.scale)
        if condition.noise:
            frames.add_(torch.randn_like(frames), alpha=condition.noise)
        targets = model.targets[self.label[rows]]
        logits = model(frames, length)
        return functional.cross_entropy(logits, targets, reduction="sum")

    def gradients(
        self, params: model.Params, rows: np.ndarray
    ) -> tuple[float, model.Params]:
        _allow_tf32(False)
        network, live = self.network(params, 0), rows[rows >= 0]
        loss = self.loss(network, live) / len(live)
        loss.backward()
        return loss.item(), network.gradients()


def _shared(array: np.ndarray) -> Tensor:
    """Returns the array as a tensor, without a copy."""
    with warnings.catch_warnings():  # nobody writes to it: it may be a mapped file
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        return torch.from_numpy(array)


def _allow_tf32(allowed: bool) -> None:
    torch.set_float32_matmul_precision("high" if allowed else "highest")
    torch.backends.cudnn.allow_tf32 = allowed

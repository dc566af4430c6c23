"""PyTorch's nn.LSTM at its best: our minibatches, padded."""

import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import jax
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from launch.benchmarking.workloads import Workload
from vladser import machine, model
from vladser.optimizers.adadelta import EPSILON

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
# Our parameters in the order of their leaves; the gates have the same order.
_NAMES = (
    *("lstm.weight_ih_l0", "lstm.weight_hh_l0", "lstm.bias_ih_l0"),
    *("assignment.weight", "assignment.bias", "centers"),
    *("head.weight", "head.bias"),
)
_TRANSPOSED = ("lstm.weight_ih_l0", "lstm.weight_hh_l0", "head.weight")


class Model(nn.Module):
    """The paper's model, from our parameters, and what trains the trial at a place of
    the workload; time first. Of the two biases of each gate one stays 0."""

    def __init__(self, params: model.Params, workload: Workload, place: int):
        super().__init__()
        features, gates = params.encoder.input_kernel.shape
        clusters, cells = params.aggregator.w.shape
        self.lstm = nn.LSTM(features, gates // 4)
        self.assignment = nn.Linear(cells, clusters)
        self.centers = nn.Parameter(torch.empty(clusters, cells))
        self.head = nn.Linear(*params.head.kernel.shape)
        leaves, self.layout = jax.tree.flatten(params)
        ours = {
            name: torch.from_numpy(np.array(_turned(name, leaf)))
            for name, leaf in zip(_NAMES, leaves, strict=True)
        }
        self.load_state_dict(ours | {"lstm.bias_hh_l0": torch.zeros(gates)})
        trial = jax.tree.map(lambda x: torch.tensor(x[place]), workload.trials)
        soft = trial.objective
        targets = torch.lerp(torch.eye(len(soft.prior)), soft.prior, soft.alpha)
        self.mean, self.scale = trial.mean.to(DEVICE), trial.scale.to(DEVICE)
        self.targets = targets.to(DEVICE)  # of each label
        self.to(DEVICE)
        self.optimizer = torch.optim.Adadelta(
            self.parameters(),
            lr=float(trial.optimizer["learning_rate"]),
            rho=float(trial.optimizer["rho"]),
            eps=EPSILON,
        )

    def gradients(self) -> model.Params:
        """Returns the gradients in our layout."""
        of = {name: p.grad.cpu().numpy() for name, p in self.named_parameters()}
        return jax.tree.unflatten(self.layout, [_turned(n, of[n]) for n in _NAMES])

    def classify(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Returns the logits [B, classes] of hidden [T, B, H] and mask [T, B]."""
        hidden = hidden.transpose(0, 1)
        scores = self.assignment(hidden).softmax(dim=-1)
        assignment = (scores * mask.T[..., None]).transpose(1, 2)  # [B, K, T]
        weight = assignment.sum(dim=2, keepdim=True)
        vlad = assignment @ hidden - weight * self.centers
        vlad = functional.normalize(vlad, dim=2).flatten(1)
        return self.head(functional.normalize(vlad, dim=1))


class Padded:
    """A `contest.Contestant`: a model at a time on each core, which is faster than
    models in turn on all cores. A GPU gets one model after another."""

    def __init__(self, workload: Workload):
        self.workload, data = workload, workload.data
        arrays = data.frames, data.offset, data.label
        self.frames, self.offset, self.label = (_shared(x).to(DEVICE) for x in arrays)
        params = model.init(jax.random.key(0), workload.spec)
        self.models = [
            Model(params, workload, place) for place in range(len(workload.trials.seed))
        ]

    def prepare(self, rounds: int) -> float:
        _allow_tf32(True)  # as jax does on a GPU
        return 0.0

    def train(self, rows: np.ndarray) -> int:
        workers = machine.cores() if DEVICE.type == "cpu" else 1
        one_thread = partial(torch.set_num_threads, 1)
        with ThreadPoolExecutor(workers, initializer=one_thread) as pool:
            list(pool.map(self.train_one, self.models, rows.swapaxes(0, 1)))
        if DEVICE.type == "cuda":
            torch.cuda.synchronize()
        lengths = self.workload.lengths(rows)
        return int(((lengths > 0).sum(axis=-1) * lengths.max(axis=-1)).sum())

    def train_one(self, model: Model, rows: np.ndarray) -> None:
        """Trains one model by its minibatches, rows [steps, B]."""
        for minibatch in rows:
            if (minibatch >= 0).any():
                model.optimizer.zero_grad()
                self.loss(model, minibatch[minibatch >= 0]).backward()
                model.optimizer.step()

    def loss(self, model: Model, rows: np.ndarray) -> Tensor:
        """Returns the loss of a minibatch of live rows [B]."""
        condition, lengths = self.workload.condition, self.workload.data.length[rows]
        rows, length = (torch.from_numpy(x).to(DEVICE) for x in (rows, lengths))
        clock = torch.arange(int(lengths.max()), device=DEVICE)[:, None]
        places = self.offset[rows] + clock
        frames = self.frames.index_select(0, places.flatten()).view(*places.shape, -1)
        frames.sub_(model.mean).mul_(model.scale)
        frames.add_(torch.randn_like(frames), alpha=condition.noise)
        hidden, _ = model.lstm(frames)
        # On a CPU several times as fast as functional.dropout, a sixth of a step.
        kept = torch.rand_like(hidden).ge_(condition.dropout)
        hidden = hidden * kept.mul_(1 / (1 - condition.dropout))
        logits = model.classify(hidden, clock < length)
        return functional.cross_entropy(logits, model.targets[self.label[rows]])

    def gradients(
        self, params: model.Params, rows: np.ndarray
    ) -> tuple[float, model.Params]:
        _allow_tf32(False)
        network = Model(params, self.workload, 0)
        loss = self.loss(network, rows[rows >= 0])
        loss.backward()
        return loss.item(), network.gradients()


def _turned(name: str, array: np.ndarray) -> np.ndarray:
    return array.T if name in _TRANSPOSED else array


def _shared(array: np.ndarray) -> Tensor:
    """Returns the array as a tensor, without a copy."""
    with warnings.catch_warnings():  # nobody writes to it: it may be a mapped file
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        return torch.from_numpy(array)


def _allow_tf32(allowed: bool) -> None:
    torch.set_float32_matmul_precision("high" if allowed else "highest")
    torch.backends.cudnn.allow_tf32 = allowed

"""The systems in PyTorch, each as fast on a CPU as we could write it."""

from collections.abc import Callable
from functools import partial

import jax
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from launch.benchmarking.workloads import Workload
from vladser import model
from vladser.condition import Condition
from vladser.optimizers.adadelta import EPSILON

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
_LSTM = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0")


class Network(nn.Module):
    """A network, from our parameters, and what trains the trial at a place of the
    workload. Called with frames [T, B, D] and the lengths [B] of the rows, it returns
    logits [B, classes].

    Attributes:
      names: our parameters in the order of their leaves; the gates have the same order.
      rows: of a minibatch that are fastest at once.
    """

    names: tuple[str, ...]
    rows = 10**6

    def __init__(self, params: model.Params, workload: Workload, place: int):
        super().__init__()
        self.condition = workload.condition
        self.build(params)
        self.head = nn.Linear(*params.head.kernel.shape)
        leaves, self.layout = jax.tree.flatten(params)
        ours = {
            name: torch.from_numpy(np.array(_turned(name, leaf)))
            for name, leaf in zip(self.names, leaves, strict=True)
        }
        for name, parameter in self.named_parameters():
            if name.endswith("bias_hh_l0"):  # of the two biases of a gate one stays 0
                ours[name] = torch.zeros_like(parameter)
        self.load_state_dict(ours)
        trial = jax.tree.map(lambda x: torch.tensor(x[place]), workload.trials)
        soft = trial.objective
        targets = torch.lerp(torch.eye(len(soft.prior)), soft.prior, soft.alpha)
        self.mean, self.scale = trial.mean.to(DEVICE), trial.scale.to(DEVICE)
        self.targets = targets.to(DEVICE)  # of each label
        self.to(DEVICE)
        options = {name: float(x) for name, x in trial.optimizer.items()}
        make = _OPTIMIZERS[self.condition.optimizer.name]
        self.optimizer = make(options)(self.parameters())

    def build(self, params: model.Params) -> None:
        """Makes the layers before the head, of the sizes of our parameters."""
        raise NotImplementedError

    def step(self) -> None:
        """Changes the parameters by their gradients."""
        if clip := dict(self.condition.optimizer.options).get("clip"):
            nn.utils.clip_grad_value_(self.parameters(), clip)
        self.optimizer.step()

    def drop(self, outputs: Tensor, mask: Tensor | float = 1.0) -> Tensor:
        """Drops outputs, and those where the mask is 0: on a CPU several times as fast
        as functional.dropout."""
        share = self.condition.dropout
        kept = torch.rand_like(outputs).ge_(share).mul_(mask / (1 - share))
        return outputs * kept

    def gradients(self) -> model.Params:
        """Returns the gradients in our layout."""
        of = {name: p.grad.cpu().numpy() for name, p in self.named_parameters()}
        leaves = [_turned(name, of[name]) for name in self.names]
        return jax.tree.unflatten(self.layout, leaves)


class Vlad(Network):
    """The paper's own."""

    names = (
        *(f"lstm.{name}" for name in _LSTM),
        *("assignment.weight", "assignment.bias", "centers"),
        *("head.weight", "head.bias"),
    )

    def build(self, params: model.Params) -> None:
        features, gates = params.encoder.input_kernel.shape
        clusters, cells = params.aggregator.w.shape
        self.lstm = nn.LSTM(features, gates // 4)
        self.assignment = nn.Linear(cells, clusters)
        self.centers = nn.Parameter(torch.empty(clusters, cells))

    def forward(self, frames: Tensor, length: Tensor) -> Tensor:
        hidden, _ = self.lstm(frames)
        hidden = self.drop(hidden).transpose(0, 1)
        mask = torch.arange(len(frames), device=DEVICE) < length[:, None]
        scores = self.assignment(hidden).softmax(dim=-1)
        assignment = (scores * mask[..., None]).transpose(1, 2)  # [B, K, T]
        weight = assignment.sum(dim=2, keepdim=True)
        vlad = assignment @ hidden - weight * self.centers
        vlad = functional.normalize(vlad, dim=2).flatten(1)
        return self.head(functional.normalize(vlad, dim=1))


class AttentiveCNN(Network):
    """A convolution, maxima of windows, attention; time last. Maxima in two steps take
    half the time of max_pool1d(30, 3)."""

    names = ("kernel", "bias", "attention", "head.weight", "head.bias")

    def build(self, params: model.Params) -> None:
        self.width = dict(self.condition.encoder.options)["width"]
        self.kernel = nn.Parameter(torch.empty(params.encoder.kernel.shape))
        self.bias = nn.Parameter(torch.empty(params.encoder.bias.shape))
        self.attention = nn.Parameter(torch.empty(params.aggregator.shape))

    def forward(self, frames: Tensor, length: Tensor) -> Tensor:
        options = dict(self.condition.aggregator.options)
        pool, stride = options["pool"], options["stride"]
        kernel = self.kernel.unflatten(0, (self.width, -1)).permute(2, 1, 0)
        behind = functional.pad(frames.permute(1, 2, 0), (self.width - 1, 0))
        hidden = functional.conv1d(behind, kernel, self.bias).relu_()
        mask = torch.arange(len(frames), device=DEVICE) < length[:, None]
        hidden = self.drop(hidden, mask[:, None])
        windows = -(-len(frames) // stride)
        needed = stride * (windows - 1) + pool
        hidden = functional.pad(hidden, (0, needed - len(frames)))
        hidden = functional.max_pool1d(hidden, stride)
        hidden = functional.max_pool1d(hidden, pool // stride, 1)
        begin = stride * torch.arange(windows, device=DEVICE)
        scores = self.attention @ hidden
        weights = scores.masked_fill(begin >= length[:, None], -torch.inf).softmax(-1)
        return self.head((hidden @ weights[..., None]).squeeze(-1))


class FrameLSTM(Network):
    """LSTMs on top of each other, and the last output; dropout of the others of the
    last one, which nobody reads, is left out."""

    rows = 64

    @property
    def names(self) -> tuple[str, ...]:  # type: ignore[override]
        layers = (
            f"layers.{n}.{name}" for n in range(len(self.layers)) for name in _LSTM
        )
        return *layers, "head.weight", "head.bias"

    def build(self, params: model.Params) -> None:
        shapes = [layer.input_kernel.shape for layer in params.encoder]
        self.layers = nn.ModuleList(nn.LSTM(n, gates // 4) for n, gates in shapes)

    def forward(self, frames: Tensor, length: Tensor) -> Tensor:
        for number, layer in enumerate(self.layers):
            frames, _ = layer(self.drop(frames) if number else frames)
        last = frames[length - 1, torch.arange(len(length), device=DEVICE)]
        return self.head(self.drop(last))


_NETWORKS: dict[tuple[str, str], type[Network]] = {
    ("lstm", "netvlad"): Vlad,
    ("convolution", "attentive_maximum"): AttentiveCNN,
    ("lstm", "final"): FrameLSTM,
}
_OPTIMIZERS: dict[str, Callable[[dict[str, float]], Callable]] = {
    "adadelta": lambda of: partial(
        torch.optim.Adadelta, lr=of["learning_rate"], rho=of["rho"], eps=EPSILON
    ),
    "adam": lambda of: partial(
        torch.optim.Adam, lr=of["learning_rate"], betas=(of["b1"], of["b2"])
    ),
    "rmsprop": lambda of: partial(
        torch.optim.RMSprop, lr=of["learning_rate"], alpha=of["decay"]
    ),
}


def network(condition: Condition) -> type[Network] | None:
    """Returns the network of a condition's system, if there is one."""
    parts = condition.encoder.name, condition.aggregator.name
    return _NETWORKS.get(parts) if condition.head.name == "linear" else None


def _turned(name: str, array: np.ndarray) -> np.ndarray:
    kernel = name.endswith(_LSTM[:2]) or name == "head.weight"
    return array.T if kernel else array

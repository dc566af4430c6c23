"""The paper's model in PyTorch, and its parameters in our layout."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from vladser import model
from vladser.aggregators import netvlad
from vladser.encoders import lstm


class Model(nn.Module):
    """LSTM, and NetVLAD with the classifier; time first."""

    def __init__(self, params: model.Params):
        super().__init__()
        features, gates = params.encoder.input_kernel.shape
        clusters, cells = params.aggregator.w.shape
        self.lstm = nn.LSTM(features, gates // 4)
        self.assignment = nn.Linear(cells, clusters)
        self.centers = nn.Parameter(torch.empty(clusters, cells))
        self.classifier = nn.Linear(*params.head.kernel.shape)
        self.load(params)

    def load(self, params: model.Params) -> None:
        """Takes over our parameters. Gates have the same order, kernels are transposed,
        and of the two biases of each gate one stays 0."""
        self.load_state_dict(
            {
                "lstm.weight_ih_l0": _tensor(params.encoder.input_kernel).T,
                "lstm.weight_hh_l0": _tensor(params.encoder.recurrent_kernel).T,
                "lstm.bias_ih_l0": _tensor(params.encoder.bias),
                "lstm.bias_hh_l0": torch.zeros(len(params.encoder.bias)),
                "assignment.weight": _tensor(params.aggregator.w),
                "assignment.bias": _tensor(params.aggregator.b),
                "centers": _tensor(params.aggregator.c),
                "classifier.weight": _tensor(params.head.kernel).T,
                "classifier.bias": _tensor(params.head.bias),
            }
        )

    def gradients(self) -> model.Params:
        """The gradients in our layout."""
        of = {name: p.grad.cpu().numpy() for name, p in self.named_parameters()}
        return model.Params(
            lstm.Params(
                of["lstm.weight_ih_l0"].T,
                of["lstm.weight_hh_l0"].T,
                of["lstm.bias_ih_l0"],
            ),
            netvlad.Params(
                of["assignment.weight"], of["assignment.bias"], of["centers"]
            ),
            of["classifier.weight"].T,
            of["classifier.bias"],
        )

    def classify(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Logits [B, classes] of the LSTM's outputs [T, B, H] and their mask [T, B]."""
        hidden = hidden.transpose(0, 1)
        scores = self.assignment(hidden).softmax(dim=-1)
        assignment = (scores * mask.T[..., None]).transpose(1, 2)  # [B, K, T]
        weight = assignment.sum(dim=2, keepdim=True)
        vlad = assignment @ hidden - weight * self.centers
        vlad = functional.normalize(vlad, dim=2).flatten(1)
        return self.classifier(functional.normalize(vlad, dim=1))


def _tensor(array) -> Tensor:
    return torch.from_numpy(np.array(array))

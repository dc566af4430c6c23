"""What the training of one real frame takes at least, whoever does it."""

from vladser import model
from vladser.types import Spec


def flops(spec: Spec, clusters: int) -> int:
    """Floating-point operations of its matrix products, forward and backward.

    With D features, H cells and K clusters of NetVLAD:

      LSTM      forward: [D + H] by [D + H, 4H]                      2 (D + H) 4H
                gradient of the weights: as much                     2 (D + H) 4H
                gradient of the hidden state before: [4H] by [4H, H]    2 H 4H
                gradient of the input: nobody needs it                       0
      NetVLAD   scores and the sum of weighted frames: 2 products         4 H K
                gradient of the frame, by each of them                    4 H K
                gradients of the scores' weights and of the assignment    4 H K

    A product of [m] by [m, n] counts 2mn. Left out is what is no matrix product (gates,
    noise, dropout, softmax), less than a hundredth, and what is done once an utterance
    or a step.
    """
    d, (h, _), k = spec.dim, model.sizes(spec), clusters
    return 2 * 2 * (d + h) * 4 * h + 2 * h * 4 * h + 3 * 4 * h * k


def bytes_moved(spec: Spec) -> int:
    """Bytes to and from memory in float32, where no more than a chunk of time stays in
    the cache: the frame is read forward and for the weights' gradient (2D); gates, cell
    and hidden state are written forward and read backward (2 x 6H); the pooling reads
    the hidden state twice, and its gradient is written and read (4H)."""
    return 4 * (2 * spec.dim + 16 * model.sizes(spec)[0])

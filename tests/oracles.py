"""Naive implementations in numpy, with loops and in float64."""

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def lstm(params, frames, lengths):
    """Hidden states [B, T, H] of each row alone; zeros past its length."""
    w, u, b = (np.asarray(p, np.float64) for p in params)
    cells = u.shape[0]
    hidden = np.zeros((len(frames), frames.shape[1], cells))
    for row, length in enumerate(lengths):
        h, c = np.zeros(cells), np.zeros(cells)
        for t in range(length):
            z = frames[row, t] @ w + h @ u + b
            i, f, g, o = (z[n * cells : (n + 1) * cells] for n in range(4))
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
            hidden[row, t] = h
    return hidden


def softmax(scores):
    powers = [np.exp(score - max(scores)) for score in scores]
    return [power / sum(powers) for power in powers]


def final(params, frames):
    return frames[-1]


def maximum(params, frames):
    return np.array([max(frame[j] for frame in frames) for j in range(frames.shape[1])])


def mean(params, frames):
    return sum(frames) / len(frames)


def weighted(params, frames):
    weights = softmax([frame @ params for frame in frames])
    return sum(w * frame for w, frame in zip(weights, frames, strict=True))


def attentive_maximum(params, frames, pool=30, stride=3):
    starts = range(0, len(frames), stride)
    return weighted(params, [frames[t : t + pool].max(axis=0) for t in starts])


def stack(params, frames, count=25):
    missing = np.zeros((max(count - len(frames), 0), frames.shape[1]))
    return np.concatenate([frames[:count], missing]).ravel()


def statistics(params, frames):
    mu = sum(frames) / len(frames)
    squares = sum((x - mu) ** 2 for x in frames)
    return np.concatenate([mu, np.sqrt(squares / len(frames))])


def attentive_statistics(params, frames):
    """Okabe et al. 2018, equations (3) to (6)."""
    w, b, v = (np.asarray(p, np.float64) for p in params)
    weights = softmax([v @ np.tanh(x @ w + b) for x in frames])
    mu = sum(a * x for a, x in zip(weights, frames, strict=True))
    square = sum(a * x**2 for a, x in zip(weights, frames, strict=True))
    return np.concatenate([mu, np.sqrt(np.maximum(square - mu**2, 0))])


def multihead(params, frames):
    heads, dim = params.shape
    averages = []
    for k in range(heads):
        parts = [x[k * dim : (k + 1) * dim] for x in frames]
        averages.append(weighted(np.asarray(params[k], np.float64) / dim**0.5, parts))
    return np.concatenate(averages)


def generalized_mean(params, frames):
    """Radenovic et al. 2018, equation (3), of positive and of negative parts."""
    p = np.exp(float(params))
    means = []
    for sign in (1, -1):
        for j in range(frames.shape[1]):
            total = sum(max(sign * x[j], 1e-6) ** p for x in frames)
            means.append((total / len(frames)) ** (1 / p))
    return np.array(means)


def netvlad(params, frames):
    """Huang et al. 2020, equation (1), then intra-normalization, then L2."""
    w, b, c = (np.asarray(p, np.float64) for p in params)
    v = np.zeros_like(c)
    for frame in frames:
        assignment = softmax([w[k] @ frame + b[k] for k in range(len(w))])
        for k in range(len(c)):
            v[k] += assignment[k] * (frame - c[k])
    return normalized(v)


ghostvlad = netvlad  # w and b have rows for ghosts, c has none


def nextvlad(params, frames):
    """Lin et al. 2018, section 3.2, then intra-normalization, then L2."""
    expand, bias, attention, attention_bias, w, b, c = (
        np.asarray(p, np.float64) for p in params
    )
    v = np.zeros_like(c)
    for frame in frames:
        wide = frame @ expand + bias
        for g, part in enumerate(np.split(wide, len(w))):
            weight = sigmoid(attention[g] @ wide + attention_bias[g])
            assignment = softmax([w[g, k] @ wide + b[g, k] for k in range(len(c))])
            for k in range(len(c)):
                v[k] += weight * assignment[k] * (part - c[k])
    return normalized(v)


def normalized(v):
    flat = np.concatenate([row / np.linalg.norm(row) for row in v])
    return flat / np.linalg.norm(flat)


def adadelta(x, gradients, rho, epsilon, rate=1.0):
    """Algorithm 1 of Zeiler 2012; the parameters after each gradient. The rate, which
    scales each update, is not in the paper."""
    square, delta_square, path = 0.0, 0.0, []
    for g in gradients:
        square = rho * square + (1 - rho) * g**2
        delta = -np.sqrt(delta_square + epsilon) / np.sqrt(square + epsilon) * g
        delta_square = rho * delta_square + (1 - rho) * delta**2
        x = x + rate * delta
        path.append(x)
    return path

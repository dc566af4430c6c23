"""One training step of one trial: loss, gradient, Adadelta."""

import jax
import jax.numpy as jnp
import optax

from vladser import model, smoothing
from vladser.types import Array, Batch, Spec, State, Trial

EPSILON = 1e-6  # of Adadelta; Zeiler 2012, section 4.1


def optimizer(trial: Trial) -> optax.GradientTransformation:
    """Adadelta (Zeiler 2012). Its step has the parameters' own scale: the learning rate
    of the paper's method is 1."""
    return optax.adadelta(trial.learning_rate, rho=trial.rho, eps=EPSILON)


def init(params: model.Params) -> State:
    """The state before the first step."""
    return State(params, optax.adadelta(1.0).init(params))


def standardize(frames: Array, trial: Trial) -> Array:
    """Frames in units of the fold's training frames: mean 0, variance 1."""
    return (frames - trial.mean) * trial.scale


def loss(
    params: model.Params, spec: Spec, trial: Trial, batch: Batch, draws: model.Draws
) -> Array:
    """Cross-entropy to the softened labels, averaged over the live rows (0 if none)."""
    frames = standardize(batch.frames, trial)
    _, logits = model.perturbed(
        params, spec, frames, batch.mask, draws, trial.noise, trial.dropout
    )
    soften = jax.vmap(smoothing.soften, in_axes=(0, None, None))
    targets = soften(batch.label, trial.alpha, trial.prior)
    rows = -jnp.sum(targets * jax.nn.log_softmax(logits), axis=-1)
    return jnp.sum(jnp.where(batch.live, rows, 0)) / jnp.maximum(batch.live.sum(), 1)


def step(
    state: State, spec: Spec, trial: Trial, batch: Batch, draws: model.Draws
) -> tuple[State, Array]:
    """One Adadelta step; a batch without a live row leaves the state untouched.

    Returns:
      the new state and the loss before the step, [].
    """

    def take(state):
        value, gradient = jax.value_and_grad(loss)(
            state.params, spec, trial, batch, draws
        )
        updates, optimizer_state = optimizer(trial).update(
            gradient, state.optimizer, state.params
        )
        return State(optax.apply_updates(state.params, updates), optimizer_state), value

    return jax.lax.cond(
        batch.live.any(), take, lambda state: (state, jnp.zeros(())), state
    )


def predict(params: model.Params, spec: Spec, trial: Trial, batch: Batch) -> Array:
    """Class probabilities of each row, [B, classes], without noise and dropout."""
    frames = standardize(batch.frames, trial)
    return jax.nn.softmax(model.forward(params, spec, frames, batch.mask)[1])

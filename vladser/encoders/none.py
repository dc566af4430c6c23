"""No encoder: the descriptors themselves are pooled."""

from vladser.contracts import Encoder, Recurrence


def none() -> Encoder:
    """Returns the frames as they are: H is D."""
    return Encoder(
        init=lambda key, dim: (),
        apply=lambda params, frames, mask: frames,
        recurrence=Recurrence(
            start=lambda params, batch: (),
            residuals=lambda *block: (),
            update=lambda params, carry, frames, mask, residuals: (frames, carry),
        ),
    )

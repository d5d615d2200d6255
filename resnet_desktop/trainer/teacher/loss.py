"""What a network loses by answering otherwise than its teacher."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def distillation(logits: Tensor, taught: Tensor, temperature: float) -> Tensor:
    """T² · KL(teacher ‖ network), both softened by ``temperature`` T, for each picture: float ``[n]``, in nats.

    The square keeps the gradient as large as that of the labels whatever T is (Hinton, Vinyals and Dean 2015,
    arXiv:1503.02531, section 2).

    Args:
        logits: of the network, ``[n, classes]``.
        taught: logits of the teacher, or its log-probabilities, ``[n, classes]``.
        temperature: larger ones show more of what lies between the classes.
    """
    right = functional.log_softmax(taught / temperature, dim=1)
    ours = functional.log_softmax(logits / temperature, dim=1)
    return temperature**2 * functional.kl_div(ours, right, reduction="none", log_target=True).sum(1)

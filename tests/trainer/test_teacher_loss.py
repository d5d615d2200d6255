"""The loss with a teacher, against the formula of the paper."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from resnet_desktop.data.dataset import Sample
from resnet_desktop.imaging.transforms import Transforms
from resnet_desktop.jobs.recipe import Recipe, Teacher
from resnet_desktop.trainer.distributed.process_group import ProcessGroup
from resnet_desktop.trainer.inputs.augment import Augmenter, Draws, Mix
from resnet_desktop.trainer.inputs.feeds import Plan
from resnet_desktop.trainer.inputs.picture_tensor import Pictures
from resnet_desktop.trainer.step.train_step import TrainStep
from resnet_desktop.trainer.teacher.bank import Bank
from resnet_desktop.trainer.teacher.loss import distillation
from resnet_desktop.trainer.teacher.taught_feed import TaughtFeed
from tests.unit.bundle.elsewhere import softmax

CPU = torch.device("cpu")
Array = NDArray[np.float64]


def by_hand(student: Array, taught: Array, labels: NDArray[np.int64], teacher: Teacher, smooth: float) -> Array:
    """The loss of each picture, written down from the papers."""
    t, classes = teacher.temperature, student.shape[1]
    p, q = softmax(taught / t), softmax(student / t)
    divergence = (p * (np.log(p) - np.log(q))).sum(1)
    right = np.full(student.shape, smooth / classes)
    right[np.arange(len(labels)), labels] += 1 - smooth
    entropy = -(right * np.log(softmax(student))).sum(1)
    found: Array = teacher.weight * t**2 * divergence + (1 - teacher.weight) * entropy
    return found


def difference_quotients(loss: Callable[[Array], float], at: Array) -> Array:
    found = np.zeros_like(at)
    for place in np.ndindex(*at.shape):
        step = np.zeros_like(at)
        step[place] = 1e-6
        found[place] = (loss(at + step) - loss(at - step)) / 2e-6
    return found


def test_the_divergence_and_its_gradient_are_those_of_the_paper() -> None:
    rng = np.random.default_rng(1)
    student, taught = rng.normal(0, 2, (5, 4)), rng.normal(0, 3, (5, 4))
    for temperature in (0.5, 1.0, 4.0):
        teacher = Teacher("t", 1.0, temperature)
        labels = np.zeros(5, np.int64)
        x = torch.tensor(student, requires_grad=True)
        loss = distillation(x, torch.tensor(taught), temperature)
        np.testing.assert_allclose(loss.detach().numpy(), by_hand(student, taught, labels, teacher, 0.0), rtol=1e-12)
        loss.sum().backward()
        assert x.grad is not None
        # Section 2.1 of the paper: T² times the gradient 1/T (q - p).
        expected = temperature * (softmax(student / temperature) - softmax(taught / temperature))
        np.testing.assert_allclose(x.grad.numpy(), expected, atol=1e-12)


class Fixed(torch.nn.Module):
    """A network whose logits are its parameters."""

    def __init__(self, logits: Array) -> None:
        super().__init__()
        self.logits = torch.nn.Parameter(torch.tensor(logits, dtype=torch.float32))

    def forward(self, x: Tensor) -> Tensor:
        del x
        return self.logits


@pytest.mark.parametrize("blended", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_step_takes_the_loss_of_the_formula(blended: bool, weighted: bool) -> None:
    rng = np.random.default_rng(2)
    n, classes = 6, 3
    student, answers = rng.normal(0, 1, (n, classes)), rng.normal(0, 2, (2, n, classes))
    labels, views = rng.integers(0, classes, n), rng.integers(0, 2, n)
    recipe = Recipe(label_smoothing=0.1, teacher=Teacher("t", 0.6, 3.0), transforms=Transforms())
    pictures = Pictures(
        torch.zeros(n, 3, 8, 8, dtype=torch.uint8),
        torch.tensor(labels),
        tuple(Sample("s", str(i), 0) for i in range(n)),
    )
    draws = Draws(torch.zeros(2, n, 2, 3), torch.zeros(2, n, 3))
    bank = Bank(draws, torch.tensor(answers, dtype=torch.float16))
    feed = TaughtFeed(pictures, Augmenter(recipe, Transforms(), CPU), CPU, bank)
    order, share = torch.tensor([3, 4, 5, 0, 1, 2]), 0.7
    mix = Mix(order, share, None) if blended else None
    plan = Plan(torch.arange(n), 8, mix, bank.drawn(torch.tensor(views), torch.arange(n)), torch.tensor(views))
    weights_of = np.array([0.5, 1.0, 2.0]) if weighted else np.ones(classes)
    network = Fixed(student)
    stepper = TrainStep(
        recipe,
        network,
        torch.optim.SGD(network.parameters(), lr=1.0),
        CPU,
        ProcessGroup(),
        torch.tensor(weights_of, dtype=torch.float32) if weighted else None,
    )
    taught = answers.astype(np.float16).astype(np.float64)[views, np.arange(n)]

    def expected(logits: Array) -> float:
        assert recipe.teacher is not None
        each = by_hand(logits, taught, labels, recipe.teacher, 0.1) * weights_of[labels]
        if blended:
            other = labels[order.numpy()]
            more = by_hand(logits, taught[order.numpy()], other, recipe.teacher, 0.1) * weights_of[other]
            each = share * each + (1 - share) * more
        return float(each.mean())

    assert float(stepper(feed, plan)) == pytest.approx(expected(student), abs=1e-5)
    moved = student - network.logits.detach().numpy().astype(np.float64)  # a step of 1 against the gradient
    np.testing.assert_allclose(moved, difference_quotients(expected, student), atol=2e-5)

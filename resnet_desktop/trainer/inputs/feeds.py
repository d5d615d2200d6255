"""Where the inputs of a step come from: pictures that are augmented anew, or features that were computed once.

Either way a step is planned for a whole batch first and then made for any rows of it, so that a batch may be split over
devices or for want of memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from resnet_desktop.data.dataset import Sample
from resnet_desktop.trainer.inputs.augment import Augmenter, Draws, Mix
from resnet_desktop.trainer.inputs.picture_tensor import Pictures
from resnet_desktop.trainer.network.classifier import Classifier

LEAST_SPREAD = 0.1
"""The smallest standard deviation of a feature that is believed, as a part of the mean one."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A batch before it is made: which samples (int64 ``[n]``), what was drawn for each, how they are blended."""

    chosen: Tensor
    size: int
    mix: Mix | None
    draws: Draws | None = None
    views: Tensor | None = None

    def __len__(self) -> int:
        return len(self.chosen)


class Feed(Protocol):
    """Samples as inputs of a network, on its device. ``labels`` is int64 ``[n]``."""

    labels: Tensor
    samples: tuple[Sample, ...]

    def __len__(self) -> int: ...

    def plan(self, chosen: Tensor, size: int, generator: torch.Generator) -> Plan:
        """Draw whatever is random about a batch of the samples ``chosen``."""
        ...

    def inputs(self, plan: Plan, rows: Tensor) -> Tensor:
        """The inputs for these rows of a planned batch."""
        ...

    def evaluation(self, chosen: Tensor, resize: int, crop: int) -> Tensor:
        """Inputs without anything random, as the app makes them."""
        ...

    def taught(self, plan: Plan, rows: Tensor) -> Tensor | None:
        """A teacher's log-probabilities for these rows, float32 ``[n, classes]``, unblended; None without a teacher."""
        ...


class PictureFeed:
    """Pictures, augmented anew in each epoch; the inputs are ``[n, 3, size, size]``."""

    def __init__(self, pictures: Pictures, augmenter: Augmenter, device: torch.device) -> None:
        self._pixels, self._augmenter, self._device = pictures.pixels, augmenter, device
        self.labels, self.samples = pictures.labels.to(device), pictures.samples

    def __len__(self) -> int:
        return len(self.samples)

    def plan(self, chosen: Tensor, size: int, generator: torch.Generator) -> Plan:
        """Draw crops, flips, colours and blending."""
        draws = self._augmenter.draw(len(chosen), generator)
        return Plan(chosen, size, self._augmenter.draw_mix(len(chosen), size, generator), draws)

    def inputs(self, plan: Plan, rows: Tensor) -> Tensor:
        """The augmented pictures."""
        x = self._training(plan, rows)
        if plan.mix is None:
            return x
        if len(rows) == len(plan):  # all are here already
            return plan.mix(x, x[plan.mix.order.to(x.device, non_blocking=True)])
        return plan.mix(x, self._training(plan, plan.mix.order[rows]))

    def evaluation(self, chosen: Tensor, resize: int, crop: int) -> Tensor:
        """The centre crops."""
        return self._augmenter.evaluation(self._stored(chosen), resize, crop)

    def taught(self, plan: Plan, rows: Tensor) -> Tensor | None:
        """There is no teacher."""
        del plan, rows
        return None

    def _training(self, plan: Plan, rows: Tensor) -> Tensor:
        assert plan.draws is not None, "planned by this feed"
        return self._augmenter.training(self._stored(plan.chosen[rows]), plan.size, plan.draws.rows(rows))

    def _stored(self, chosen: Tensor) -> Tensor:
        # Not waiting here lets the processor plan the next step while the device works on the one before.
        return self._pixels[chosen.to(self._pixels.device, non_blocking=True)].to(self._device, non_blocking=True)


class ViewFeed(PictureFeed):
    """Pictures to be asked about, stored as the app's transforms let them through: nothing is left to be cut."""

    def evaluation(self, chosen: Tensor, resize: int, crop: int) -> Tensor:
        """What the app's network sees; for a network of another size, that reduced to ``crop`` pixels."""
        del resize
        return super().evaluation(chosen, crop, crop)


class FeatureFeed:
    """Pooled features ``[views, n, features]`` float16 of the samples; view 0 is the picture without augmentation."""

    def __init__(
        self, features: Tensor, labels: Tensor, samples: tuple[Sample, ...], augmenter: Augmenter, device: torch.device
    ) -> None:
        self._features, self._augmenter = features.to(device), augmenter
        self.labels, self.samples = labels.to(device), samples

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def plain(self) -> Tensor:
        """The features without augmentation, float32 ``[n, features]``."""
        return self._features[0].float()

    def plan(self, chosen: Tensor, size: int, generator: torch.Generator) -> Plan:
        """Draw which view of each picture is taken."""
        views = torch.randint(len(self._features), (len(chosen),), generator=generator)
        mix = self._augmenter.draw_mix(len(chosen), size, generator, pictures=False)
        return Plan(chosen, size, mix, views=views)

    def inputs(self, plan: Plan, rows: Tensor) -> Tensor:
        """Features of the drawn views."""
        x = self._training(plan, rows)
        return x if plan.mix is None else plan.mix(x, self._training(plan, plan.mix.order[rows]))

    def evaluation(self, chosen: Tensor, resize: int, crop: int) -> Tensor:
        """Features of the pictures themselves; the sizes were settled when they were computed."""
        del resize, crop
        return self._features[0, chosen.to(self._features.device)].float()

    def taught(self, plan: Plan, rows: Tensor) -> Tensor | None:
        """A head alone has no teacher."""
        del plan, rows
        return None

    def _training(self, plan: Plan, rows: Tensor) -> Tensor:
        assert plan.views is not None, "planned by this feed"
        device = self._features.device
        return self._features[plan.views[rows].to(device), plan.chosen[rows].to(device)].float()


class HeadOnly(nn.Module):
    """The head of a network as a module of its own, for inputs that are features.

    It learns on features that are shifted and scaled to mean 0 and standard deviation 1 over the training pictures, so
    that one learning rate serves every base; ``fold`` puts shift and scale into the weights at the end.
    """

    def __init__(self, network: Classifier, features: Tensor) -> None:
        super().__init__()
        self.network = network
        spread = features.std(0) if len(features) > 1 else torch.ones_like(features[0])
        # A channel that hardly ever speaks is not made to shout.
        self.scale = 1 / spread.clamp(min=float(spread.mean()) * LEAST_SPREAD + 1e-6)
        self.shift = features.mean(0)

    def forward(self, pooled: Tensor) -> Tensor:
        """Logits ``[batch, classes]``."""
        return self.network.classify((pooled - self.shift) * self.scale)

    @torch.no_grad()
    def fold(self) -> None:
        """Let the network's head take features as they are; the answers stay the same."""
        first = self.network.first_linear
        first.weight.mul_(self.scale)
        first.bias.sub_(first.weight @ self.shift)
        self.scale, self.shift = torch.ones_like(self.scale), torch.zeros_like(self.shift)

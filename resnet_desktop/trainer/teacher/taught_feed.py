"""Pictures whose crops a teacher has answered to."""

from __future__ import annotations

import torch
from torch import Tensor

from resnet_desktop.trainer.inputs.augment import Augmenter
from resnet_desktop.trainer.inputs.feeds import PictureFeed, Plan
from resnet_desktop.trainer.inputs.picture_tensor import Pictures
from resnet_desktop.trainer.teacher.bank import Bank


class TaughtFeed(PictureFeed):
    """Pictures in the crops of a bank, each of which a teacher has answered to."""

    def __init__(self, pictures: Pictures, augmenter: Augmenter, device: torch.device, bank: Bank) -> None:
        super().__init__(pictures, augmenter, device)
        self._bank = bank

    def plan(self, chosen: Tensor, size: int, generator: torch.Generator) -> Plan:
        """Draw which crop of each picture is taken, and the blending."""
        views = torch.randint(self._bank.crops, (len(chosen),), generator=generator)
        mix = self._augmenter.draw_mix(len(chosen), size, generator)
        return Plan(chosen, size, mix, self._bank.drawn(views, chosen), views)

    def taught(self, plan: Plan, rows: Tensor) -> Tensor | None:
        """What the teacher said of the crops."""
        assert plan.views is not None, "planned by this feed"
        return self._bank.answers[plan.views[rows], plan.chosen[rows]].to(self._device, non_blocking=True).float()

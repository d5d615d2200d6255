"""What is looked at before a run and between its steps: memory that runs out, the disk, a loss that only rises."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from resnet_desktop.core.errors import StorageError
from resnet_desktop.runs.disk_space import SMALL
from resnet_desktop.runs.error_messages import diverges
from resnet_desktop.trainer.export import disk_space
from resnet_desktop.trainer.step.attempt import Attempt


def network() -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4))


def test_norms_have_not_seen_a_step_that_failed() -> None:
    x = torch.randn(8, 3, 9, 9, generator=torch.Generator().manual_seed(2))
    free = network().train()
    tight = network().train()
    tight[1].eval()  # a frozen norm
    free[1].eval()
    attempt = Attempt(tight)
    full = True

    def step(model: nn.Module, parts: int) -> Tensor:
        losses = [model(part).square().mean() for part in x.chunk(parts)]
        if parts == 1 and full:
            raise torch.OutOfMemoryError("at the end of the forward pass")
        loss = torch.stack(losses).sum()
        loss.backward()
        return loss.detach()

    assert attempt(lambda: step(tight, 1)) is None
    loss = attempt(lambda: step(tight, 2))
    assert loss is not None
    assert float(loss) == pytest.approx(float(step(free, 2)))
    for name, value in free.state_dict().items():
        assert torch.equal(value, tight.state_dict()[name]), name
    assert int(tight.state_dict()["3.num_batches_tracked"]) == 2
    with pytest.raises(RuntimeError, match="a fault"):
        attempt(lambda: _fault())


def _fault() -> Tensor:
    raise RuntimeError("a fault of the program")


def test_a_disk_without_room_is_said_before_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = disk_space.needed(network(), ["0.weight", "0.bias"], adam=False, averaged=False)
    assert wanted > SMALL
    assert disk_space.needed(network(), ["0.weight", "0.bias"], adam=True, averaged=True) > wanted
    disk_space.check(tmp_path, 1000)
    with pytest.raises(StorageError, match="are free there") as caught:
        disk_space.check(tmp_path, 10**18)
    assert caught.value.code == "disk_full"


@pytest.mark.parametrize(
    ("losses", "told"),
    [
        ([1.4, 1.2, 1.0], [False, False, False]),
        ([1.4, None, 2.0], [False, False, False]),  # hardly more than guessing among four
        ([1.3, 40.0, 90.0], [False, True, False]),
        ([9.0, 8.0, 5.0], [False, False, False]),  # badly begun, and it gets better
        ([9.0, 20.0, 1.0], [False, True, False]),
    ],
)
def test_a_loss_that_rises_and_is_a_number_still_is_said_once(losses: list[Any], told: list[bool]) -> None:
    rows = [{"training_loss": loss} for loss in losses]
    assert [diverges(rows[: i + 1], 4) for i in range(len(rows))] == told

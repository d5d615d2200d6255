"""The model that a new last layer is taught on: read and checked."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

from resnet_desktop.bundle.builders.architectures import ARCHITECTURES
from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.bundle.graph.head import Head, find_head, logits_graph
from resnet_desktop.bundle.library import remembered_labels
from resnet_desktop.bundle.library.library import Library
from resnet_desktop.core.errors import ModelError
from resnet_desktop.jobs.fields import shown

WHOLE = "network"
"""What all of a network is called whose parts have no names."""
_STATISTICS = ("running_mean", "running_var")
_OTHER = "Choose another model as the base."


@dataclass(frozen=True, eq=False)
class Base:
    """A model to start from.

    Attributes:
        name: as the job names it.
        bundle: the file.
        head: its last layer.
        checksum: of its weights.
    """

    name: str
    bundle: Bundle
    head: Head
    checksum: str

    @property
    def parts(self) -> dict[str, int]:
        """How many parameters its parts have before the last layer: those of a ResNet by name, else all as one."""
        named = (self.bundle.metadata.arch or "") in ARCHITECTURES
        found: Counter[str] = Counter()
        for name, tensor in self.bundle.view.initializers.items():
            part = name.split(".")[0]
            if not named:
                part = WHOLE
            elif part in ("fc", "head"):
                continue
            if not name.endswith(_STATISTICS):
                found["conv1" if part == "bn1" else part] += math.prod(side or 0 for side in tensor.shape or ())
        if not named:
            found[WHOLE] = max(0, found[WHOLE] - (self.head.width + 1) * self.head.classes)
        return dict(found)

    @property
    def frozen(self) -> int:
        """How many parameters it has before its last layer."""
        return sum(self.parts.values())


def read_base(name: str) -> Base:
    """The base by its name in the library or its path, checked.

    Raises:
        ModelError: it cannot be read, is damaged, or has no last layer to teach.
    """
    try:
        bundle = remembered_labels.read(Library().find(name))
    except ModelError as error:
        raise ModelError(error.code, error.message, error.hint or _OTHER) from error
    except (OSError, RuntimeError) as error:  # a name that is too long; the home folder of nobody
        said = error.strerror if isinstance(error, OSError) else "there is no such folder"
        raise ModelError("missing_model", f"The base {shown(name)} cannot be read: {said}.", _OTHER) from error
    checked = bundles.verify(bundle)
    if checked.expected is not None and not checked.ok:
        message = f"The weights in the base {name} do not match their checksum: the file is damaged."
        raise ModelError("damaged_model", message, f"Copy or download it again. {_OTHER}")
    head = find_head(logits_graph(bundle), (bundle.batch, *bundle.input_shape))
    return Base(name, bundle, head, checked.found)

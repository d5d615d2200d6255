"""What is known of a graph that does not show it itself."""

from __future__ import annotations

from dataclasses import dataclass, replace

from resnet_desktop.bundle.adapt.tried import UNTRIED, Found
from resnet_desktop.bundle.format.metadata import Metadata, Order


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the user says of a graph, or the metadata of its file, or what was seen when it was tried.

    Attributes:
        layout: which way pictures lie in its input.
        output_name: the output that is taken, or a tensor inside.
        size: height and width of what it sees, in pixels, where it leaves them open.
        classes: how many classes have names.
        found: what was seen when it was tried.
    """

    layout: Order | None = None
    output_name: str | None = None
    size: tuple[int, int] | None = None
    classes: int | None = None
    found: Found = UNTRIED

    @property
    def told(self) -> tuple[Order | None, str | None]:
        """Layout and output, where they were told."""
        return self.layout, self.output_name

    def or_as_in(self, metadata: Metadata) -> Chosen:
        """The same, with what a file's metadata say; they know better."""
        return replace(
            self,
            layout=metadata.layout or self.layout,
            output_name=metadata.output_name or self.output_name,
            size=metadata.transforms.size,
            classes=len(metadata.categories),
        )


NOTHING = Chosen()

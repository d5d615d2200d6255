"""Which heatmap is wanted, and what a step to another class, layer or method makes of that."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from resnet_desktop.explain.cam.methods import DEFAULT_METHOD, METHODS
from resnet_desktop.session.results import EvidenceRequest, LayerChoice

DEEP_METHODS = ("gradcam", "gradcam++", "hirescam", "xgradcam", "layercam", "eigencam")
"""Those whose maps at every depth come from one run."""


@dataclass(frozen=True, slots=True)
class EvidenceChoice:
    """What is wanted of a model with these ``layers``, from first to last; a step to nowhere changes nothing."""

    layers: tuple[LayerChoice, ...] = ()
    request: EvidenceRequest = field(default_factory=EvidenceRequest)

    @property
    def layer(self) -> LayerChoice | None:
        """The layer that is wanted."""
        return choice_of(self.layers, self.request.layer)

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that work at the layer that is wanted, or without any."""
        layer = self.layer
        if layer is not None:
            return layer.methods
        return tuple(name for name, info in METHODS.items() if not info.needs_layer)

    @property
    def any_depth(self) -> EvidenceRequest:
        """What the maps of all depths have in common."""
        return replace(self.request, layer=None)

    def at_layer(self, name: str) -> EvidenceChoice:
        """Another layer; by another method, where this one does not work there."""
        found = choice_of(self.layers, name)
        if found is None:
            return self
        method = self.request.method if self.request.method in found.methods else next(iter(found.methods), "")
        layer = None if found.recommended else name
        return replace(self, request=replace(self.request, layer=layer, method=method))

    def deeper(self, step: int) -> EvidenceChoice:
        """So many layers on; less than none: towards the first."""
        layer, names = self.layer, [choice.name for choice in self.layers]
        if layer is None or not METHODS[self.request.method].needs_layer:
            return self
        place = names.index(layer.name) + step
        return self.at_layer(names[place]) if 0 <= place < len(names) else self

    def by_method(self, method: str) -> EvidenceChoice:
        """Another way to make the map, where it works."""
        return replace(self, request=replace(self.request, method=method)) if method in self.methods else self

    def next_method(self, step: int) -> EvidenceChoice:
        """So many methods on of those that work here, from the last on to the first; where it is none, the first."""
        methods, method = self.methods, self.request.method
        if not methods:
            return self
        return self.by_method(
            methods[(methods.index(method) + step) % len(methods)] if method in methods else methods[0]
        )

    def of_model(self, layers: tuple[LayerChoice, ...]) -> EvidenceChoice:
        """The best class of another model; layer and method stay where it has them."""
        layer = self.request.layer if choice_of(layers, self.request.layer) is not None else None
        there = EvidenceChoice(layers, EvidenceRequest(layer=layer, method=self.request.method))
        if there.request.method in there.methods:
            return there
        # Without any layer the default says that there is none: occlusion takes seconds and waits to be chosen.
        usual = DEFAULT_METHOD in there.methods or not layers
        method = DEFAULT_METHOD if usual else there.methods[0]
        return replace(there, request=replace(there.request, method=method))


def choice_of(layers: tuple[LayerChoice, ...], name: str | None) -> LayerChoice | None:
    """A layer by its name; None is the recommended one."""
    found = (choice for choice in layers if (choice.recommended if name is None else choice.name == name))
    return next(found, None)

"""Under which names a module holds the arrays of a graph: the initializers' own, as far as PyTorch admits them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from torch import nn

NORM_PARTS = ("weight", "bias", "running_mean", "running_var")
_RESERVED = ("fc", "head", "dropout", "constants")
"""Modules of the network itself."""


class Names:
    """Finds places for arrays in a module, and remembers which is where."""

    def __init__(self, root: nn.Module) -> None:
        self._root = root
        self.initializers: dict[str, str] = {}
        """The initializer of each key of the state."""

    def parameter(self, name: str, value: nn.Parameter) -> tuple[nn.Module, str]:
        """Register a parameter; the module that holds it and its name there."""
        *path, last = _parts(name)
        module, taken = self._module(path)
        while self._is_taken(module, last):
            last += "_"
        module.register_parameter(last, value)
        self.initializers[".".join((*taken, last))] = name
        return module, last

    def norm(self, names: Sequence[str], norm: nn.Module) -> str:
        """Register a batch norm whose four arrays have these names, in the operator's order; the module's name."""
        stems = {name.removesuffix(f".{part}") for name, part in zip(names, NORM_PARTS, strict=True)}
        stem = stems.pop() if len(stems) == 1 else names[0]
        *path, last = _parts(stem)
        module, taken = self._module(path)
        while self._is_taken(module, last):
            last += "_"
        module.add_module(last, norm)
        key = ".".join((*taken, last))
        self.initializers |= {f"{key}.{part}": name for part, name in zip(NORM_PARTS, names, strict=True)}
        return key

    def _is_taken(self, module: nn.Module, name: str) -> bool:
        return hasattr(module, name) or (module is self._root and name in _RESERVED)

    def _module(self, path: Sequence[str]) -> tuple[nn.Module, list[str]]:
        """The module at a path, made where there is none, and the path as it had to be written."""
        module, taken = self._root, []
        for part in path:
            child = part
            while self._is_taken(module, child) and type(getattr(module, child, None)) is not nn.Module:
                child += "_"
            if not hasattr(module, child):
                module.add_module(child, nn.Module())
            module = module.get_submodule(child)
            taken.append(child)
        return module, taken


def _parts(name: str) -> list[str]:
    """The parts of a name between dots, without signs that stand for something in Python."""
    return [re.sub(r"\W", "_", part) or "_" for part in name.split(".")]

"""How far a pickle spreads, found out without carrying it out.

A pickle of 180 bytes can make a tuple that holds another twice, that holds another twice, and so on. Python stores it
in no room, and needs for ever to compute its hash or to compare it. Sizes are summed up here as the pickle's own stack
machine would, one number in place of each object.
"""

from __future__ import annotations

from collections.abc import Iterable

MAX_INSTRUCTIONS = 2_000_000
"""The weights of ResNet-152, with the state of its optimizer, take 40,000."""
MAX_SIZE = 100_000
MAX_DEPTH = 50

_Extent = tuple[int, int]
"""Objects within, counted as often as they are met; how deep they lie inside each other."""
_ATOM: _Extent = (1, 0)


class SpreadError(ValueError):
    """What the pickle makes is spread too far."""


def check_pickle(instructions: Iterable[tuple[str, object]]) -> None:
    """Go through a pickle's instructions, each the name of its opcode and its argument.

    Raises:
        SpreadError: tuples too large or too deep, or too many instructions.
        LookupError: the pickle takes what is not there.
    """
    machine = _Machine()
    for number, (name, argument) in enumerate(instructions):
        if number > MAX_INSTRUCTIONS:
            raise SpreadError("too many instructions")
        machine.step(name, argument)


class _Machine:
    """The stack, its marks, and the memo. Lists and dictionaries count as one: nothing looks through them."""

    def __init__(self) -> None:
        self._stack: list[_Extent] = []
        self._marks: list[int] = []
        self._memo: dict[int, _Extent] = {}

    def step(self, name: str, argument: object) -> None:
        """One instruction."""
        stack = self._stack
        match name:
            case "PROTO" | "FRAME" | "STOP":
                return
            case "MARK":
                self._marks.append(len(stack))
            case "POP":
                if self._marks and self._marks[-1] == len(stack):
                    self._marks.pop()
                else:
                    stack.pop()
            case "POP_MARK" | "SETITEMS" | "APPENDS":
                self._since_mark()
            case "DUP":
                stack.append(stack[-1])
            case "TUPLE":
                self._push(self._since_mark())
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                self._push(self._taken(int(name[-1])))
            case "LIST" | "DICT":
                self._since_mark()
                stack.append(_ATOM)
            case "SETITEM" | "APPEND" | "BUILD":
                self._taken(2 if name == "SETITEM" else 1)
            case "REDUCE" | "STACK_GLOBAL":
                self._push(self._taken(2))
            case "BINPERSID":
                self._push(self._taken(1))
            case "PUT" | "BINPUT" | "LONG_BINPUT":
                self._memo[int(str(argument))] = stack[-1]
            case "MEMOIZE":
                self._memo[len(self._memo)] = stack[-1]
            case "GET" | "BINGET" | "LONG_BINGET":
                stack.append(self._memo[int(str(argument))])
            case _:  # numbers, texts, names, empty containers
                stack.append(_ATOM)

    def _push(self, parts: list[_Extent]) -> None:
        size = 1 + sum(part[0] for part in parts)
        depth = 1 + max((part[1] for part in parts), default=0)
        if size > MAX_SIZE or depth > MAX_DEPTH:
            raise SpreadError("spread too far")
        self._stack.append((size, depth))

    def _since_mark(self) -> list[_Extent]:
        start = self._marks.pop()
        parts, self._stack[start:] = self._stack[start:], []
        return parts

    def _taken(self, count: int) -> list[_Extent]:
        if len(self._stack) < count:
            raise IndexError(count)
        parts, self._stack[-count:] = self._stack[-count:], []
        return parts

"""Which photos of a folder of results are wanted, and how many there are of each kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from resnet_desktop.batch_inference import arrow
from resnet_desktop.batch_inference.arrow import Table


@dataclass(frozen=True, slots=True)
class Selection:
    """What is wanted; all of it must be true of a photo.

    Attributes:
        of_class: the label or index of its best class, or the label of its group or of one that is present; without
            regard to case.
        above: the least probability of the best class, a fraction of 1.
        below: a probability that it does not reach.
        errors: only photos that failed.
        unfamiliar: only photos unlike what the model was trained on.
    """

    of_class: str | None = None
    above: float | None = None
    below: float | None = None
    errors: bool = False
    unfamiliar: bool = False

    def of(self, table: Table) -> Table:
        """The rows of a table that are wanted."""
        pc = arrow.compute()
        masks = []
        if self.errors:
            masks.append(pc.invert(table["ok"]))
        if self.unfamiliar:
            masks.append(table["unfamiliar"])
        if self.above is not None:
            masks.append(pc.greater_equal(table["probability"], self.above))
        if self.below is not None:
            masks.append(pc.less(table["probability"], self.below))
        if self.of_class is not None:
            masks.append(_is_of(table, self.of_class.casefold()))
        if not masks:
            return table
        wanted = masks[0]
        for mask in masks[1:]:
            wanted = pc.and_(wanted, mask)
        return table.filter(wanted)  # what is not known, such as the probability of a photo that failed, is not wanted


def _is_of(table: Table, name: str) -> Any:  # noqa: ANN401 - an array of truth values
    """Whether each row is of a class: of labels each is looked at once, for few of millions differ."""
    pa, pc = arrow.library(), arrow.compute()
    labels = [table["label"], pc.struct_field(table["group"], "label")]
    found = pc.or_kleene(*[_equals(column, name) for column in labels])
    index = pa.scalar(int(name) if name.isdecimal() and len(name) < 10 else -1, pa.int32())
    present = pa.array([_names(one, name) for one in table["present"].to_pylist()], pa.bool_())
    best = pc.struct_field(pc.list_slice(table["predictions"], 0, 1).combine_chunks().flatten(), "index")
    of_index = pc.and_(table["ok"], False)
    if index.as_py() >= 0:
        hits = iter(pc.equal(best, index).to_pylist())
        of_index = pa.array([bool(one) and next(hits) for one in table["ok"].to_pylist()], pa.bool_())
    return pc.or_kleene(pc.or_kleene(found, present), of_index)


def _equals(column: Any, name: str) -> Any:  # noqa: ANN401 - as above
    pa, pc = arrow.library(), arrow.compute()
    labels = [one for one in pc.unique(column).to_pylist() if one is not None and one.casefold() == name]
    return pc.fill_null(pc.is_in(column, value_set=pa.array(labels, pa.string())), False)


def _names(present: list[dict[str, Any]] | None, name: str) -> bool:
    return any(one["label"].casefold() == name for one in present or ())


@dataclass(slots=True)
class Summary:
    """How many photos there are.

    Attributes:
        photos: all.
        failed: those with an error.
        unsure: those whose answer is not probable enough.
        unfamiliar: those unlike what the model was trained on.
        classes: by the label of what the answer is sure of: the group, or without one the best class; of a model that
            finds several labels, each that is present.
        errors: by code.
    """

    photos: int = 0
    failed: int = 0
    unsure: int = 0
    unfamiliar: int = 0
    classes: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)

    @staticmethod
    def of(tables: Iterable[Table]) -> Summary:
        """Count the rows of some tables."""
        found = Summary()
        for table in tables:
            found._add(table)
        return found

    def _add(self, table: Table) -> None:
        pc = arrow.compute()
        answered = table.filter(table["ok"])
        self.photos += table.num_rows
        self.failed += table.num_rows - answered.num_rows
        self.errors.update(_counts(pc.struct_field(table["error"], "code")))
        self.unfamiliar += pc.sum(answered["unfamiliar"]).as_py() or 0
        sure = answered.filter(answered["sure"])
        self.unsure += answered.num_rows - sure.num_rows
        several = sure.filter(pc.is_valid(sure["present"]))["present"]
        for present in several.to_pylist():
            self.classes.update(one["label"] for one in present)
        one = sure.filter(pc.is_null(sure["present"]))
        self.classes.update(_counts(pc.coalesce(pc.struct_field(one["group"], "label"), one["label"])))


def _counts(column: Any) -> dict[str, int]:  # noqa: ANN401 - an array of texts
    counted = arrow.compute().value_counts(column).to_pylist()
    return {one["values"]: one["counts"] for one in counted if one["values"] is not None}

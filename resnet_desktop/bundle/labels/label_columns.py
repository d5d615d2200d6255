"""Names of classes in a table whose first line says what its columns are, or shows that it is no row of names."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

from resnet_desktop.bundle.labels.label_nodes import NoLabelsError
from resnet_desktop.bundle.labels.label_values import (
    INDEX_COLUMNS,
    NAME_COLUMNS,
    WNID,
    checked,
    first_synonym,
    in_order,
    is_code,
    usual,
)
from resnet_desktop.core.text.error_text import error_text
from resnet_desktop.core.text.printable import printable

TABLES = (".csv", ".tsv")
_EMPTY_HEADS = ("", "unnamed:_0")
_OF_NO_COLUMN = re.compile(r"var_?1")
"""What MATLAB calls the one column of a table without names."""
_MARKDOWN = re.compile(r"\|.*\|")
_RULE = re.compile(r"\|(?:\s*:?-+:?\s*\|)+")
_QUOTED = re.compile(r"""(["'])(.*)\1,?""")

_Rows = list[tuple[list[str], int]]


def unquoted(name: str) -> str:
    """A name without its quotation marks, and the comma behind it, where it stood in a list of a program."""
    found = _QUOTED.fullmatch(name)
    return name if found is None else found[2].replace('""', '"')


def is_index(text: str) -> bool:
    """Whether a field is the number of a class."""
    text = text.strip()
    return text.isascii() and text.isdigit() and len(text) <= 9


def labels_in_columns(lines: Sequence[str], suffix: str, first: int) -> tuple[str, ...] | None:
    """The names of a table with a head; None if the first line is none.

    Args:
        lines: those of the file.
        suffix: of its name, in small letters.
        first: what the first of the lines is called.

    Raises:
        NoLabelsError: there is a head, but the table is wrong, or several of its columns could hold the names.
    """
    lines, suffix = _of_markdown(lines, suffix)
    delimiter = max("\t,;", key=lines[0].count)
    fields = next(csv.reader([lines[0]], delimiter=delimiter), [])
    heads = [usual(head) for head in fields]
    if len(heads) == 1:
        return _one_column(lines, heads[0], suffix, first)
    usual_ones = any(head in NAME_COLUMNS for head in heads)
    if not usual_ones and not _is_head(lines, fields, delimiter, first):
        return None
    rows = _rows(lines, delimiter, len(heads), first)
    numeric = [all(is_index(row[i]) for row, _ in rows) for i in range(len(heads))]
    index, name = _index_of(heads, numeric, rows), _name_of(heads, numeric, rows) if rows else None
    if name is None or not (index is not None or suffix in TABLES):
        return None
    wnids = any(all(WNID.fullmatch(row[i].strip()) for row, _ in rows) for i in range(len(heads)) if i != name)
    named = [
        (checked(first_synonym(row[name]) if wnids else row[name], line), row[index] if index is not None else "", line)
        for row, line in rows
    ]
    if index is None:
        return tuple(label for label, _, _ in named)
    return in_order((int(number), label, line) for label, number, line in named)


def refuse_table(lines: Sequence[str], suffix: str, first: int) -> None:
    """Refuse a table of which it cannot be told where its names stand. Raises NoLabelsError.

    Names may hold commas, but in a table, and hardly one tab or semicolon each.
    """
    if len(lines) < 2:
        return
    for delimiter in ("\t", ";", *([","] if suffix == ".csv" else ())):
        try:
            widths = {len(row) for row in csv.reader(lines, delimiter=delimiter)}
        except csv.Error:
            continue
        if len(widths) == 1 and (width := widths.pop()) > 1:
            shown = printable(lines[0][:60])
            what = f"is a table with {width} columns and no column names (line {first} is “{shown}”)"
            raise NoLabelsError(f"{what}: begin it with a line of column names, one of them “label”")


def _of_markdown(lines: Sequence[str], suffix: str) -> tuple[Sequence[str], str]:
    """A table of Markdown as one with tabs; each line stays where it is."""
    if len(lines) < 3 or not _RULE.fullmatch(lines[1].strip()):
        return lines, suffix
    if not all(_MARKDOWN.fullmatch(line.strip()) for line in lines):
        return lines, suffix
    cells = (line.strip()[1:-1].replace("\t", " ").split("|") for line in lines)
    parted = ["\t".join(cell.strip() for cell in row) for row in cells]
    return [parted[0], "", *parted[2:]], ".tsv"


def _one_column(lines: Sequence[str], head: str, suffix: str, first: int) -> tuple[str, ...] | None:
    is_head = head in NAME_COLUMNS or _OF_NO_COLUMN.fullmatch(head) is not None
    if suffix not in TABLES or not is_head or len(lines) < 2:
        return None
    rows = ((line.strip(), number) for number, line in enumerate(lines[1:], first + 1))
    is_marked = suffix == ".tsv" and not lines[1]
    return tuple(checked(unquoted(line), number) for line, number in rows if line or not is_marked)


def _is_head(lines: Sequence[str], fields: Sequence[str], delimiter: str, first: int) -> bool:
    """Whether a first line of unusual words is a head: below it a column counts, there it does not."""
    try:
        rows = _rows(lines, delimiter, len(fields), first)
    except NoLabelsError:
        return False
    return any(not is_index(head) and _counts([row[i] for row, _ in rows]) for i, head in enumerate(fields))


def _counts(fields: Sequence[str]) -> bool:
    """Whether fields are the numbers from 0 or 1 on, each once."""
    if not fields or not all(is_index(field) for field in fields):
        return False
    numbers = sorted(int(field) for field in fields)
    return numbers[0] in (0, 1) and numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def _index_of(heads: Sequence[str], numeric: Sequence[bool], rows: _Rows) -> int | None:
    """The column of the class indices: of a usual name, or one that counts, best from 0."""
    usual_ones = (heads.index(head) for head in (*INDEX_COLUMNS, *_EMPTY_HEADS, *NAME_COLUMNS) if head in heads)
    counting = [i for i in range(len(heads)) if _counts([row[i] for row, _ in rows])]
    from_zero = [i for i in counting if any(int(row[i]) == 0 for row, _ in rows)]
    return next((i for i in (*usual_ones, *from_zero, *counting) if numeric[i]), None)


def _name_of(heads: Sequence[str], numeric: Sequence[bool], rows: _Rows) -> int | None:
    """The column of the names: of a usual name, or the one that holds text. Raises NoLabelsError: one of several."""
    texts = [i for i in range(len(heads)) if not numeric[i] and any(row[i].strip() for row, _ in rows)]
    texts = [i for i in texts if not all(is_code(row[i].strip()) for row, _ in rows)] or texts
    for head in NAME_COLUMNS:
        if head in heads and heads.index(head) in texts:
            return heads.index(head)
    if len(texts) > 1:
        some = ", ".join(printable(heads[i] or "(nothing)") for i in texts[:5])
        raise NoLabelsError(f"has several columns that could hold the names ({some}): rename the right one “label”")
    return texts[0] if texts else None


def _rows(lines: Sequence[str], delimiter: str, width: int, first: int) -> _Rows:
    reader = csv.reader(io.StringIO("\n".join(lines), newline=""), delimiter=delimiter)
    rows = []
    try:
        for row in reader:
            if reader.line_num == 1 or not any(field.strip() for field in row):
                continue
            if len(row) < width or any(field.strip() for field in row[width:]):
                line = reader.line_num + first - 1
                raise NoLabelsError(f"has {len(row)} fields on line {line}, but there are {width} columns")
            rows.append((row, reader.line_num + first - 1))
    except csv.Error as error:
        raise NoLabelsError(f"is an unreadable table: {error_text(error)}") from error
    return rows

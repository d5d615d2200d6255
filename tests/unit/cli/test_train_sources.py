"""What ``train --data`` takes for a table, and the columns that are chosen of it."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from resnet_desktop.cli.commands.train import _sources
from resnet_desktop.cli.shared import EXIT_USAGE

NOTHING: dict[str, str | None] = {"path_column": None, "label_column": None}


def test_tables_and_folders(tmp_path: Path) -> None:
    (tmp_path / "photos.txt").mkdir()
    paths = [tmp_path / name for name in ("a.csv", "b.TSV", "c.txt", "photos.txt", "d.zip", "e")]
    assert [next(iter(source)) for source in _sources(paths, NOTHING)] == ["csv"] * 3 + ["folder"] * 3
    found = _sources([paths[0], paths[-1]], {"path_column": "Foto", "label_column": None})
    assert found == [{"csv": str(paths[0]), "path_column": "Foto"}, {"folder": str(paths[-1])}]


def test_columns_need_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as caught:
        _sources([tmp_path], {"path_column": "Foto", "label_column": "Art"})
    assert caught.value.exit_code == EXIT_USAGE
    assert "--path-column, --label-column can only be used with a table" in capsys.readouterr().err

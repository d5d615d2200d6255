"""Nothing from elsewhere reaches a terminal as it is: tried with a model of odd words, kept by a look at the code."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.cli import main
from tests.unit.bundle.making import metadata, tiny_model

CLI = Path(main.__file__).parent
HOSTILE = "ant\x1b[31m\u202e"
ODD: tuple[object, ...] = (
    "text",
    5,
    [],
    [1],
    {},
    {"images": "many", "acc1": None},
    {"acc1": [], "on": {}},
    True,
    None,
    HOSTILE,
)


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Exit code, and all that is printed."""
    monkeypatch.setattr("sys.argv", ["resnet-desktop", *arguments])
    with pytest.raises(SystemExit) as caught:
        main.main()
    printed = capsys.readouterr()
    return int(caught.value.code or 0), printed.out + printed.err


def is_printable(text: str) -> bool:
    return all(letter.isprintable() or letter == "\n" for letter in text)


@pytest.mark.parametrize("value", ODD, ids=repr)
def test_the_card_of_an_odd_model(
    value: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = dict.fromkeys(("metrics", "published", "recipe", "data", "base", "date", "licence"), value)
    path = tmp_path / "odd.onnx"
    bundles.write(path, tiny_model(), metadata(provenance=told, novelty={"images": value, "false_alarm_rate": value}))
    for arguments in (("info", str(path)), ("info", str(path), "--format", "json"), ("list",), ("verify", str(path))):
        code, printed = run(monkeypatch, capsys, "models", *arguments)
        assert code == 0
        assert is_printable(printed)


@pytest.mark.parametrize(
    "arguments",
    [
        ("classify", HOSTILE),
        ("classify", f"--{HOSTILE}"),
        (f"--{HOSTILE}",),
        ("classify", "x.jpg", "--batch", HOSTILE),
        ("classify", "x.jpg", "--model", HOSTILE),
        ("classify", "x.jpg", "--provider", HOSTILE),
        ("models", "info", f"{HOSTILE}.onnx"),
        ("models", "install", f"{HOSTILE}.onnx"),
        ("models", "remove", HOSTILE),
        ("models", "rename", HOSTILE, HOSTILE),
        ("models", "download", HOSTILE),
        ("train", f"{HOSTILE}.json"),
        ("explain", HOSTILE, "--class", HOSTILE),
        ("layers", "--model", f"{HOSTILE}.pth"),
    ],
)
def test_errors_are_printable(
    arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, printed = run(monkeypatch, capsys, *arguments)
    assert code != 0
    assert printed.strip()
    assert is_printable(printed)


def test_the_command_line_speaks_through_its_own_helpers() -> None:
    """``say``, ``tell``, ``tell_path``, ``cell``, ``print_json`` and ``print_table`` make text printable."""
    bare = []
    for path in sorted(CLI.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or path.name == "shared.py":
                continue
            called = ast.unparse(node.func)
            if called in ("print", "typer.echo", "typer.secho", "sys.stdout.write", "sys.stderr.write", "Text"):
                bare.append(f"{path.name}:{node.lineno} {called}")
    assert not bare

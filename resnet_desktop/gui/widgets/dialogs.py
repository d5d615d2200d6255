"""Questions to the user; none of them blocks: the answer comes to a function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from resnet_desktop import __version__
from resnet_desktop.gui.style import icons
from resnet_desktop.gui.widgets.plain import message_box
from resnet_desktop.imaging.container import IMAGE_SUFFIXES

_folders = {QFileDialog.AcceptMode.AcceptOpen: "", QFileDialog.AcceptMode.AcceptSave: ""}
"""Where questions begin, for reading and for writing; empty: where the last one ended."""


def set_folders(reading: str, writing: str) -> None:
    """Where the questions for files begin; empty: where the last one ended."""
    _folders[QFileDialog.AcceptMode.AcceptOpen] = reading
    _folders[QFileDialog.AcceptMode.AcceptSave] = writing


def ask_for_photos(parent: QWidget, answered: Callable[[Sequence[Path]], None]) -> None:
    """One or more photos."""
    patterns = " ".join(f"*{suffix} *{suffix.upper()}" for suffix in sorted(IMAGE_SUFFIXES))
    dialog = _dialog(parent, _tr("Open photos"), QFileDialog.FileMode.ExistingFiles)
    dialog.setNameFilters([_tr("Photos ({patterns})").format(patterns=patterns), _tr("All files (*)")])
    dialog.filesSelected.connect(lambda names: answered([Path(name) for name in names]))
    dialog.open()


def ask_for_folder(parent: QWidget, answered: Callable[[Path], None]) -> None:
    """A folder of photos."""
    dialog = _dialog(parent, _tr("Open folder"), QFileDialog.FileMode.Directory)
    dialog.setOption(QFileDialog.Option.ShowDirsOnly)
    dialog.fileSelected.connect(lambda name: answered(Path(name)))
    dialog.open()


def ask_for_model(parent: QWidget, answered: Callable[[Path], None]) -> None:
    """An ONNX file."""
    dialog = _dialog(parent, _tr("Open a model"), QFileDialog.FileMode.ExistingFile)
    dialog.setNameFilters([_tr("ONNX models (*.onnx)"), _tr("All files (*)")])
    dialog.fileSelected.connect(lambda name: answered(Path(name)))
    dialog.open()


def ask_for_session(parent: QWidget, ending: str, answered: Callable[[Path], None]) -> None:
    """A session that was saved, or the manifest of results; ``ending`` is that of a session's name."""
    dialog = _dialog(parent, _tr("Open session"), QFileDialog.FileMode.ExistingFile)
    kinds = _tr("Sessions (*{ending})"), _tr("Results of a cluster (manifest.json)"), _tr("All files (*)")
    dialog.setNameFilters([kind.format(ending=ending) for kind in kinds])
    dialog.fileSelected.connect(lambda name: answered(Path(name)))
    dialog.open()


def ask_for_labels(parent: QWidget, answered: Callable[[Path], None]) -> None:
    """A table of photos and labels."""
    dialog = _dialog(parent, _tr("Open labels"), QFileDialog.FileMode.ExistingFile)
    dialog.setNameFilters([_tr("Tables (*.csv *.tsv *.txt)"), _tr("All files (*)")])
    dialog.fileSelected.connect(lambda name: answered(Path(name)))
    dialog.open()


def ask_where(parent: QWidget, title: str, name: str, answered: Callable[[Path], None]) -> None:
    """Where to write a file; ``name`` is proposed, and its ending is added where none is typed."""
    dialog = _dialog(parent, title.rstrip("…"), QFileDialog.FileMode.AnyFile, saves=True)
    ending = Path(name).suffix
    dialog.setDefaultSuffix(ending.lstrip("."))
    dialog.setNameFilters([f"*{ending}"])
    dialog.selectFile(name)
    dialog.fileSelected.connect(lambda chosen: answered(Path(chosen)))
    dialog.open()


def show_about(parent: QWidget) -> None:
    """What this is."""
    more = _tr(
        "Classifies photos with a residual network and shows where it found its evidence. "
        "Everything happens on this computer.\n\nMIT licence. The font Inter is under the SIL Open Font License; "
        "assets/LICENSES.md names the source of every sample photo."
    )
    box = message_box(parent, _tr("About ResNet Desktop"), f"ResNet Desktop {__version__}", more)
    box.setIconPixmap(icons.app_icon().pixmap(64))
    box.open()


def _dialog(parent: QWidget, title: str, mode: QFileDialog.FileMode, *, saves: bool = False) -> QFileDialog:
    dialog = QFileDialog(parent, title)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setFileMode(mode)
    purpose = QFileDialog.AcceptMode.AcceptSave if saves else QFileDialog.AcceptMode.AcceptOpen
    dialog.setAcceptMode(purpose)
    if _folders[purpose]:
        dialog.setDirectory(_folders[purpose])
    return dialog


def _tr(text: str) -> str:
    return QCoreApplication.translate("dialogs", text)

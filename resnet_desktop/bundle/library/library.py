"""The models that are installed: those that came with the app, and the user's."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from resnet_desktop.bundle.file import tensors, variant
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.bundle.library import former_names, packaged
from resnet_desktop.bundle.library.importing import ModelHints, copy_model
from resnet_desktop.bundle.library.packaged import PACKAGED, PackagedNetwork
from resnet_desktop.core import paths, renaming
from resnet_desktop.core.errors import ModelError, ResNetDesktopError
from resnet_desktop.core.text.error_text import error_text

SUFFIX = ".onnx"
Copy = Callable[[Path, Path, ModelHints], Bundle]
"""From a file, a place for the copy and what is known of it, to the copy."""
MAX_NAME = 100
DEFAULTS = (PACKAGED[0].name, "resnet50-everyday40")
"""What is used where the user has chosen nothing, best first; after these whatever there is."""

_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class LibraryEntry:
    """One installed model: its name (the file's without ``.onnx``), the file, where it came from, bytes."""

    name: str
    path: Path
    origin: Literal["bundled", "user"]
    size: int


@dataclass(frozen=True, slots=True)
class Default:
    """The model to use where none was chosen, and why it is not the one that it should be; None where it is."""

    path: Path
    problem: ResNetDesktopError | None


class Library:
    """The installed models.

    Args:
        bundled: the folder of models that came with the app; None for the usual one. Never written to.
        user: the folder of the user's models; None for the usual one. Made when a model is installed.
        networks: networks whose weights come in packages; their files are built in the cache when they are listed.
    """

    def __init__(
        self,
        bundled: Path | None = None,
        user: Path | None = None,
        networks: Sequence[PackagedNetwork] = PACKAGED,
    ) -> None:
        self._bundled = bundled if bundled is not None else paths.bundled_models_folder()
        self._user = user if user is not None else paths.user_models_folder()
        self._networks = networks

    def entries(self) -> tuple[LibraryEntry, ...]:
        """All models: those that came with the app, the default ones first, then the user's, each sorted by name.

        Files are listed, not opened. A network in a package that cannot be built is left out; ``default`` says why.
        """
        built = [entry for network in self._networks if (entry := _built_entry(network)) is not None]
        with_app = sorted((*built, *_listed(self._bundled, "bundled")), key=_default_order)
        taken = {entry.name for entry in with_app}
        return (*with_app, *(entry for entry in _listed(self._user, "user") if entry.name not in taken))

    def find(self, name_or_path: str) -> Path:
        """The file of an installed model, by its name or one that it had before it was renamed, or a path to a file.

        Raises:
            ModelError: ``missing_model`` if a path was given where there is no file; ``unknown_model`` if no model has
                that name (the hint has the names there are); as ``packaged.built``.
            StorageError: as ``packaged.built``.
        """
        entry = self._entry(name_or_path)
        if entry is not None:
            return entry.path
        for network in self._networks:
            if network.name.casefold() == name_or_path.casefold():
                return packaged.built(network)  # says what is wrong with it
        path = Path(name_or_path).expanduser()
        if _is_path(name_or_path) or path.is_file():
            renamed = self._renamed(path)
            if renamed is not None:
                return renamed.path
            if not path.exists():
                raise ModelError("missing_model", f"The model file {name_or_path} does not exist.")
            return path
        renamed = self._entry(self.former_names().get(name_or_path.casefold(), ""))
        if renamed is not None:
            return renamed.path
        raise self._unknown(name_or_path)

    def is_installed_as(self, entry: LibraryEntry, wanted: str) -> bool:
        """Whether ``wanted``, a name or a path, leads to this model."""
        try:
            return self.find(wanted) == entry.path
        except ResNetDesktopError:
            return False

    def former_names(self) -> Mapping[str, str]:
        """Of models that were renamed: from the name they had, case folded, to the one they have."""
        return former_names.read(self._user)

    def present_name(self, name: str) -> str:
        """The name by which a model is listed that is called so, or was before it was renamed; else ``name``."""
        entry = self._entry(name) or self._entry(self.former_names().get(name.casefold(), ""))
        return name if entry is None else entry.name

    def default(self) -> Default:
        """The first of ``entries``, and what is wrong with the network in a package that should come before it.

        Raises ModelError ``missing_model`` if none is installed.
        """
        found = self.entries()
        if not found:
            raise ModelError(
                "missing_model", "No model is installed.", "Install one: resnet-desktop models install FILE."
            )
        problem = _problem(self._networks[0]) if self._networks else None
        return Default(found[0].path, problem)

    def check_name(self, name: str) -> str:
        """The name, if a model can be installed under it. Raises ModelError ``model_exists``, ``unknown_model``."""
        wanted = _checked_name(name)
        existing = self._entry(wanted)
        if existing is not None:
            raise _taken(existing.name)
        return wanted

    def install(
        self, path: Path, name: str | None = None, known: ModelHints | None = None, *, copy: Copy = copy_model
    ) -> LibraryEntry:
        """Check a model file and copy it, whole, into the user's folder.

        Args:
            path: a bundle, another ONNX classifier (weights in other files are put inside), or weights of PyTorch.
            name: under which it is listed; by default the file's.
            known: labels and preprocessing of a model that has none.
            copy: writes the copy; one that does so in a process of its own is in ``inference.admission``.

        Raises:
            ModelError: as ``copy``; ``model_exists``; ``unknown_model`` if no model can have that name.
            StorageError: the copy cannot be written.
        """
        wanted = self.check_name(name if name is not None else proposed_name(path))
        bundle = copy(path, self._user / f"{wanted}{SUFFIX}", known or ModelHints())
        former_names.forget(self._user, wanted)
        return LibraryEntry(wanted, bundle.path, "user", bundle.size)

    def rename(self, name: str, wanted: str) -> LibraryEntry:
        """Give one of the user's models another name, also its file. By the former name it is found still.

        Raises:
            ModelError: ``unknown_model``: there is no such model, or no model can have the name ``wanted``;
                ``model_exists``; ``bundled_model`` (those that came with the app keep their names); ``missing_model``
                if the file cannot be renamed.
            StorageError: the former name cannot be kept; the model has its new one.
        """
        entry = self._own(name, "renamed")
        changes_case = wanted.casefold() == entry.name.casefold()
        wanted = _checked_name(wanted) if changes_case else self.check_name(wanted)
        path = entry.path.with_name(f"{wanted}{SUFFIX}")
        if wanted == entry.name:
            return entry
        try:
            if changes_case and (not path.exists() or path.samefile(entry.path)):  # the disk may not tell them apart
                entry.path.rename(path)
            else:
                renaming.name_anew(entry.path, path)
        except FileExistsError as error:
            raise _taken(wanted) from error
        except OSError as error:
            raise ModelError(
                "missing_model", f"The model {entry.name!r} cannot be renamed: {error_text(error)}."
            ) from error
        former_names.rename(self._user, entry.name, wanted)
        return LibraryEntry(wanted, path, "user", entry.size)

    def remove(self, name: str) -> None:
        """Delete one of the user's models, and the faster forms that were made of it.

        Raises:
            ModelError: ``unknown_model``, ``bundled_model`` (those that came with the app stay), ``missing_model`` if
                the file cannot be deleted.
            StorageError: names that it had before cannot be forgotten.
        """
        entry = self._own(name, "removed")
        try:
            shutil.rmtree(variant.folder_of(tensors.file_sha256(entry.path)[0]), ignore_errors=True)
            entry.path.unlink()
        except OSError as error:
            raise ModelError("missing_model", f"The model {name!r} cannot be removed: {error_text(error)}.") from error
        former_names.forget(self._user, entry.name)

    def _own(self, name: str, done: str) -> LibraryEntry:
        """One of the user's models, which is to be ``done`` (a participle). Raises ModelError."""
        entry = self._entry(name)
        if entry is None:
            raise self._unknown(name)
        if entry.origin == "bundled":
            raise ModelError("bundled_model", f"The model {name!r} is part of the app and cannot be {done}.")
        return entry

    def _renamed(self, path: Path) -> LibraryEntry | None:
        """The model whose file had this path before it was renamed; None where there is a file, or no such model."""
        if path.parent != self._user or path.exists():
            return None
        return self._entry(self.former_names().get(path.stem.casefold(), ""))

    def _entry(self, name: str) -> LibraryEntry | None:
        """By exact name, else regardless of case: some file systems do not tell cases apart."""
        found = self.entries()
        exact = next((entry for entry in found if entry.name == name), None)
        return exact or next((entry for entry in found if entry.name.casefold() == name.casefold()), None)

    def _unknown(self, name: str) -> ModelError:
        names = ", ".join(entry.name for entry in self.entries())
        hint = f"Installed models: {names}." if names else "No model is installed."
        return ModelError("unknown_model", f"There is no model called {name!r}.", hint)


def _built_entry(network: PackagedNetwork) -> LibraryEntry | None:
    """The entry of a network in a package, its file built; None where it is not installed or cannot be built."""
    if not packaged.is_installed(network):
        return None
    try:
        path = packaged.built(network)
        return LibraryEntry(network.name, path, "bundled", path.stat().st_size)
    except (ResNetDesktopError, OSError):
        return None


def _problem(network: PackagedNetwork) -> ResNetDesktopError | None:
    """Why a network in a package cannot be used; None where it can."""
    try:
        packaged.built(network)
    except ResNetDesktopError as error:
        return error
    return None


def _default_order(entry: LibraryEntry) -> tuple[int, str]:
    return (DEFAULTS.index(entry.name) if entry.name in DEFAULTS else len(DEFAULTS), entry.name)


def _listed(folder: Path, origin: Literal["bundled", "user"]) -> tuple[LibraryEntry, ...]:
    found = []
    try:
        with os.scandir(folder) as files:
            for file in files:
                path = Path(file.path)
                if path.suffix.lower() == SUFFIX and not file.name.startswith(".") and file.is_file():
                    found.append(LibraryEntry(path.stem, path, origin, file.stat().st_size))
    except OSError:  # no such folder yet, or one that may not be read: no models in it
        return ()
    return tuple(sorted(found, key=lambda entry: entry.name))


def _taken(name: str) -> ModelError:
    return ModelError("model_exists", f"A model called {name!r} is already installed.", "Choose another name.")


def _is_path(text: str) -> bool:
    return text.lower().endswith(SUFFIX) or "/" in text or os.sep in text


def proposed_name(path: Path) -> str:
    """A name out of a file's: what a name may not have becomes ``-``."""
    return re.sub(r"[^\w.+() -]+", "-", path.stem).strip(" .-")[:MAX_NAME].rstrip(" .") or "model"


def _checked_name(name: str) -> str:
    is_plain = re.fullmatch(r"\w([\w.+() -]*[\w+)])?", name) is not None
    if not is_plain or len(name) > MAX_NAME or _RESERVED.fullmatch(name):
        raise ModelError(
            "unknown_model",
            f"Invalid model name: {name[:MAX_NAME]!r}.",
            f"Use up to {MAX_NAME} letters, digits, spaces and . + ( ) - _ in a name.",
        )
    return name

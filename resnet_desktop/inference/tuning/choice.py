"""What the user has chosen for each model, by the sha256 of its file, and the model opened so."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.bundle.file.variant import answering_for
from resnet_desktop.bundle.library import remembered_labels
from resnet_desktop.core.errors import ModelError
from resnet_desktop.core.progress import Cancelled, never
from resnet_desktop.core.settings import TUNED
from resnet_desktop.core.settings import Settings as UserSettings
from resnet_desktop.inference import admission
from resnet_desktop.inference.providers import named
from resnet_desktop.inference.tuning import kept
from resnet_desktop.inference.tuning.offers import Offer, Setup, Tuning
from resnet_desktop.inference.way import USUAL, Way


@dataclass(frozen=True, slots=True)
class Opened:
    """A model, and how it is to be run.

    Attributes:
        bundle: the one whose graph answers.
        provider: as ``Classifier`` takes it.
        way: how many photos go through it at once.
        offer: the name of what was chosen; empty where it runs as installed.
        problem: why it does not run as was chosen; empty where it does.
    """

    bundle: Bundle
    provider: str
    way: Way = USUAL
    offer: str = ""
    problem: str = ""


def opened(bundle: Bundle, chosen: str, provider: str, cancelled: Cancelled = never) -> Opened:
    """The model as was chosen for it, or as installed.

    Args:
        bundle: the model as installed, with what the user has said of it.
        chosen: the value of the setting ``tuned``.
        provider: the one that is wanted; another than the one that was measured leaves the model as installed.
        cancelled: asked while a variant that is new here is tried.

    Raises:
        CancelledError: ``cancelled`` said so.
    """
    as_installed = Opened(bundle, provider)
    found = _entries(chosen).get(bundle.file_sha256) if chosen else None
    if found is None:
        return as_installed
    name, setup = found
    if provider.lower() != "auto" and named(provider) != setup.provider:
        return as_installed
    if setup.variant is None:
        return Opened(bundle, setup.provider, setup.way, name)
    path = kept.file_of(bundle.file_sha256, name, bundle.path.stem)
    try:
        admission.admit(path, cancelled)
        variant = bundles.read(path)
    except ModelError as error:
        problem = f"{bundle.path.stem} runs as installed: {error.message} Measure it again."
        return Opened(bundle, provider, problem=problem)
    known = remembered_labels.recall(bundle) is not None
    named_by = {"named": bundle.named or known, "prepared": bundle.prepared or known}
    return Opened(answering_for(bundle, variant, **named_by), setup.provider, setup.way, name)


def name_of(chosen: str, sha256: str) -> str:
    """What was chosen for a file; empty: nothing."""
    found = _entries(chosen).get(sha256)
    return "" if found is None else found[0]


def with_choice(chosen: str, sha256: str, offer: Offer | None) -> str:
    """The setting's value with another choice for a file; None: as installed."""
    entries = {key: {"name": name, **setup.as_dict()} for key, (name, setup) in _entries(chosen).items()}
    entries.pop(sha256, None)
    if offer is not None:
        entries[sha256] = {"name": offer.name, **offer.setup.as_dict()}
    return json.dumps(entries) if entries else ""


def still_offered(chosen: str, tuning: Tuning) -> str:
    """The setting's value after a model was measured anew: as before, unless what was chosen is no longer on offer."""
    name = name_of(chosen, tuning.sha256)
    return with_choice(chosen, tuning.sha256, tuning.offer(name)) if name else chosen


def choose(settings: UserSettings, sha256: str, offer: Offer | None) -> None:
    """Remember a choice; None: as installed. Raises StorageError."""
    settings.change(TUNED, with_choice(settings.string(TUNED), sha256, offer))


def _entries(chosen: str) -> Mapping[str, tuple[str, Setup]]:
    try:
        values: Any = json.loads(chosen) if chosen else {}
    except (ValueError, RecursionError):  # somebody has changed it
        return {}
    found = {}
    for key, entry in values.items() if isinstance(values, dict) else ():
        setup, name = Setup.from_dict(entry), entry.get("name") if isinstance(entry, dict) else None
        if setup is not None and isinstance(name, str) and _is_name(name):
            found[key] = name, setup
    return found


def _is_name(name: str) -> bool:
    """Whether it can be the name of an offer, and so of a folder."""
    return name.replace("-", "").isalnum()

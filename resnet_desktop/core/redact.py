"""Text without what is nobody's business: who uses the app, where their files lie, and what those are called."""

from __future__ import annotations

import getpass
import re
import tempfile
import traceback
from pathlib import Path
from types import TracebackType

from resnet_desktop.core import paths
from resnet_desktop.core.errors import ResNetDesktopError

_SUFFIXES = "jpe?g|png|webp|gif|bmp|tiff?|heic|heif|avif|jxl|csv|tsv|zip|onnx|pth?|ckpt|json|npz|html|txt"
_START = r"(?:(?<![\w.<>~/\\])/(?=[^\s/'\"])|[A-Za-z]:[\\/]|\\\\)"
_TO_SUFFIX = re.compile(rf"{_START}[^'\"\n]*?\.(?:{_SUFFIXES})\b", re.IGNORECASE)
_PATH = re.compile(rf"{_START}[^\s'\"<>|:;,()]*")
_FILE_BELOW = re.compile(rf"(<(?:home|temporary|data|config|cache)>)[\\/][^'\"\n]*?\.(?:{_SUFFIXES})\b", re.IGNORECASE)
_BELOW = re.compile(r"(<(?:home|temporary)>)[\\/](?!<file>)[^\s'\"<>|:;,()]*")
_NAME = re.compile(rf"[^\s'\"“”/\\<>]+\.(?:{_SUFFIXES})\b", re.IGNORECASE)
_QUOTED = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"|“[^”\n]*”")
_IDENTIFIER = re.compile(r"['\"][A-Za-z_][\w.]{0,60}['\"]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_LEAST_USER = 3
"""A user's name of fewer letters would be found in many words."""


def redacted(text: str, *, names: bool = False) -> str:
    """``text`` with stand-ins for folders, the user's name and paths.

    Args:
        text: of one line or several.
        names: take away what may be a file's name as well, and what stands in quotation marks, unless it is a word of
            the program such as ``'NoneType'``.
    """
    for place, word in _places():
        text = text.replace(place, word)
    text = _BELOW.sub(r"\1/…", _FILE_BELOW.sub(r"\1/<file>", text))
    text = _PATH.sub("<path>", _TO_SUFFIX.sub("<path>", text))
    if names:
        text = _QUOTED.sub(lambda found: found[0] if _IDENTIFIER.fullmatch(found[0]) else "'…'", text)
        text = _NAME.sub("<file>", text)
    user = _user()
    if len(user) >= _LEAST_USER:
        text = re.sub(rf"\b{re.escape(user)}\b", "<user>", text)
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def error_words(error: BaseException) -> str:
    """What kind of error it was, and what of its message names nothing of the user's."""
    kind = type(error).__name__
    if isinstance(error, ResNetDesktopError):
        return f"{kind}: {error.code}"
    if isinstance(error, OSError):
        return f"{kind}: {error.strerror or error.errno}"
    if isinstance(error, LookupError | UnicodeError):  # they quote what was looked for, or read
        return kind
    words = redacted(str(error), names=True)
    return f"{kind}: {words}" if words else kind


def error_lines(error: BaseException, trace: TracebackType | None) -> str:
    """A traceback that names modules and lines, and no place on the disk."""
    lines = []
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        frames = traceback.extract_tb(trace if following is error else following.__traceback__)
        lines += [f"  {_module(frame.filename)}:{frame.lineno} in {frame.name}" for frame in frames]
        lines.append(error_words(following))
        following = following.__cause__ or (None if following.__suppress_context__ else following.__context__)
        if following is not None:
            lines.append("  because of:")
    return "\n".join(lines)


def _module(file: str) -> str:
    path = Path(file)
    for parent in (paths.PACKAGE.parent, *(p for p in path.parents if p.name in ("site-packages", "dist-packages"))):
        if path.is_relative_to(parent):
            return path.relative_to(parent).as_posix()
    return path.name


def _places() -> list[tuple[str, str]]:
    """Folders, the longest first, each with the word for it."""
    found = {
        str(paths.PACKAGE.parent): "<app>",
        str(paths.data_folder()): "<data>",
        str(paths.config_folder()): "<config>",
        str(paths.cache_folder()): "<cache>",
        tempfile.gettempdir(): "<temporary>",
        str(_home()): "<home>",
    }
    return sorted(((place, word) for place, word in found.items() if len(place) > 1), key=lambda pair: -len(pair[0]))


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:  # nobody's
        return Path()


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no name is set
        return ""

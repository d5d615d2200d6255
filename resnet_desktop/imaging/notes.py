"""What is to be known of a picture that was read, but perhaps not as its maker meant it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Note:
    """A remark on a picture that could be read: ``code`` for programs, ``message`` a sentence for people.

    Codes: ``range_assumed``, ``range_from_tags``, ``range_stretched``, ``range_narrow``, ``no_data``, ``more_pages``,
    ``channels_as_pages``, ``more_channels``, ``preview``, ``incomplete``, ``damaged_part``,
    ``colour_space``, ``transparent``.
    """

    code: str
    message: str

    def as_dict(self) -> dict[str, str]:
        """As it stands in JSON."""
        return {"code": self.code, "message": self.message}

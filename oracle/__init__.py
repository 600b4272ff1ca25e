"""Medtwin: digital twins for hospitals that patients own and everyone can trust.

Three lines from Python, with the settings of :mod:`oracle.settings`::

    from oracle import connect
    twin = connect(key="researcher").twin("0x…")
    frame = twin.fetch(purpose="research_health")

Not a medical device.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .client import Client, Twin, connect

__all__ = ["Client", "Twin", "connect"]


def __getattr__(name: str) -> Any:
    """Load the client only when it is asked for: its parts take a second to import."""
    if name in __all__:
        from . import client

        return getattr(client, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

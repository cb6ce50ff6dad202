"""The mark that fabrics bear in the names of what we make there: ``nw-`` and the network's id in 26 letters."""

from __future__ import annotations

import base64
import binascii
from uuid import UUID

PREFIX = "nw-"


def name_of(network_id: str) -> str:
    """What of a network is called in a fabric: 29 characters, which do not change."""
    return PREFIX + base64.b32encode(UUID(network_id).bytes).decode().rstrip("=").lower()


def owner_of(name: str) -> str:
    """The network of an object with this name, empty for foreign objects."""
    text = name.removeprefix(PREFIX)
    try:
        found = str(UUID(bytes=base64.b32decode(text.upper() + "======")))
    except (binascii.Error, ValueError):
        return ""
    return found if name == name_of(found) else ""

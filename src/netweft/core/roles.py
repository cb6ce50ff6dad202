"""The roles of networks in a cluster."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """What a network does for a cluster beyond carrying traffic. At most one network of a cluster has each.

    The values are the names of oVirt's NetworkUsage; ``vm`` is missing because it is a property of the network itself.
    """

    MANAGEMENT = "management"
    DISPLAY = "display"
    MIGRATION = "migration"
    DEFAULT_ROUTE = "default_route"
    GLUSTER = "gluster"


ROLES: Final = tuple(role.value for role in Role)
"""The names of all roles."""

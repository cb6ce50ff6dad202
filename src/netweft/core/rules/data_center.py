"""When a data centre may be added, changed or removed.

oVirt's commands: AddEmptyStoragePool, UpdateStoragePool, RemoveStoragePool.
"""

from __future__ import annotations

from collections.abc import Sequence

from netweft.core.errors import Problem
from netweft.core.rules.fields import listed

VERSIONS = ("4.2", "4.3", "4.4", "4.5", "4.6", "4.7", "4.8")
"""Compatibility versions that clients of the v4 API send, oldest first."""

DEFAULT_VERSION = "4.7"
"""The default version of a data centre. Older clients do not support 4.8."""


def has_no_clusters(name: str, clusters: Sequence[str]) -> Problem | None:
    """Clusters go before their data centre does (``clusters``: their names)."""
    if clusters:
        return Problem(
            "ACTION_TYPE_FAILED_DATA_CENTER_HAS_CLUSTERS",
            f"The data centre '{name}' still has clusters: {listed(clusters)}. Remove those first.",
        )
    return None


def version_is_supported(version: str) -> Problem | None:
    """A compatibility version is one of :data:`VERSIONS`."""
    if version not in VERSIONS:
        return Problem(
            "ACTION_TYPE_FAILED_GIVEN_VERSION_NOT_SUPPORTED",
            f"Compatibility version {version} is not supported. Use one of {', '.join(VERSIONS)}.",
        )
    return None


def version_is_not_above_clusters(version: str, clusters: Sequence[tuple[str, str]]) -> Problem | None:
    """No cluster (``clusters``: pairs of name and version) is older than its data centre."""
    older = [name for name, has in clusters if version_key(has) < version_key(version)]
    if older:
        return Problem(
            "ERROR_CANNOT_UPDATE_STORAGE_POOL_COMPATIBILITY_VERSION_BIGGER_THAN_CLUSTERS",
            f"Compatibility version {version} is above that of these clusters: {listed(older)}. Raise those first.",
        )
    return None


def version_key(version: str) -> tuple[int, ...]:
    """What to compare versions by: ``4.7`` is below ``4.10``."""
    return tuple(int(part) for part in version.split("."))

"""The agent: runs on a host, applies the networking that the engine requests, and rolls back unconfirmed changes."""

from importlib.metadata import version as _version


def version() -> str:
    """The version of this program."""
    return _version("netweft")

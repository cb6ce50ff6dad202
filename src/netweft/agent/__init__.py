"""The agent: runs on a host, makes its networking what the engine asks for, and takes back what nobody confirms."""

from importlib.metadata import version as _version


def version() -> str:
    """The version of this program."""
    return _version("netweft")

"""The modules for kinds of external systems that are installed, ours and others'."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points

from netweft.extras import how_to_get
from netweft.providers.contract import ENTRY_POINTS, Connect, ProviderError

_EXTRAS = {"netweft.providers.neutron": "neutron", "netweft.providers.ovn": "ovn"}
"""What brings the libraries of our own modules."""


class Installed:
    """What is installed, by the provider's type. A module is imported when it is first used, as most engines have no
    provider and the libraries are large.
    """

    def __init__(self, found: Mapping[str, EntryPoint] | None = None) -> None:
        self._found = {one.name: one for one in entry_points(group=ENTRY_POINTS)} if found is None else dict(found)

    @property
    def types(self) -> frozenset[str]:
        """The types of providers that there can be."""
        return frozenset(self._found)

    def connect(self, provider_type: str) -> Connect:
        """What connects to a system of that type. Raises ProviderError when its module, or a library that it needs, is
        not installed.
        """
        point = self._found.get(provider_type)
        if point is None:
            raise ProviderError(f"No module for providers of the type {provider_type} is installed.")
        try:
            connect: Connect = point.load()
        except ModuleNotFoundError as error:
            needs = how_to_get(_EXTRAS[point.module]) if point.module in _EXTRAS else ""
            raise ProviderError(
                f"The module for providers of the type {provider_type} needs {error.name}. {needs}".strip()
            ) from error
        return connect

"""The modules for kinds of external systems that are installed, ours and others'."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar

from netweft.extras import how_to_get
from netweft.providers import configuration
from netweft.providers.contract import ENTRY_POINTS, Connect, ProviderError

_EXTRAS = {"netweft.providers.neutron": "neutron", "netweft.providers.ovn": "ovn"}
"""What brings the libraries of our own modules."""


C = TypeVar("C")


class _Modules(Generic[C]):
    """Those of one group of entry points, by the provider's type. A module is imported when it is first used, as most
    engines have no provider and the libraries are large.
    """

    def __init__(self, group: str, found: Mapping[str, EntryPoint] | None) -> None:
        self._found = {one.name: one for one in entry_points(group=group)} if found is None else dict(found)

    @property
    def types(self) -> frozenset[str]:
        """The types of providers that there can be."""
        return frozenset(self._found)

    def connect(self, provider_type: str) -> C:
        """What connects to a system of that type. Raises ProviderError when its module, or a library that it needs, is
        not installed.
        """
        point = self._found.get(provider_type)
        if point is None:
            raise ProviderError(f"No module for providers of the type {provider_type} is installed.")
        try:
            connect: C = point.load()
        except ModuleNotFoundError as error:
            needs = how_to_get(_EXTRAS[point.module]) if point.module in _EXTRAS else ""
            raise ProviderError(
                f"The module for providers of the type {provider_type} needs {error.name}. {needs}".strip()
            ) from error
        return connect


class Installed:
    """What is installed: modules for providers of networks, and for configuration providers."""

    def __init__(
        self,
        networks: Mapping[str, EntryPoint] | None = None,
        configuration_providers: Mapping[str, EntryPoint] | None = None,
    ) -> None:
        self.networks: _Modules[Connect] = _Modules(ENTRY_POINTS, networks)
        self.configuration: _Modules[configuration.Connect] = _Modules(
            configuration.ENTRY_POINTS, configuration_providers
        )

"""The hosts on which providers can have ports, as last reported by the providers."""

from __future__ import annotations

from typing import Annotated

from sqlalchemy import PrimaryKeyConstraint

from netweft.engine.model.records import Name, Record, Refers, stored


class ProviderHostRow(Record, frozen=True):
    """A provider's view of a host. ``name``: the provider's name of it; ``is_alive``: whether its agent works;
    ``physical_networks``: that are connected to it.
    """

    provider_id: Annotated[str, Refers("providers.id", on_delete="CASCADE", index=False)]
    name: Name
    is_alive: bool
    physical_networks: tuple[str, ...] = ()


provider_hosts = stored("provider_hosts", ProviderHostRow, PrimaryKeyConstraint("provider_id", "name"))

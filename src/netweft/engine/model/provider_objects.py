"""The desired objects on providers, and their actual state."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from sqlalchemy import CheckConstraint, PrimaryKeyConstraint, String, false

from netweft.engine.model.records import Id, LongText, Name, Record, Refers, With, stored


class ProviderObjectRow(Record, frozen=True):
    """A network, a subnet or a port on a provider, or the port profile of a network in a fabric, or a member of one. It
    stays until the provider has removed it, also after its object here was removed.

    ``kind``: which of these; ``object_id``: of the network, subnet or vNIC here, of the network that a profile is for,
    of its own for a member (whose GUID is its ``external_id``); ``parent_id``: of the network of a subnet or a member,
    of the virtual machine of a port. ``wanted``: whether it shall be
    ``present`` or ``absent``. ``external_id``: the provider's id, empty until it is known; ``owned``: whether we made
    it, else it was imported, and is never changed there. ``state``: ``locked`` until the provider has done what is
    wanted, ``ok``, ``error`` with the reason in ``error``. ``attempts``: how often it has failed in a row;
    ``next_try``: None when nothing is to be done. ``reported``: whether the last event about it reports a
    failure.

    Of a port ``host``: where it is bound, by the provider's name; ``bridge``: the OVS bridge there; ``mtu``: of its
    network, 0 when unknown.
    """

    kind: Annotated[str, String(16)]
    object_id: Id
    provider_id: Annotated[str, Refers("providers.id")]
    parent_id: Annotated[Id, With(index=True)]
    wanted: Annotated[str, String(16)] = "present"
    external_id: Name = ""
    owned: bool = True
    state: Annotated[str, String(16)] = "locked"
    error: LongText = ""
    attempts: int = 0
    next_try: Annotated[datetime | None, With(index=True)] = None
    host: Name = ""
    bridge: Name = ""
    mtu: int = 0
    reported: Annotated[bool, With(server_default=false())] = False


provider_objects = stored(
    "provider_objects",
    ProviderObjectRow,
    PrimaryKeyConstraint("kind", "object_id", "provider_id"),
    CheckConstraint("kind IN ('network', 'subnet', 'port', 'profile', 'member')", name="kind"),
    CheckConstraint("wanted IN ('present', 'absent')", name="wanted"),
    CheckConstraint("state IN ('locked', 'ok', 'error')", name="state"),
)

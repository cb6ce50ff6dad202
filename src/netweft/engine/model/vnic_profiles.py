"""vNIC profiles: how vNICs use a network."""

from __future__ import annotations

from typing import Annotated

import msgspec
from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text

from netweft.engine.model.records import Id, Key, LongText, Name, Record, Refers, stored


class VnicProfileRow(Record, frozen=True):
    """A vNIC profile."""

    id: Key
    network_id: Annotated[str, Refers("networks.id", on_delete="CASCADE", index=False)]
    name: Name
    description: LongText = ""
    comment: LongText = ""
    # Made with its network, and renamed with it.
    is_default: bool = False
    port_mirroring: bool = False
    passthrough: bool = False
    migratable: bool = True
    # One of core.network_filters; None: none.
    network_filter_id: Id | None = None
    # Limits of its vNICs' traffic; None: none.
    qos_id: Annotated[str, Refers("qoss.id", on_delete="SET NULL")] | None = None
    # What takes over while a passthrough vNIC is away; None: nothing.
    failover_id: Annotated[str, Refers("vnic_profiles.id", on_delete="SET NULL")] | None = None
    custom_properties: dict[str, str] = msgspec.field(default_factory=dict)


vnic_profiles = stored(
    "vnic_profiles",
    VnicProfileRow,
    UniqueConstraint("network_id", "name"),
    CheckConstraint(
        "NOT passthrough OR (network_filter_id IS NULL AND qos_id IS NULL AND NOT port_mirroring)",
        name="passthrough_stands_alone",
    ),
    CheckConstraint("failover_id IS NULL OR passthrough AND migratable", name="failover_of_passthrough"),
)

Index(
    "uq_vnic_profiles_default",
    vnic_profiles.c.network_id,
    unique=True,
    sqlite_where=text("is_default"),
    postgresql_where=text("is_default"),
)

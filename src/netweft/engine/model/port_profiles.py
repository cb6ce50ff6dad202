"""Port profiles: which networks the fabrics of configuration providers are to carry, and how."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from sqlalchemy import PrimaryKeyConstraint, String

from netweft.engine.model.records import Name, Record, Refers, stored


class PortProfileRow(Record, frozen=True):
    """A network in the fabric of a configuration provider. ``qos_policy``: the name of a policy there, empty for none;
    ``high_performance``: whether guests reach the adapter without the host.
    """

    network_id: Annotated[str, Refers("networks.id", on_delete="CASCADE", index=False)]
    provider_id: Annotated[str, Refers("providers.id")]
    qos_policy: Annotated[str, String(16)] = ""
    high_performance: bool = False


port_profiles = stored("port_profiles", PortProfileRow, PrimaryKeyConstraint("network_id", "provider_id"))


class RaisedMtuRow(Record, frozen=True):
    """A raised MTU of a class of traffic of a whole fabric, in octets. ``user_name``: who raised it. The fabric may
    have another one by now.
    """

    provider_id: Annotated[str, Refers("providers.id", on_delete="CASCADE", index=False)]
    system_class: Name
    before: int
    mtu: int
    user_name: Name
    raised_at: datetime


raised_mtus = stored("raised_mtus", RaisedMtuRow, PrimaryKeyConstraint("provider_id", "system_class", "mtu"))

"""QoS: limits of network traffic, by data centre."""

from __future__ import annotations

from typing import Annotated

from sqlalchemy import CheckConstraint, String, UniqueConstraint

from netweft.engine.model.records import Key, LongText, Name, Record, Refers, stored


class QosRow(Record, frozen=True):
    """Limits; None: no limit."""

    id: Key
    data_center_id: Annotated[str, Refers("data_centers.id", on_delete="CASCADE", index=False)]
    name: Name
    type: Annotated[str, String(16)]
    description: LongText = ""
    comment: LongText = ""
    # Averages and peaks in Mbit/s, bursts in MB.
    inbound_average: int | None = None
    inbound_peak: int | None = None
    inbound_burst: int | None = None
    outbound_average: int | None = None
    outbound_peak: int | None = None
    outbound_burst: int | None = None
    # A share of the link, 1 to 100.
    outbound_average_linkshare: int | None = None
    # Mbit/s.
    outbound_average_upperlimit: int | None = None
    outbound_average_realtime: int | None = None


qoss = stored(
    "qoss",
    QosRow,
    UniqueConstraint("data_center_id", "name"),
    CheckConstraint("type IN ('network', 'hostnetwork')", name="type"),
)

VNIC_LIMITS = tuple(f"{way}_{kind}" for way in ("inbound", "outbound") for kind in ("average", "peak", "burst"))
"""The columns that limit a vNIC."""

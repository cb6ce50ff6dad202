"""Clusters: hosts that share a switch technology, a management network and a pool of MAC addresses."""

from __future__ import annotations

from typing import Annotated

from sqlalchemy import CheckConstraint, String, UniqueConstraint, false

from netweft.core.rollout import CANARIES, DEFAULT_SOAK, WAVE
from netweft.engine.model.records import Key, LongText, Name, Record, Refers, With, stored


class ClusterRow(Record, frozen=True):
    """A cluster."""

    id: Key
    name: Name
    data_center_id: Annotated[str, Refers("data_centers.id")]
    mac_pool_id: Annotated[str, Refers("mac_pools.id")]
    # Compatibility version, "4.7".
    version: Annotated[str, String(8)]
    description: LongText = ""
    comment: LongText = ""
    switch_type: Annotated[str, String(8)] = "legacy"
    # CPU type as the client gave it ("Intel Nehalem Family"); nothing here depends on it.
    cpu_type: Annotated[str, String(255)] = ""
    # Of its processors, as the client gave it; "undefined": any.
    cpu_architecture: Annotated[str, String(16), With(server_default="undefined")] = "undefined"
    # Which drift of its hosts is synchronized automatically: core.drift_healing.
    drift_healing: Annotated[str, String(8), With(server_default="off")] = "off"
    # Of external networks, the default one; what it wants on hosts is set up on those of the cluster.
    provider_id: Annotated[str, Refers("providers.id")] | None = None
    # How changes are rolled out to its hosts (core.rollout): to so many first, which are watched for so many seconds,
    # then to so many at a time.
    rollout_canaries: Annotated[int, With(server_default=str(CANARIES))] = CANARIES
    rollout_wave: Annotated[int, With(server_default=str(WAVE))] = WAVE
    rollout_soak: Annotated[int, With(server_default=str(DEFAULT_SOAK))] = DEFAULT_SOAK
    # Whether guests that a change would cut off are moved to other hosts before.
    rollout_evacuates: Annotated[bool, With(server_default=false())] = False
    rollout_on_failure: Annotated[str, String(8), With(server_default="keep")] = "keep"


clusters = stored(
    "clusters",
    ClusterRow,
    UniqueConstraint("name"),
    CheckConstraint("switch_type IN ('legacy', 'ovs')", name="switch_type"),
)

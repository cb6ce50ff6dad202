"""The settings of ovn-controller: keys in external_ids of Open_vSwitch (ovn-controller(8), Configuration)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netweft.agent.ovsdb_session import to_map, to_set
from netweft.core.host import Chassis

if TYPE_CHECKING:
    from collections.abc import Mapping

    from netweft.agent.ovsdb_session import Json

OWNER_KEY = "netweft-chassis"
"""Present if the others are ours; the value is the owner."""

MAPPINGS_KEY = "ovn-bridge-mappings"
"""Pairs ``NETWORK:BRIDGE``, separated by commas."""

KEYS: Mapping[str, str] = {
    "owner": OWNER_KEY,
    "system_id": "system-id",
    "remote": "ovn-remote",
    "encap_type": "ovn-encap-type",
    "encap_ip": "ovn-encap-ip",
    "datapath": "ovn-bridge-datapath-type",
}
"""The keys of the text fields of Chassis."""


def chassis_of(external_ids: Mapping[str, str]) -> Chassis:
    """The Chassis in these external_ids."""
    fields = {field: external_ids.get(key, "") for field, key in KEYS.items()}
    return Chassis(**fields, mappings=_pairs(external_ids.get(MAPPINGS_KEY, "")))


def external_ids_of(chassis: Chassis) -> dict[str, str]:
    """The keys that say it; what is empty has none."""
    settings = {key: str(getattr(chassis, field)) for field, key in KEYS.items()}
    settings[MAPPINGS_KEY] = ",".join(":".join(filter(None, pair)) for pair in chassis.mappings.items())
    return {key: value for key, value in settings.items() if value}


def mutations(chassis: Chassis) -> list[Json]:
    """What makes external_ids say it (RFC 7047 section 5.1), whatever of ours or others was there; other keys stay."""
    keys = to_set((*KEYS.values(), MAPPINGS_KEY))
    return [["external_ids", "delete", keys], ["external_ids", "insert", to_map(external_ids_of(chassis))]]


def _pairs(text: str) -> dict[str, str]:
    """A name without a bridge, which ovn-controller complains of, stays one."""
    pairs = (part.partition(":") for part in text.split(",") if part)
    return {name.strip(): bridge.strip() for name, _, bridge in pairs}

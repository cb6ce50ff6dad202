"""The change of a host's networking that the file of a fleet asks for, as the body of oVirt's setupnetworks action."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_network
from typing import Any

from netweft.client.tree import Tree
from netweft.core.fleet.changes import Change
from netweft.core.fleet.items import Key, Values

_VERSIONS = {"ipv4": "v4", "ipv6": "v6"}
_LISTS = {
    ("host bond", False): "modified_bonds",
    ("host bond", True): "removed_bonds",
    ("host label", False): "modified_labels",
    ("host label", True): "removed_labels",
    ("host attachment", False): "modified_network_attachments",
    ("host attachment", True): "removed_network_attachments",
}


def setup_body(change: Change, before: Mapping[Key, Values], ids: Mapping[Key, str]) -> Tree:
    """The action's body for the parts of a change."""
    body: Tree = {}
    for part in change.parts:
        is_gone = part.action == "remove"
        body.setdefault(_LISTS[part.noun, is_gone], []).append(_entry(part, before, ids))
    return body


def _entry(part: Change, before: Mapping[Key, Values], ids: Mapping[Key, str]) -> Tree:
    values = {one.path[0]: one.after for one in part.differences}
    key = part.noun, part.names
    name = part.names[1]
    if part.noun == "host label":
        return {"id": name, **_nic(values)}
    if part.noun == "host bond":
        return _bond(name, values)
    if part.action == "remove":
        return {"id": ids[key]}
    current = before.get(key)
    identity = {} if current is None else {"id": ids[key]}
    return {**identity, "network": {"name": name}, **_attachment(values, current)}


def _nic(values: Values) -> Tree:
    return {"host_nic": {"name": values["nic"]}} if "nic" in values else {}


def _bond(name: str, values: Values) -> Tree:
    bonding: Tree = {}
    if "slaves" in values:
        bonding["slaves"] = [{"name": nic} for nic in values["slaves"]]
    if "options" in values:
        bonding["options"] = _pairs(values["options"])
    return {"name": name, **({"bonding": bonding} if bonding else {})}


def _pairs(values: Mapping[str, str]) -> list[Tree]:
    return [{"name": name, "value": value} for name, value in values.items()]


def _attachment(values: Values, current: Values | None) -> Tree:
    """``current``: the attachment as it is now; None for a new one."""
    attachment = _nic(values)
    if values.keys() & _VERSIONS.keys():  # both are said, since those that are sent replace all
        both = {**(current or {}), **values}
        attachment["ip_address_assignments"] = [_assignment(both.get(name), word) for name, word in _VERSIONS.items()]
    if "dns" in values:
        attachment["dns_resolver_configuration"] = {"name_servers": values["dns"] or []}
    if "qos" in values:
        attachment["qos"] = {f"outbound_average_{name}": limit for name, limit in (values["qos"] or {}).items()}
    if "properties" in values:
        attachment["properties"] = _pairs(values["properties"])
    return attachment


def _assignment(assignment: Mapping[str, Any] | None, version: str) -> Tree:
    if assignment is None:
        return {"assignment_method": "none", "ip": {"version": version}}
    ip: Tree = {"version": version, **{name: assignment[name] for name in ("address", "gateway") if name in assignment}}
    if "prefix" in assignment:
        prefix = assignment["prefix"]
        ip["netmask"] = str(ip_network(f"0.0.0.0/{prefix}").netmask) if version == "v4" else str(prefix)
    return {"assignment_method": assignment["method"], "ip": ip}

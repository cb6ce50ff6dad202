"""The YAML file of ``netweft host setup-networks``, turned into the body of oVirt's setupnetworks action.

bonds:
  - {name: bond0, slaves: [eth1, eth2], options: {mode: 4, miimon: 100}}
attachments:
  - network: storage
    nic: bond0
    ipv4: {method: static, address: 192.0.2.11, prefix: 24, gateway: 192.0.2.1}
    ipv6: {method: autoconf}
    dns: [192.0.2.53]
    properties: {bridge_opts: "forward_delay=1500"}
    qos: {linkshare: 50, upperlimit: 1000, realtime: 500}   # instead of the network's; {} for the network's again
labels: {tenants: bond0}        # the NIC that each label is put on; networks with the label come along
removed_labels: [old-label]     # networks that were there by the label go with it
removed_attachments: [old]      # names of networks
removed_bonds: [bond1]
sync: [tenants]                 # networks whose attachment overrides what the host has
check_connectivity: true        # the host takes the change back unless the engine confirms
commit: false                   # whether the outcome also survives a reboot
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_network
from typing import Any

import click
import yaml

from netweft.client import yaml_text
from netweft.client.tree import Tree

_KNOWN = {
    "bonds", "attachments", "labels", "removed_attachments", "removed_bonds", "removed_labels", "sync",
    "check_connectivity", "commit",
}  # fmt: skip
_ATTACHMENT = {"network", "nic", "ipv4", "ipv6", "dns", "properties", "qos"}
_QOS = {"linkshare", "upperlimit", "realtime"}
_IP = {"method", "address", "prefix", "gateway"}


def read(text: bytes, attachment_ids: Mapping[str, str], *, commits: bool = False) -> Tree:
    """The action's body.

    ``attachment_ids``: of the host's present attachments, by network name; ``commits``: whether to commit where the
    file does not say. Raises click.UsageError that names the place in the file.
    """
    try:
        wanted = yaml_text.load(text) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise click.UsageError(f"The file is not YAML: {error}") from error
    _only(wanted, _KNOWN, "the file")
    body: Tree = {
        "modified_bonds": [_bond(bond) for bond in _list(wanted, "bonds")],
        "modified_network_attachments": [_attachment(item, attachment_ids) for item in _list(wanted, "attachments")],
        "modified_labels": [
            {"id": label["name"], "host_nic": {"name": _name(label["value"], "labels")}}
            for label in _pairs(wanted, "labels")
        ],
        "removed_labels": [{"id": name} for name in _names(wanted, "removed_labels")],
        "removed_network_attachments": [
            {"id": _id(name, attachment_ids)} for name in _names(wanted, "removed_attachments")
        ],
        "removed_bonds": [{"name": name} for name in _names(wanted, "removed_bonds")],
        "synchronized_network_attachments": [{"id": _id(name, attachment_ids)} for name in _names(wanted, "sync")],
    }
    body = {key: value for key, value in body.items() if value}
    body["check_connectivity"] = wanted.get("check_connectivity", True)
    body["commit_on_success"] = wanted.get("commit", commits)
    return body


def _list(wanted: Mapping[str, Any], key: str) -> list[Any]:
    value = wanted.get(key)
    if value is not None and not isinstance(value, list):
        raise click.UsageError(f"{key} should be a list.")
    return value or []


def _names(wanted: Mapping[str, Any], key: str) -> list[str]:
    return [_name(value, key) for value in _list(wanted, key)]


def _name(value: object, place: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise click.UsageError(f"{place}: {value!r} is no name.")
    return str(value)


def _pairs(holder: Mapping[str, Any], key: str) -> list[Tree]:
    values = holder.get(key) or {}
    if not isinstance(values, Mapping):
        raise click.UsageError(f"{key} should be a mapping.")
    return [{"name": _name(name, key), "value": value} for name, value in values.items()]


def _bond(bond: Any) -> Tree:  # noqa: ANN401 (what YAML holds)
    _only(bond, {"name", "slaves", "options"}, "a bond")
    options = _pairs(bond, "options")
    bonding: Tree = {"slaves": [{"name": nic} for nic in _names(bond, "slaves")]}
    if options:
        bonding["options"] = options
    return {"name": bond.get("name", ""), "bonding": bonding}


def _attachment(item: Any, attachment_ids: Mapping[str, str]) -> Tree:  # noqa: ANN401 (what YAML holds)
    _only(item, _ATTACHMENT, "an attachment")
    if not item.get("network"):
        raise click.UsageError("An attachment names no network.")
    network = _name(item["network"], "network")
    attachment: Tree = {"network": {"name": network}}
    if network in attachment_ids:
        attachment["id"] = attachment_ids[network]
    if item.get("nic"):
        attachment["host_nic"] = {"name": item["nic"]}
    assignments = [
        _assignment(item[family], version) for family, version in (("ipv4", "v4"), ("ipv6", "v6")) if family in item
    ]
    if assignments:
        attachment["ip_address_assignments"] = assignments
    if "dns" in item:
        attachment["dns_resolver_configuration"] = {"name_servers": _names(item, "dns")}
    if "properties" in item:
        attachment["properties"] = _pairs(item, "properties")
    if "qos" in item:
        _only(item["qos"], _QOS, "the qos of an attachment")
        attachment["qos"] = {f"outbound_average_{name}": value for name, value in item["qos"].items()}
    return attachment


def _assignment(ip: Any, version: str) -> Tree:  # noqa: ANN401 (what YAML holds)
    _only(ip, _IP, f"ip{version} of an attachment")
    address: Tree = {"version": version}
    if "address" in ip:
        prefix = ip.get("prefix", 24 if version == "v4" else 64)
        address |= {"address": ip["address"], "netmask": _netmask(prefix) if version == "v4" else prefix}
    if "gateway" in ip:
        address["gateway"] = ip["gateway"]
    return {"assignment_method": ip.get("method", "static" if "address" in ip else "none"), "ip": address}


def _netmask(prefix: object) -> str:
    try:
        return str(ip_network(f"0.0.0.0/{prefix}").netmask)
    except ValueError as error:
        raise click.UsageError(f"{prefix} is not the length of an IPv4 prefix: 0 to 32.") from error


def _id(network: str, attachment_ids: Mapping[str, str]) -> str:
    if network not in attachment_ids:
        attached = ", ".join(sorted(attachment_ids)) or "none"
        raise click.UsageError(f"Network {network} is not attached to this host; attached are: {attached}.")
    return attachment_ids[network]


def _only(value: Any, allowed: set[str], place: str) -> None:  # noqa: ANN401 (what YAML holds)
    if not isinstance(value, Mapping):
        raise click.UsageError(f"{place.capitalize()} should be a mapping with some of: {', '.join(sorted(allowed))}.")
    unknown = sorted(set(map(str, value)) - allowed)
    if unknown:
        raise click.UsageError(f"In {place}: unknown {', '.join(unknown)}. Known are: {', '.join(sorted(allowed))}.")

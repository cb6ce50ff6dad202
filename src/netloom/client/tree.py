"""The shape of entities in this client, and of the same on the wire.

oVirt's JSON wraps each list by the name of its items (``{"usages": {"usage": ["vm"]}}``) and writes every scalar as a
string. Here a list is a list; scalars stay strings, since only the reader knows what they mean.
"""

from __future__ import annotations

from typing import Any, TypeAlias

Tree: TypeAlias = dict[str, Any]
Trees: TypeAlias = list[Tree]

_SINGULAR = {
    "statuses": "status",
    "dns_servers": "dns_server",
    "properties": "property",
    "custom_properties": "custom_property",
}


def singular(plural: str) -> str:
    """The item name of a list (``host_nics`` -> ``host_nic``)."""
    return _SINGULAR.get(plural) or (
        plural.removesuffix("ies") + "y" if plural.endswith("ies") else plural.removesuffix("s")
    )


_ITEM_NAMES = {
    "slaves": "host_nic",
    "modified_bonds": "host_nic",
    "removed_bonds": "host_nic",
    "modified_labels": "network_label",
    "removed_labels": "network_label",
}
_ITEM_NAMES |= {f"{verb}_network_attachments": "network_attachment" for verb in ("modified", "removed", "synchronized")}


def _item_name(name: str) -> str:
    return _ITEM_NAMES.get(name) or singular(name)


def from_wire(value: Any) -> Any:  # noqa: ANN401 (JSON is any value)
    """What came over the wire, with its lists unwrapped: a collection's answer becomes the list of its entities."""
    if isinstance(value, list):
        return [from_wire(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1 and isinstance(wrapped := next(iter(value.values())), list):
        return from_wire(wrapped)
    return {key: from_wire(item) for key, item in value.items()}


def to_wire(value: Any, name: str = "") -> Any:  # noqa: ANN401 (JSON is any value)
    """The same tree as oVirt's JSON wants it: lists wrapped, scalars as strings."""
    if isinstance(value, list):
        return {_item_name(name): [to_wire(item) for item in value]}
    if isinstance(value, dict):
        return {key: to_wire(item, key) for key, item in value.items()}
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)

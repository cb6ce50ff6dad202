"""The shape of entities in this client, and of the same on the wire.

oVirt's JSON wraps each list by the name of its items (``{"usages": {"usage": ["vm"]}}``) and writes every scalar as a
string. Here a list is a list; scalars stay strings, since only the reader knows what they mean.
"""

from __future__ import annotations

from typing import Any, TypeAlias

ADDITIONS = "/netweft/v1"
"""The root of Netweft's additions, whose JSON is as it is: they come as they are on the wire."""

Tree: TypeAlias = dict[str, Any]
Trees: TypeAlias = list[Tree]

_ITEM_NAMES = {
    "external_network_providers": "external_provider",
    "modified_bonds": "host_nic",
    "modified_labels": "network_label",
    "modified_network_attachments": "network_attachment",
    "removed_bonds": "host_nic",
    "removed_labels": "network_label",
    "removed_network_attachments": "network_attachment",
    "slaves": "host_nic",
    "statuses": "status",
    "synchronized_network_attachments": "network_attachment",
}
"""Items of lists that are not called as the list is without its ending."""


def _item_name(name: str) -> str:
    """The item name of a list (``host_nics`` -> ``host_nic``)."""
    if name in _ITEM_NAMES:
        return _ITEM_NAMES[name]
    return f"{name.removesuffix('ies')}y" if name.endswith("ies") else name.removesuffix("s")


NO_LISTS = {"bios", "os", "qos", "transparent_hugepages"}
"""Elements that are no lists although their names end as those of lists do."""


def from_wire(value: Any, name: str = "") -> Any:  # noqa: ANN401 (JSON is any value)
    """What came over the wire, with its lists unwrapped: a collection's answer becomes the list of its entities.
    ``name``: of the element that holds the value; an empty list is an empty object on the wire.
    """
    if value == {} and name.endswith("s") and name not in NO_LISTS:
        return []
    if isinstance(value, list):
        return [from_wire(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1 and isinstance(wrapped := next(iter(value.values())), list):
        return from_wire(wrapped)
    return {key: from_wire(item, key) for key, item in value.items()}


def to_wire(value: Any, name: str = "") -> Any:  # noqa: ANN401 (JSON is any value)
    """The same tree as oVirt's JSON wants it: lists wrapped, scalars as strings; None is null."""
    if isinstance(value, list):
        return {_item_name(name): [to_wire(item) for item in value]}
    if isinstance(value, dict):
        return {key: to_wire(item, key) for key, item in value.items()}
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)

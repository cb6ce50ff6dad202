"""The vNICs of virtual machines, and the parameters of their network filters."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, UnsetType
from sqlalchemy import String, UniqueConstraint

from netweft.engine.model.records import AddedText, Columns, Key, Record, Refers, With, stored


class VnicSettings(Columns, frozen=True, kw_only=True):
    """Columns of a vNIC that are restored when a host refuses a change. Not the MAC address: once released, another
    vNIC may have it.
    """

    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    profile_id: str | UnsetType | None = UNSET
    interface: str | UnsetType = UNSET
    plugged: bool | UnsetType = UNSET
    linked: bool | UnsetType = UNSET
    synced: bool | UnsetType = UNSET


class VnicRow(Record, frozen=True):
    """A vNIC of a virtual machine."""

    id: Key
    vm_id: Annotated[str, Refers("vms.id", on_delete="CASCADE", index=False)]
    name: Annotated[str, String(50)]
    mac: Annotated[str, String(17), With(index=True)]
    interface: Annotated[str, String(32)]
    plugged: bool
    linked: bool
    # Whether the running vNIC has its desired state; false after the network's VLAN or MTU changed.
    synced: bool
    description: AddedText = ""
    # Null: the vNIC is on no network.
    profile_id: Annotated[str, Refers("vnic_profiles.id")] | None = None


vnics = stored(
    "vnics",
    VnicRow,
    UniqueConstraint("vm_id", "name"),
)


SETTINGS = ("name", "description", "profile_id", "interface", "plugged", "linked")
"""Columns that a template's vNIC has as well."""


class FilterParameterRow(Record, frozen=True):
    """A parameter of a vNIC's network filter."""

    id: Key
    vnic_id: Annotated[str, Refers("vnics.id", on_delete="CASCADE")]
    # A name may come again: libvirt's filters take lists so.
    name: Annotated[str, String(255)]
    value: Annotated[str, String(255)]


filter_parameters = stored("filter_parameters", FilterParameterRow)

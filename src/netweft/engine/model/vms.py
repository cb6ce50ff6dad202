"""Virtual machines."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import CheckConstraint, String, UniqueConstraint

from netweft.engine.model.base import ID_LENGTH
from netweft.engine.model.hardware import HardwareRow
from netweft.engine.model.records import AddedText, Columns, Key, Refers, With, stored


class GuestAddress(msgspec.Struct, frozen=True):
    """An address inside the guest, for the vNIC of that name: ``192.0.2.1/24``. ``gateway``: empty for none."""

    nic: str
    address: str
    gateway: str = ""


class ThisRun(Columns, frozen=True, kw_only=True):
    """The columns that have another value in one run of a virtual machine."""

    os_kernel: str | UnsetType = UNSET
    os_initrd: str | UnsetType = UNSET
    os_cmdline: str | UnsetType = UNSET
    custom_properties: Mapping[str, str] | UnsetType = UNSET
    cpu_mode: str | UnsetType = UNSET
    boot_devices: tuple[str, ...] | UnsetType = UNSET
    console: bool | UnsetType = UNSET
    stateless: bool | UnsetType = UNSET
    addresses: tuple[GuestAddress, ...] | UnsetType = UNSET
    initialization: Mapping[str, str | bool] | UnsetType = UNSET


class VmRow(HardwareRow, frozen=True):
    """A virtual machine."""

    id: Key
    name: Annotated[str, String(255)]
    cluster_id: Annotated[str, Refers("clusters.id")]
    template_id: Annotated[str, Refers("templates.id")]
    status: Annotated[str, String(32)]
    # Addresses for its vNICs, as oVirt's initialization has them.
    addresses: tuple[GuestAddress, ...]
    created_at: datetime
    # When its status changed last: earlier reports of hosts do not apply.
    changed_at: datetime
    description: AddedText = ""
    comment: AddedText = ""
    # What it was cloned from (then ``template_id`` is Blank), or null. Removing that template makes it null: SQLite
    # takes no reference into a table that is there.
    original_template_id: Annotated[str, String(ID_LENGTH), With(index=True)] | None = None
    # Where it runs, or is being started; null when it is down.
    host_id: Annotated[str, Refers("hosts.id")] | None = None
    # The host that it is migrating to; null when it is not.
    target_host_id: Annotated[str, Refers("hosts.id")] | None = None
    # Where its memory is saved, when it is suspended.
    saved_host_id: Annotated[str, Refers("hosts.id")] | None = None
    # Why it is down or could not be started, a sentence.
    status_reason: AddedText = ""
    # What else of oVirt's initialization was given, by its elements' names.
    initialization: Annotated[Mapping[str, str | bool], With(server_default="{}")] = msgspec.field(default_factory=dict)
    # Of the current run; none when it ends.
    this_run: Annotated[ThisRun, With(server_default="{}")] = ThisRun()


vms = stored(
    "vms",
    VmRow,
    UniqueConstraint("name"),
    CheckConstraint(
        "status IN ('down', 'wait_for_launch', 'up', 'migrating', 'powering_down', 'saving_state', 'suspended',"
        " 'restoring_state', 'unknown')",
        name="status",
    ),
)

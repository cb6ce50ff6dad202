"""What is wanted on hosts: attachments, bonds and labels, and the changes that are to bring new ones."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from sqlalchemy import CheckConstraint, PrimaryKeyConstraint, String, UniqueConstraint

from netweft.engine.model.records import AddedText, Id, Key, LongText, Record, Refers, With, stored


class AttachmentRow(Record, frozen=True):
    """A network on a host."""

    id: Key
    host_id: Annotated[str, Refers("hosts.id", on_delete="CASCADE", index=False)]
    # A network may go while hosts carry it: what is left there shows as unmanaged, and goes with the next change.
    network_id: Annotated[str, Refers("networks.id", on_delete="CASCADE")]
    # The NIC or bond by its name, not by the id of a reported NIC: the intent outlives a NIC that is pulled out and
    # put back.
    nic: Annotated[str, String(50)]
    # As core.intent.AttachmentIntent has them; dns is null when the network's resolvers serve, qos when the
    # network's does.
    assignments: list[dict[str, Any]]
    properties: dict[str, str]
    dns: list[str] | None = None
    qos: dict[str, Any] | None = None


attachments = stored(
    "attachments",
    AttachmentRow,
    UniqueConstraint("host_id", "network_id"),
)


class HostBondRow(Record, frozen=True):
    """A bond that is wanted on a host."""

    # The id under which the bond shows among the host's NICs once it is reported.
    id: Key
    host_id: Annotated[str, Refers("hosts.id", on_delete="CASCADE", index=False)]
    name: Annotated[str, String(50)]
    slaves: list[str]
    # As users write them: core.intent.BondIntent.
    options: dict[str, str]


host_bonds = stored(
    "host_bonds",
    HostBondRow,
    UniqueConstraint("host_id", "name"),
)


class NicLabelRow(Record, frozen=True):
    """A label of a host's NIC."""

    host_id: Annotated[str, Refers("hosts.id", on_delete="CASCADE", index=False)]
    label: Annotated[str, String(255), With(index=True)]
    # The NIC or bond by its name, as in attachments.
    nic: Annotated[str, String(50)]


nic_labels = stored(
    "nic_labels",
    NicLabelRow,
    PrimaryKeyConstraint("host_id", "label"),
)
"""A NIC with a label carries every network of the cluster that has the same one."""


class HostAddressRow(Record, frozen=True):
    """A static address of a host."""

    # As core.host_request.written has it: one address is one text.
    address: Annotated[str, String(45)]
    network_id: Annotated[str, Refers("networks.id", on_delete="CASCADE")]
    host_id: Annotated[str, Refers("hosts.id", on_delete="CASCADE")]


host_addresses = stored(
    "host_addresses",
    HostAddressRow,
    PrimaryKeyConstraint("address", "network_id"),
)
"""The static addresses of hosts, of their attachments and of changes under way: on a network each is one host's."""


class HostChangeRow(Record, frozen=True):
    """A generation of a host's intent."""

    host_id: Annotated[str, Refers("hosts.id", on_delete="CASCADE", index=False)]
    generation: int
    reason: LongText
    # The job that brings it; no foreign key, as finished jobs are forgotten long before changes are.
    job_id: Id
    state: Annotated[str, String(16)]
    created_at: datetime
    # The attachments and bonds to be; null when those that are stored are to be put on the host again.
    candidate: dict[str, Any] | None = None
    error: AddedText = ""
    # Who asked for it, by name; empty for the engine itself, and for what was before this was written down.
    user_name: Annotated[str, String(255), With(server_default="")] = ""
    ended_at: datetime | None = None
    # JSON of the core.intent.HostIntent that was brought, and of the core.host.Host that the host had after it; null
    # where nobody knew, and for what was before this was written down.
    intent: bytes | None = None
    observed: bytes | None = None


host_changes = stored(
    "host_changes",
    HostChangeRow,
    PrimaryKeyConstraint("host_id", "generation"),
    CheckConstraint("state IN ('pending', 'applied', 'refused')", name="state"),
)
"""One row for each generation of a host's intent that was given out: what it was to bring, why, and how it ended."""

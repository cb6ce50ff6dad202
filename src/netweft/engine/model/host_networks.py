"""The desired networks of hosts: attachments, bonds and labels, and their pending and past changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Annotated

from sqlalchemy import CheckConstraint, PrimaryKeyConstraint, String, UniqueConstraint

from netweft.core.intent import AttachmentIntent, BondIntent, HostQos, HostSetup, IpAssignment
from netweft.engine.model.records import AddedText, Id, Key, LongText, Record, Refers, With, stored


class AttachmentRow(Record, frozen=True):
    """A network on a host."""

    id: Key
    host_id: Annotated[str, Refers("hosts.id", on_delete="CASCADE", index=False)]
    # A network may be removed while hosts carry it: it is then shown as unmanaged, and removed by the next change.
    network_id: Annotated[str, Refers("networks.id", on_delete="CASCADE")]
    # The NIC or bond by its name, not by the id of a reported NIC: the intent outlives a NIC that is pulled out and
    # put back.
    nic: Annotated[str, String(50)]
    # As core.intent.AttachmentIntent has them; dns is null when the network's resolvers serve, qos when the
    # network's does.
    assignments: tuple[IpAssignment, ...]
    properties: Mapping[str, str]
    dns: tuple[str, ...] | None = None
    qos: HostQos | None = None

    @classmethod
    def of(cls, host_id: str, intent: AttachmentIntent) -> AttachmentRow:
        """The row of an attachment of a host."""
        return cls(host_id=host_id, **{field.name: getattr(intent, field.name) for field in fields(intent)})

    @property
    def intent(self) -> AttachmentIntent:
        """The attachment."""
        return AttachmentIntent(
            id=self.id,
            network_id=self.network_id,
            nic=self.nic,
            assignments=self.assignments,
            properties=self.properties,
            dns=self.dns,
            qos=self.qos,
        )


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
    slaves: tuple[str, ...]
    # As users write them: core.intent.BondIntent.
    options: Mapping[str, str]

    @classmethod
    def of(cls, host_id: str, intent: BondIntent) -> HostBondRow:
        """The row of a bond of a host."""
        return cls(host_id=host_id, **{field.name: getattr(intent, field.name) for field in fields(intent)})

    @property
    def intent(self) -> BondIntent:
        """The bond."""
        return BondIntent(id=self.id, name=self.name, slaves=self.slaves, options=self.options)


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
"""The static addresses of hosts, of their attachments and of pending changes: on a network each belongs to one host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate(HostSetup):
    """What a host may come to be set up with, and the NICs by their labels (None: as they are). ``is_leaving``: the
    host is to be removed, so that it is no provider's any more.
    """

    labels: Mapping[str, str] | None = None
    is_leaving: bool = False

    @classmethod
    def of(cls, setup: HostSetup, labels: Mapping[str, str] | None = None) -> Candidate:
        """What a host has now, or would have."""
        return cls(
            attachments=setup.attachments, bonds=setup.bonds, kept=setup.kept, inherited=setup.inherited, labels=labels
        )


class HostChangeRow(Record, frozen=True):
    """A generation of a host's intent."""

    host_id: Annotated[str, Refers("hosts.id", on_delete="CASCADE", index=False)]
    generation: int
    reason: LongText
    # The job that brings it; no foreign key, as finished jobs are removed long before changes are.
    job_id: Id
    state: Annotated[str, String(16)]
    created_at: datetime
    # The new attachments and bonds; null when the stored ones are to be applied again.
    candidate: Candidate | None = None
    error: AddedText = ""
    # The user who requested it, by name; empty for the engine itself, and in rows from before this column.
    user_name: Annotated[str, String(255), With(server_default="")] = ""
    ended_at: datetime | None = None
    # JSON of the core.intent.HostIntent that was brought, and of the core.host.Host that the host had after it; null
    # where unknown, and in rows from before this column.
    intent: bytes | None = None
    observed: bytes | None = None


host_changes = stored(
    "host_changes",
    HostChangeRow,
    PrimaryKeyConstraint("host_id", "generation"),
    CheckConstraint("state IN ('pending', 'applied', 'refused')", name="state"),
)
"""One row for each generation of a host's intent: the change, its reason and its outcome."""

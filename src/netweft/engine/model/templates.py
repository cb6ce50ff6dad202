"""Templates of virtual machines, and their vNICs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from sqlalchemy import String, UniqueConstraint

from netweft.engine.model.hardware import HardwareRow
from netweft.engine.model.records import AddedText, Key, LongText, Name, Record, Refers, stored


class TemplateRow(HardwareRow, frozen=True):
    """A template."""

    id: Key
    name: Name
    created_at: datetime
    description: LongText = ""
    comment: LongText = ""
    # Null: for every cluster (Blank).
    cluster_id: Annotated[str, Refers("clusters.id")] | None = None


templates = stored(
    "templates",
    TemplateRow,
    UniqueConstraint("name"),
)


class TemplateVnicRow(Record, frozen=True):
    """A vNIC of a template."""

    id: Key
    template_id: Annotated[str, Refers("templates.id", on_delete="CASCADE", index=False)]
    name: Annotated[str, String(50)]
    description: AddedText = ""
    interface: Annotated[str, String(32)] = "virtio"
    plugged: bool = True
    linked: bool = True
    # Null: on no network.
    profile_id: Annotated[str, Refers("vnic_profiles.id")] | None = None


template_vnics = stored(
    "template_vnics",
    TemplateVnicRow,
    UniqueConstraint("template_id", "name"),
)
"""What the vNICs of a new virtual machine are made like; they have no MAC addresses."""

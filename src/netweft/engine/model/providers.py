"""Providers: systems that have networks of their own, and those that configure fabrics."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from sqlalchemy import CheckConstraint, String, Text, UniqueConstraint, false

from netweft.engine.model.records import AddedText, Key, LongText, Name, Record, With, stored


class ProviderRow(Record, frozen=True):
    """A system that has networks of its own, or one that configures a fabric (``purpose``). ``password``: encrypted.
    ``certificate``: what its TLS certificate is verified with (PEM), empty for the authorities that the machine trusts.
    ``latency``: milliseconds that it took to answer; it, ``status`` and ``checked_at`` are of the last test.
    ``orphans``: the number of its objects with our mark that are unknown here, by the last check, None before the
    first.

    ``plugin_remote``: what ovn-controller on hosts connects to, empty for a provider without a plugin;
    ``plugin_mappings``: names of networks of hosts by the provider's names of physical networks, as
    :func:`netweft.core.rules.provider.mappings_of` reads them. ``plugin_type``, ``external_plugin_type``: as clients
    gave them. ``read_only``: whether no network or subnet is made, changed or removed there; ports of guests are.
    """

    id: Key
    name: Name
    type: Annotated[str, String(64)]
    url: LongText
    description: LongText = ""
    comment: LongText = ""
    requires_authentication: bool = False
    authentication_url: LongText = ""
    username: Name = ""
    password: Annotated[str, Text()] = ""
    tenant_name: Name = ""
    project_name: Name = ""
    user_domain_name: Name = ""
    project_domain_name: Name = ""
    region: Name = ""
    read_only: bool = False
    certificate: LongText = ""
    status: Annotated[str, String(16)] = "ok"
    status_reason: LongText = ""
    latency: int | None = None
    checked_at: datetime | None = None
    orphans: int | None = None
    plugin_remote: AddedText = ""
    plugin_mappings: AddedText = ""
    plugin_type: AddedText = ""
    external_plugin_type: AddedText = ""
    auto_sync: Annotated[bool, With(server_default=false())] = False
    purpose: Annotated[str, String(16), With(server_default="networks")] = "networks"


NETWORKS, CONFIGURATION = "networks", "configuration"
"""What a provider is for: it has networks of its own, or configures a fabric for those of hosts."""

providers = stored(
    "providers",
    ProviderRow,
    UniqueConstraint("name"),
    CheckConstraint("status IN ('ok', 'error')", name="status"),
)

"""Virtual functions of hosts' NICs: which networks they may serve, and which vNICs have one."""

from __future__ import annotations

from typing import Annotated

from sqlalchemy import PrimaryKeyConstraint, String

from netweft.engine.model.records import Record, Refers, With, stored


class NicFunctionsRow(Record, frozen=True):
    """Which networks the functions of a NIC serve."""

    host_id: Annotated[str, Refers("hosts.id", on_delete="CASCADE", index=False)]
    # The NIC by its name, as in attachments.
    nic: Annotated[str, String(50)]
    # Networks that have one of these labels are served.
    labels: tuple[str, ...]


nic_functions = stored(
    "nic_functions",
    NicFunctionsRow,
    PrimaryKeyConstraint("host_id", "nic"),
)
"""A NIC whose functions serve certain networks only; those of any other serve all."""


class FunctionNetworkRow(Record, frozen=True):
    """A network that they serve."""

    host_id: Annotated[str, Refers("hosts.id", on_delete="CASCADE", index=False)]
    nic: Annotated[str, String(50)]
    network_id: Annotated[str, Refers("networks.id", on_delete="CASCADE")]


function_networks = stored(
    "function_networks",
    FunctionNetworkRow,
    PrimaryKeyConstraint("host_id", "nic", "network_id"),
)
"""The networks that they serve besides those with a label."""


class VnicFunctionRow(Record, frozen=True):
    """A function that a vNIC has."""

    host_id: Annotated[str, Refers("hosts.id", on_delete="CASCADE", index=False)]
    # The function's PCI address.
    function: Annotated[str, String(16)]
    vnic_id: Annotated[str, Refers("vnics.id", on_delete="CASCADE")]
    # Of an InfiniBand function, its id in the fabric; empty for any other.
    guid: Annotated[str, String(16), With(server_default="")] = ""


vnic_functions = stored(
    "vnic_functions",
    VnicFunctionRow,
    # The key is what keeps two vNICs from getting the same function.
    PrimaryKeyConstraint("host_id", "function"),
)
"""From when a host is chosen for a guest until the guest has gone from it; a guest that migrates has functions on both
hosts.
"""

"""What everything that Netweft does in an OVN stands on: its two databases, our marks, and how rows are found.

A mark is an entry of a row's ``external_ids``: the kind of thing that it is here, and its id.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netweft.core.addresses import Address, Network
from netweft.providers.contract import MissingError
from netweft.providers.ovn_database import Database, having

SWITCH, PORT, OPTIONS = "Logical_Switch", "Logical_Switch_Port", "DHCP_Options"
NETWORK_MARK, SUBNET_MARK, PORT_MARK = "netweft:network", "netweft:subnet", "netweft:port"
SWITCH_ID = "netweft:switch"
"""The key by which a row of DHCP options says which network it is for: OVN itself has no subnets."""


class OvnApi:
    """One OVN by its databases, of which the southbound one says what its hosts are."""

    def __init__(self, northbound: Database, southbound: Database) -> None:
        self._northbound = northbound
        self._southbound = southbound

    def _marked(self, table: str, mark: str, owner: str) -> Any:  # noqa: ANN401 - rows of a library without types
        """The row that bears a mark, None when there is none."""
        return next(having(self._northbound.rows(table), mark, owner), None) if owner else None

    def _switch(self, network_id: str) -> Any:  # noqa: ANN401 - the same
        """The row of a network. Raises MissingError."""
        found = next((row for row in self._northbound.rows(SWITCH) if str(row.uuid) == network_id), None)
        if found is None:
            raise MissingError(f"The provider has no network {network_id}.")
        return found

    def _options_of(self, switch: Any) -> list[Any]:  # noqa: ANN401 - the same
        """The rows of a network's subnets, by their names."""
        rows = [row for row in self._northbound.rows(OPTIONS) if row.external_ids.get(SWITCH_ID) == str(switch.uuid)]
        return sorted(rows, key=lambda row: str(row.external_ids.get(SUBNET_MARK)))


def said(row: Any, values: Mapping[str, str | None]) -> None:  # noqa: ANN401 - the same
    """Have these entries in the external_ids of a row that is there, and those with None not; all others stay."""
    merged = {**row.external_ids, **values}
    kept = {key: value for key, value in merged.items() if value is not None}
    if kept != row.external_ids:
        row.external_ids = kept


def wire(switch: Any) -> Any:  # noqa: ANN401 - the same
    """The port of a network that leads to a physical network, None when there is none."""
    return next((port for port in switch.ports if port.type == "localnet"), None)


def within(address: Address, cidr: Network) -> bool:
    """Whether an address is in a subnet; one of the other version is not."""
    return address in cidr  # of another version it is not

"""The base of everything that Netweft does in an OVN: its two databases, our marks, and how rows are found.

A mark is an entry of a row's ``external_ids``: the kind of thing that it is here, and its id.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netweft.providers.contract import MissingError
from netweft.providers.ovn_database import Database, entries, values

SWITCH, PORT, OPTIONS = "Logical_Switch", "Logical_Switch_Port", "DHCP_Options"
NETWORK_MARK, SUBNET_MARK, PORT_MARK = "netweft:network", "netweft:subnet", "netweft:port"
SWITCH_ID = "netweft:switch"
"""The key of a row of DHCP options for the id of its network: OVN itself has no subnets."""


class OvnApi:
    """One OVN by its two databases; the southbound one has its hosts."""

    def __init__(self, northbound: Database, southbound: Database) -> None:
        self._northbound = northbound
        self._southbound = southbound

    def _marked(self, table: str, mark: str, owner: str) -> Any:  # noqa: ANN401 - rows of a library without types
        """The row that bears a mark, None when there is none."""
        rows = self._northbound.rows(table) if owner else []
        return next((row for row in rows if entries(row, "external_ids").get(mark) == owner), None)

    def _switch(self, network_id: str) -> Any:  # noqa: ANN401 - the same
        """The row of a network. Raises MissingError."""
        found = next((row for row in self._northbound.rows(SWITCH) if str(row.uuid) == network_id), None)
        if found is None:
            raise MissingError(f"The provider has no network {network_id}.")
        return found

    def _ports_of(self, switch: Any) -> list[Any]:  # noqa: ANN401 - the same
        """The rows of a network's ports."""
        return [self._northbound.row(PORT, row_id) for row_id in values(switch, "ports")]

    def _options_of(self, switch: Any) -> list[Any]:  # noqa: ANN401 - the same
        """The rows of a network's subnets that are ours, always in one order."""
        ours = [row for row in self._northbound.rows(OPTIONS) if SUBNET_MARK in row.external_ids]
        rows = [row for row in ours if row.external_ids.get(SWITCH_ID) == str(switch.uuid)]
        return sorted(rows, key=lambda row: str(row.external_ids[SUBNET_MARK]))

    def _wired_to(self, switch: Any) -> tuple[str, int | None]:  # noqa: ANN401 - the same
        """The physical network that a network is on, empty for none, and with which VLAN."""
        for port in self._ports_of(switch):
            if values(port, "type") == ["localnet"]:
                return port.options.get("network_name", ""), (port.tag[0] if port.tag else None)
        return "", None


def set_external_ids(row: Any, changes: Mapping[str, str | None]) -> None:  # noqa: ANN401 - the same
    """Set these entries of an existing row's external_ids, and remove those with None; all others stay."""
    merged = {**row.external_ids, **changes}
    kept = {key: value for key, value in merged.items() if value is not None}
    if kept != row.external_ids:
        row.external_ids = kept

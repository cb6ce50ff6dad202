"""The parts of OVN's two databases that Netweft reads and writes, as OVN's schemas have them (ovn-nb(5), ovn-sb(5)).

Only these are copied from a database, and all of them have been there since OVN 20.03.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_STRING, _INTEGER = "string", "integer"
_MAP = {"type": {"key": _STRING, "value": _STRING, "min": 0, "max": "unlimited"}}
_STRINGS = {"type": {"key": _STRING, "min": 0, "max": "unlimited"}}
_MAYBE_INTEGER = {"type": {"key": _INTEGER, "min": 0, "max": 1}}


def _refers(table: str, kind: str, most: int | str) -> Mapping[str, Any]:
    return {"type": {"key": {"type": "uuid", "refTable": table, "refType": kind}, "min": 0, "max": most}}


NORTHBOUND: Mapping[str, Any] = {
    "name": "OVN_Northbound",
    "version": "5.0.0",
    "tables": {
        "NB_Global": {"columns": {"nb_cfg": {"type": _INTEGER}}, "maxRows": 1, "isRoot": True},
        "Logical_Switch": {
            "columns": {
                "name": {"type": _STRING},
                "ports": _refers("Logical_Switch_Port", "strong", "unlimited"),
                "external_ids": _MAP,
            },
            "isRoot": True,
        },
        "Logical_Switch_Port": {
            "columns": {
                "name": {"type": _STRING},
                "type": {"type": _STRING},
                "options": _MAP,
                "tag": _MAYBE_INTEGER,
                "addresses": _STRINGS,
                "dynamic_addresses": {"type": {"key": _STRING, "min": 0, "max": 1}},
                "port_security": _STRINGS,
                "up": {"type": {"key": "boolean", "min": 0, "max": 1}},
                "dhcpv4_options": _refers("DHCP_Options", "weak", 1),
                "dhcpv6_options": _refers("DHCP_Options", "weak", 1),
                "external_ids": _MAP,
            },
            "indexes": [["name"]],
        },
        "DHCP_Options": {
            "columns": {"cidr": {"type": _STRING}, "options": _MAP, "external_ids": _MAP},
            "isRoot": True,
        },
        "Port_Group": {
            "columns": {
                "name": {"type": _STRING},
                "ports": _refers("Logical_Switch_Port", "weak", "unlimited"),
            },
            "indexes": [["name"]],
            "isRoot": True,
        },
    },
}

SOUTHBOUND: Mapping[str, Any] = {
    "name": "OVN_Southbound",
    "version": "20.0.0",
    "tables": {
        "Chassis": {
            "columns": {
                "name": {"type": _STRING},
                "hostname": {"type": _STRING},
                "external_ids": _MAP,
                "other_config": _MAP,
            },
            "indexes": [["name"]],
            "isRoot": True,
        },
        "Chassis_Private": {
            "columns": {"name": {"type": _STRING}, "nb_cfg": {"type": _INTEGER}},
            "indexes": [["name"]],
            "isRoot": True,
        },
    },
}

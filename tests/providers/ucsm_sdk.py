"""Cisco's own client for the UCS Manager, which verifies our requests and answers. A program for a Python
that has ``ucsmsdk``: PORT USER PASSWORD, and what to do; prints JSON.
"""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

from ucsmsdk.mometa.fabric.FabricVlan import FabricVlan
from ucsmsdk.mometa.vm.VmVnicProfCl import VmVnicProfCl
from ucsmsdk.mometa.vnic.VnicEtherIf import VnicEtherIf
from ucsmsdk.mometa.vnic.VnicProfile import VnicProfile
from ucsmsdk.mometa.vnic.VnicProfileSet import VnicProfileSet
from ucsmsdk.ucsexception import UcsException
from ucsmsdk.ucshandle import UcsHandle

logging.getLogger("ucs").handlers.clear()


def read(handle: UcsHandle) -> list[dict[str, Any]]:
    found = [*handle.query_classid("fabricVlan"), *handle.query_classid("vnicProfile")]
    found += [one for one in handle.query_classid("vnicEtherIf") if one.dn.startswith("fabric/lan/profiles/")]
    return [
        {"class_id": one.get_class_id(), **{name: getattr(one, name) for name in one.prop_map.values()}}
        for one in found
    ]


def write(handle: UcsHandle) -> list[dict[str, Any]]:
    handle.add_mo(FabricVlan("fabric/lan", name="n-555", id="555", sharing="none"))
    handle.commit()
    profile = VnicProfile("fabric/lan/profiles", name="n-555-pp", max_ports="64", host_nw_io_perf="none")
    VnicEtherIf(profile, name="n-555", default_net="yes")
    VmVnicProfCl(profile, name="any", dc_name=".*", org_path=".*", sw_name=".*")
    handle.add_mo(profile)
    handle.commit()
    return []


def refusals(handle: UcsHandle) -> list[dict[str, Any]]:
    """How it reports refusals."""
    tries = {
        "there already": lambda: handle.add_mo(FabricVlan("fabric/lan", name="n-555", id="555")),
        "not there": lambda: handle.remove_mo(FabricVlan("fabric/lan", name="none")),
        "not valid": lambda: handle.add_mo(FabricVlan("fabric/lan", name="wrong", id="xyz")),
        "not creatable": lambda: handle.add_mo(VnicProfileSet("fabric/lan")),
    }
    found = []
    for what, ask in tries.items():
        try:
            ask()
            handle.commit()
        except UcsException as error:
            found.append({"what": what, "code": error.error_code})
        handle.commit_buffer_discard()
    return found


def remove(handle: UcsHandle) -> list[dict[str, Any]]:
    for dn in ("fabric/lan/profiles/vnic-n-555-pp", "fabric/lan/net-n-555"):
        handle.remove_mo(handle.query_dn(dn))
        handle.commit()
    return []


def main() -> None:
    port, user, password, what = sys.argv[1:]
    handle = UcsHandle("127.0.0.1", user, password, port=int(port), secure=False, timeout=60)
    handle.login()
    try:
        found = {"read": read, "write": write, "refusals": refusals, "remove": remove}[what](handle)
    finally:
        handle.logout()
    print(json.dumps(found, default=str))  # noqa: T201 - for whoever started it


main()

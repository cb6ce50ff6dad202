"""A vNIC plugged into a running virtual machine through Netweft, against libvirt's bare attachDevice of the same
interface on the same machine, alternating.

Ours begins with the request and ends with its answer, which comes when the vNIC is plugged in. The vNIC is unplugged
before the next turn.
"""

from __future__ import annotations

import secrets
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import libvirt
from figures import Figure, paired

from e2e.site import CLUSTER, Site, site, wait
from libvirt_host import MEMORY, Console, tiny_linux
from netweft.agent.guests import libvirt_xml
from netweft.agent.guests.libvirt_connection import Domain

ROUNDS = 15
LAB = """
name: plugged
guests: libvirt
engine: {{address: 10.{net}.1/24}}
hosts:
  alpha: {{address: 10.{net}.11/24, nics: {{eth0: {{access: 4094}}, eth1: {{}}}}}}
"""


def measure() -> list[Figure]:
    folder = Path(tempfile.mkdtemp(prefix="nl"))  # sockets in it need a short name
    net = f"{secrets.randbelow(128)}.{secrets.randbelow(256)}"
    (folder / "lab.yaml").write_text(LAB.format(net=net))
    try:
        with site(folder, folder / "lab.yaml", f"10.{net}.1") as built:
            return _figures(built)
    finally:
        shutil.rmtree(folder)


def _figures(built: Site) -> list[Figure]:
    guest, nics, profile = _machine(built)
    client = built.client
    connection = libvirt.open(built.place.libvirt_uri("alpha"))
    domain = connection.lookupByUUIDString(guest)
    spare = str(client.add(nics, {"name": "spare", "vnic_profile": profile, "plugged": False})["id"])
    added, activated, bare = [], [], []
    for number in range(ROUNDS):
        begun = time.perf_counter()
        new = str(client.add(nics, {"name": f"nic{number}", "vnic_profile": profile})["id"])
        added.append(time.perf_counter() - begun)
        xml = _interface(domain, new)
        client.action(f"{nics}/{new}/deactivate")
        client.remove(f"{nics}/{new}")
        activated.append(_seconds(lambda: client.action(f"{nics}/{spare}/activate")))
        assert libvirt_xml.alias_of(spare) in domain.XMLDesc(), "it is not plugged in"
        client.action(f"{nics}/{spare}/deactivate")
        bare.append(_seconds(lambda xml=xml: domain.attachDeviceFlags(xml, libvirt.VIR_DOMAIN_AFFECT_LIVE)))
        alias = libvirt_xml.alias_of(new)
        domain.detachDeviceAlias(alias, libvirt.VIR_DOMAIN_AFFECT_LIVE)
        wait("the guest has let go of it", lambda alias=alias: alias not in domain.XMLDesc())
    connection.close()
    client.action(f"vms/{guest}/stop")
    return [
        paired(
            f"a vNIC plugged into a running VM: {what}",
            list(zip(bare, taken, strict=True)),
            unit="ms",
            scale=1000,
            goal="+20 % or +50 ms",
            floor_is="libvirt's attachDevice",
        )
        for what, taken in (("POST /vms/ID/nics", added), ("activate", activated))
    ]


def _machine(built: Site) -> tuple[str, str, dict[str, str]]:
    """A booted VM; its id, the path of its vNICs, and their profile."""
    client = built.client
    built.add_network("blue", 100)
    assert built.outcome(built.attach("blue"))["status"] == "finished"
    boot = dict(tiny_linux("192.0.2.1/24"))
    guest = str(client.add("vms", {"name": "one", "cluster": {"name": CLUSTER}, "memory": MEMORY, "os": boot})["id"])
    profile = {"id": str(client.find("vnicprofiles", "blue")["id"])}
    client.add(f"vms/{guest}/nics", {"name": "first", "vnic_profile": profile})
    client.action(f"vms/{guest}/start")
    line = Console(built.place.libvirt_uri("alpha"), guest)
    line.wait_for_system(120)
    line.close()
    return guest, f"vms/{guest}/nics", profile


def _interface(domain: Domain, vnic: str) -> str:
    """The XML with which the agent plugged in a vNIC of the domain."""
    element = domain.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, libvirt_xml.NAMESPACE)
    nic = next(nic for nic in libvirt_xml.read_metadata(element).nics if nic.id == vnic)
    return libvirt_xml.interface(nic, frozenset({nic.bridge}))


def _seconds(run: Callable[[], object]) -> float:
    begun = time.perf_counter()
    run()
    return time.perf_counter() - begun

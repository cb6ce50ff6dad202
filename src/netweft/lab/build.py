"""Building a lab from its file and taking it down again."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from ipaddress import ip_interface
from pathlib import Path
from typing import TYPE_CHECKING

from netweft.lab import file, libvirt, namespaces, openvswitch, state
from netweft.lab.agents import GUEST_PREFIX, dhcp_servers_of, guests_of, host_folder, libvirt_folder, start_libvirt
from netweft.lab.processes import LabError, await_answer, end, inside_namespace, listens, require_life, run, spawn
from netweft.lab.state import HostState, LabState

if TYPE_CHECKING:
    from netweft.lab.file import EngineFile, HostFile, LabFile, Port, ProgramFile
    from netweft.lab.processes import Process

SWITCH_BRIDGE = "switch"
SWITCH_FOLDER = "switch"
_CABLE_MTU = "9216"
"""MTU of the switch's ends in octets; larger than any MTU of the hosts."""


def build(path: Path, folder: Path) -> LabState:
    """Build the lab of a file: the switch, the hosts with NICs and Open vSwitch, the cables and the engine's link; and
    start its programs.

    Agents are started separately. Raises LabError, with nothing left on the machine but the logs in ``folder``.
    """
    if (folder / state.FILE).exists():
        raise LabError(f"there is a lab in {folder} already: take it down first")
    plan = file.read(path)
    if plan.engine:
        _refuse_address_in_use(plan.engine)
    folder.mkdir(parents=True, exist_ok=True)
    lab = _names(plan, folder)
    lab.save(folder)
    try:
        if plan.engine:
            _build(lab, plan, plan.engine, folder)
        for name, program in plan.programs.items():
            _start(lab, name, program, path.absolute().parent, folder)
    except BaseException:
        take_down(folder)
        raise
    return lab


def take_down(folder: Path) -> None:
    """End what the lab in ``folder`` started and remove what it created, guests and disks included; logs stay.

    Raises LabError. May be repeated after a failure, and works for labs that were built only in part.
    """
    lab = state.load(folder)
    end([*lab.agents.values(), *lab.libvirts.values(), *lab.processes])
    if _has_link(lab.link):  # before the namespace of its other end, which would remove it, but not at once
        namespaces.ip("", "link", "delete", lab.link)
    for name, host in lab.hosts.items():
        end([*inside_namespace(namespaces.FOLDER / host.namespace), *dhcp_servers_of(folder, name)])
        for guest in guests_of(folder, name):
            namespaces.remove(f"{GUEST_PREFIX}{guest}")
        namespaces.remove(host.namespace)
    namespaces.remove(lab.switch)
    for name in lab.hosts:
        _remove_all_but_logs(host_folder(folder, name))
    _remove_all_but_logs(folder / SWITCH_FOLDER)
    (folder / state.FILE).unlink()


def _remove_all_but_logs(folder: Path) -> None:
    """Removes state that would be wrong for the hosts of the next lab in this folder."""
    for place, folders, files in os.walk(folder, topdown=False):
        for name in files:
            if not name.endswith(".log"):
                Path(place, name).unlink()
        for name in folders:
            _remove_if_empty(Path(place, name))


def _remove_if_empty(folder: Path) -> None:
    if folder.is_symlink():
        folder.unlink()
    elif not any(folder.iterdir()):
        folder.rmdir()


def _names(plan: LabFile, folder: Path) -> LabState:
    suffix = secrets.token_hex(3)
    hosts, count = {}, 0
    for name, host in plan.hosts.items():
        ports = {nic: f"p{count + index}" for index, nic in enumerate(host.nics, 1)}
        count += len(ports)
        address = str(ip_interface(host.address).ip)
        uri = libvirt.uri(libvirt_folder(folder, name)) if plan.guests == "libvirt" else ""
        namespace = f"nw-{suffix}-{name}"
        hosts[name] = HostState(
            name=name, namespace=namespace, address=address, ports=ports, guests=plan.guests, libvirt=uri
        )
    return LabState(
        name=plan.name, link=f"nw-{suffix}", switch=f"nw-{suffix}.switch", hosts=hosts, programs=tuple(plan.programs)
    )


def _start(lab: LabState, name: str, program: ProgramFile, place: Path, folder: Path) -> None:
    """Start a program in the folder of the lab's file, and wait until it answers."""
    if program.answers and listens(program.endpoint):
        raise LabError(f"program {name}: something listens at {program.answers} already; end it, or give another port")
    log = folder.absolute() / f"{name}.log"
    process = spawn(program.command, log=log, cwd=place)
    lab.processes.append(process)
    lab.save(folder)
    if program.answers:
        await_answer(f"program {name}", program.endpoint, process, log)
    else:
        require_life(f"program {name}", process, log)


def _build(lab: LabState, plan: LabFile, engine: EngineFile, folder: Path) -> None:
    def started(process: Process) -> None:
        lab.processes.append(process)
        lab.save(folder)

    namespaces.add(lab.switch)
    switch = openvswitch.start(folder / SWITCH_FOLDER, lab.switch, started)
    switch.vsctl("add-br", SWITCH_BRIDGE, "--", "set", "Bridge", SWITCH_BRIDGE, "datapath_type=netdev")
    _cable(lab, ("", lab.link), "engine")
    namespaces.ip("", "address", "add", engine.address, "dev", lab.link)
    ports = [_switch_port("engine", file.Port(access=engine.access))]
    for name, host in lab.hosts.items():
        namespaces.add(host.namespace)
        openvswitch.start(host_folder(folder, name) / "ovs", host.namespace, started)
        ports += _equip(lab, host, plan.hosts[name])
        if host.libvirt:
            start_libvirt(lab, folder, host)
    switch.vsctl(*(word for port in ports for word in ("--", *port)))


def _equip(lab: LabState, host: HostState, plan: HostFile) -> list[list[str]]:
    """Give a host its NICs and its static address, as its administrator would.

    Returns the ovs-vsctl commands for the switch's ports.
    """
    ports = []
    for nic, settings in plan.nics.items():
        _cable(lab, (host.namespace, nic), host.ports[nic])
        namespaces.ip(host.namespace, "link", "set", nic, "address", _mac(lab.name, host.name, nic))
        ports.append(_switch_port(host.ports[nic], settings or file.Port()))
    namespaces.ip(host.namespace, "link", "set", plan.management, "up")
    namespaces.ip(host.namespace, "address", "add", plan.address, "dev", plan.management)
    return ports


def _cable(lab: LabState, near: tuple[str, str], port: str) -> None:
    """A veth from a link in a namespace (``""``: the current one) to a port of the switch."""
    namespace, link = near
    here = ["netns", namespace] if namespace else []
    namespaces.ip(
        "", "link", "add", link, *here, "type", "veth", "peer", "name", port, "mtu", _CABLE_MTU, "netns", lab.switch
    )
    namespaces.offload_no_checksums(namespace, link)
    namespaces.ip(lab.switch, "link", "set", port, "up")
    if not namespace:
        namespaces.ip("", "link", "set", link, "up")


def _switch_port(name: str, port: Port) -> list[str]:
    """The ovs-vsctl command that adds a port to the switch."""
    command = ["add-port", SWITCH_BRIDGE, name]
    if port.access is not None:
        return [*command, f"tag={port.access}"]
    if port.trunk is not None:
        command.append(f"trunks={','.join(str(vlan) for vlan in port.trunk)}")
    if port.native is not None:
        command += [f"tag={port.native}", "vlan_mode=native-untagged"]
    return command


def _mac(*names: str) -> str:
    """A locally administered unicast address (IEEE 802), always the same for a NIC of a lab."""
    digest = hashlib.sha256("/".join(names).encode()).digest()
    return ":".join(f"{octet:02x}" for octet in (0x02, *digest[:5]))


def _refuse_address_in_use(engine: EngineFile) -> None:
    network = ip_interface(engine.address).network
    for link in json.loads(run(["ip", "-json", "address", "show"])):
        for address in link["addr_info"]:
            used = ip_interface(f"{address['local']}/{address['prefixlen']}").network
            if used.version == network.version and used.overlaps(network):
                raise LabError(f"this machine has {used} on {link['ifname']} already; the lab needs another network")


def _has_link(name: str) -> bool:
    return any(link["ifname"] == name for link in json.loads(run(["ip", "-json", "link", "show"])))

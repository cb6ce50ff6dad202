"""A real OVN: its two databases and ovn-northd, and chassis that are network namespaces with an Open vSwitch and an
ovn-controller each. All files are in separate folders, and no service of this machine is used.
"""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from engine_process import free_port
from netweft.lab.namespaces import inside, ip, offload_no_checksums
from netweft.lab.openvswitch import OpenVSwitch
from netweft.lab.processes import Process, end, run, spawn
from ovs_host import namespace, private_ovs
from providers.service import Service
from waiting import listens, until

SCHEMAS = Path("/usr/share/ovn")
"""Where Debian's package ovn-common has the schemas of the databases."""
PHYSICAL_NETWORK = "physnet1"
"""The name of the physical network of the chassis' second NIC; the bridge on it is EXTERNAL_BRIDGE."""
EXTERNAL_BRIDGE = "br-ex"
INTEGRATION_BRIDGE = "br-int"
UNDERLAY_BRIDGE = "br-u"
"""The bridge with the tunnels' address. The switch in user space needs one for tunnels."""
UNDERLAY, PHYSICAL = "underlay", "physical"
"""The Linux bridges that stand for the switches between the hosts."""
QUIET = ("--no-chdir", "-vconsole:warn", "-vsyslog:off")


class Central(Service):
    """The northbound and the southbound database, and ovn-northd. As a context manager it runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.northbound = f"unix:{folder / 'nb.sock'}"
        self.southbound = f"unix:{folder / 'sb.sock'}"
        self.address = f"tcp:127.0.0.1:{free_port('127.0.0.1')}"
        """The northbound database again, over TCP."""
        self._processes: list[Process] = []

    def start(self) -> None:
        """Start it, on existing databases, and wait until it answers."""
        port = self.address.rpartition(":")[2]
        self._database("nb", f"--remote=ptcp:{port}:127.0.0.1")
        self._database("sb")
        databases = (f"--ovnnb-db={self.northbound}", f"--ovnsb-db={self.southbound}")
        self._spawn("ovn-northd", *databases, f"--unixctl={self.folder / 'northd.ctl'}")

    def stop(self) -> None:
        """Ask it to end, and wait."""
        end(self._processes)
        self._processes.clear()

    def kill(self) -> None:
        """Kill it."""
        self.send(signal.SIGKILL)
        self.stop()

    def send(self, number: int) -> None:
        """A signal to each of its processes: SIGSTOP makes it hang, SIGCONT go on."""
        for process in self._processes:
            process.send(number)

    def nbctl(self, *arguments: str) -> str:
        """The output of ovn-nbctl on the northbound database. Raises LabError."""
        return run(["ovn-nbctl", "--timeout=20", f"--db={self.northbound}", *arguments])

    def sbctl(self, *arguments: str) -> str:
        """The output of ovn-sbctl on the southbound database. Raises LabError."""
        return run(["ovn-sbctl", "--timeout=20", f"--db={self.southbound}", *arguments])

    def chassis(self) -> list[str]:
        """The host names of the registered chassis, sorted."""
        return sorted(self.sbctl("--bare", "--columns=hostname", "list", "Chassis").split())

    def _database(self, name: str, *remotes: str) -> None:
        file = self.folder / f"{name}.db"
        if not file.exists():
            run(["ovsdb-tool", "create", str(file), str(SCHEMAS / f"ovn-{name}.ovsschema")])
        control = f"--unixctl={self.folder / f'{name}.ctl'}"
        socket = self.folder / f"{name}.sock"
        self._spawn("ovsdb-server", str(file), f"--remote=punix:{socket}", *remotes, control)
        until(lambda: listens(socket), f"the {name} database")
        run([f"ovn-{name}ctl", "--timeout=20", f"--db=unix:{socket}", "init"])

    def _spawn(self, program: str, *arguments: str) -> None:
        environment = {**os.environ, "OVS_RUNDIR": str(self.folder), "OVN_RUNDIR": str(self.folder)}
        log = self.folder / "ovn.log"
        self._processes.append(spawn([program, *arguments, *QUIET], log=log, env=environment))


@dataclass(frozen=True, kw_only=True)
class Chassis:
    """A host. ``name``: its host name; ``namespace``: where its bridges are."""

    name: str
    namespace: str
    switch: OpenVSwitch


@dataclass(frozen=True, kw_only=True)
class Ovn:
    """A running OVN. ``wires``: the namespace with the bridges UNDERLAY and PHYSICAL; ``chassis``: by their names."""

    central: Central
    chassis: Mapping[str, Chassis]
    wires: str


@contextmanager
def ovn(names: Sequence[str] = ("h1", "h2")) -> Iterator[Ovn]:
    """OVN with a chassis for each name, until the block ends."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nl")))
        wires = stack.enter_context(namespace())
        for bridge in (UNDERLAY, PHYSICAL):
            ip(wires, "link", "add", bridge, "up", "type", "bridge")
        central = stack.enter_context(Central(folder))
        hosts = [
            stack.enter_context(chassis(name, central, wires, f"10.99.0.{number}"))
            for number, name in enumerate(names, start=11)
        ]
        until(lambda: set(names).issubset(central.chassis()), "all chassis")
        yield Ovn(central=central, chassis={host.name: host for host in hosts}, wires=wires)


@contextmanager
def chassis(name: str, central: Central, wires: str, address: str) -> Iterator[Chassis]:
    """A host with an ovn-controller, until the block ends. ``address``: that of its tunnels."""
    with namespace() as place, private_ovs(place) as switch, chassis_of(name, switch, central, wires, address) as made:
        yield made


@contextmanager
def chassis_of(name: str, switch: OpenVSwitch, central: Central, wires: str, address: str) -> Iterator[Chassis]:
    """Make the host of an Open vSwitch a chassis until the block ends; its NICs and bridges stay."""
    place = switch.namespace
    for nic, wire in (("ovn0", UNDERLAY), ("ovn1", PHYSICAL)):
        plug(place, nic, wires, wire)
    for bridge in (INTEGRATION_BRIDGE, UNDERLAY_BRIDGE, EXTERNAL_BRIDGE):
        switch.vsctl("add-br", bridge, "--", "set", "Bridge", bridge, "datapath_type=netdev")
    switch.vsctl("set", "Bridge", INTEGRATION_BRIDGE, "fail_mode=secure")
    switch.vsctl("add-port", UNDERLAY_BRIDGE, "ovn0", "--", "add-port", EXTERNAL_BRIDGE, "ovn1")
    ip(place, "address", "add", f"{address}/24", "dev", UNDERLAY_BRIDGE)
    ip(place, "link", "set", UNDERLAY_BRIDGE, "up")
    switch.vsctl("set", "Open_vSwitch", ".", *_settings(name, central, address))
    try:
        with ovn_controller(switch):
            yield Chassis(name=name, namespace=place, switch=switch)
    finally:
        # Where ovn-controller leaves it, by whichever name, and OVN would wait for it.
        for left in central.sbctl("--bare", "--columns=name", "find", "Chassis", f"hostname={name}").split():
            for table in ("Chassis", "Chassis_Private"):
                central.sbctl("--if-exists", "destroy", table, left)


@contextmanager
def ovn_controller(switch: OpenVSwitch) -> Iterator[Process]:
    """Make the switch a chassis, by its external_ids, until the block ends."""
    environment = {**os.environ, "OVS_RUNDIR": str(switch.folder), "OVN_RUNDIR": str(switch.folder)}
    command = [*inside(switch.namespace), "ovn-controller", f"unix:{switch.socket}", *QUIET]
    process = spawn(command, log=switch.folder / "ovn.log", env=environment)
    try:
        yield process
    finally:
        end([process])


def plug(host: str, nic: str, wires: str, bridge: str) -> None:
    """A cable from a new NIC of a namespace to a bridge in another."""
    far = f"{host[-8:]}-{nic}"
    ip(host, "link", "add", nic, "type", "veth", "peer", "name", far, "netns", wires)
    ip(wires, "link", "set", far, "up", "master", bridge)
    ip(host, "link", "set", nic, "up")
    offload_no_checksums(host, nic)


def _settings(name: str, central: Central, address: str) -> Sequence[str]:
    return [
        f"external_ids:{key}={value}"
        for key, value in {
            "hostname": name,
            "ovn-remote": f'"{central.southbound}"',
            "ovn-encap-type": "geneve",
            "ovn-encap-ip": address,
            "ovn-bridge-datapath-type": "netdev",
            "ovn-bridge-mappings": f'"{PHYSICAL_NETWORK}:{EXTERNAL_BRIDGE}"',
            "ovn-monitor-all": "true",
        }.items()
    ]

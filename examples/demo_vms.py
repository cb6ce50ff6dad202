"""A demonstration with real virtual machines: ``make demo VMS=1``.

Two hosts with a libvirt each are built on this machine, and three virtual machines run a tiny Linux on them. The
machines themselves ping each other, before and after their networks, their host or their agents change. Each statement
is checked; the first that is false ends the demonstration with status 1.
"""

from __future__ import annotations

import re
import sys

from stage import EXAMPLES, FOLDER, check, engine, netweft, run, start_engine, title, wait

from libvirt_host import MEMORY, Console, ConsoleError, tiny_linux
from netweft import lab
from netweft.client import Client

MACHINES = {"storage-a": ("alpha", "storage"), "storage-b": ("beta", "storage"), "tenants-b": ("beta", "tenants")}
"""On which host each starts, and on which network. All get addresses of one subnet: only the networks separate them."""

PINGS = 30
"""Five in each second, while something is done to a machine."""


def show() -> None:
    """Everything, in order."""
    title("Two hosts with libvirt, a switch, an engine, and two networks on both hosts")
    place = lab.up(EXAMPLES / "two-vm-hosts.yaml", FOLDER / "lab")
    start_engine()
    with engine() as client:
        netweft("cluster add racks --switch-type ovs -o json", quiet=True)
        netweft(f"lab join --folder {FOLDER / 'lab'} --cluster racks")
        for host in place.hosts:
            wait(f"host {host} is up", lambda host=host: client.find("hosts", host)["status"] == "up")
        for network, vlan in (("storage", 100), ("tenants", 200)):
            netweft(f"network add {network} --vlan {vlan} -o json", quiet=True)
            netweft(f"cluster attach racks {network} --optional -o json", quiet=True)
        for host in place.hosts:
            netweft(f"host setup-networks {host} -f {EXAMPLES / f'setup-{host}.yaml'}")

        title("Three virtual machines")
        start_machines(client)
        netweft("vm list")
        lines = {
            name: Console(place.libvirt_uri(host), machine(client, name), name) for name, (host, _) in MACHINES.items()
        }
        for line in lines.values():
            line.wait_for_system(120)
        expect_ping(lines["storage-a"], "storage-a", "storage-b", True)
        expect_ping(lines["storage-a"], "storage-a", "tenants-b", False)

        title("A second NIC for storage-a: plugged in, moved to another network, unplugged, while it runs")
        rewire(client, lines)

        title("storage-a migrates to beta while storage-b pings it")
        lines["storage-a"].close()
        migrate(client, lines["storage-b"])

        title("The agent of beta is killed, and tenants-b powers itself off meanwhile")
        kill_the_agent(client, place, lines)

        title("storage-b powers itself off")
        plugged_in = links(place, "beta")
        lines["storage-b"].send("poweroff -f\n")
        wait("it is down in the engine", lambda: status(client, "storage-b") == "down")
        wait("its port on beta is gone", lambda: links(place, "beta") < plugged_in)
        for name in ("storage-b", "tenants-b"):
            lines[name].close()
        netweft("vm list")


def start_machines(client: Client) -> None:
    """Add and start them, each on its host, with what the tiny Linux boots from."""
    for name, (host, network) in MACHINES.items():
        print(f"  {name}: 128 MiB, the tiny Linux")
        body = {"name": name, "cluster": {"name": "racks"}, "memory": MEMORY, "os": dict(tiny_linux(address(name)))}
        client.add("vms", body)
        netweft(f"vm nic add {name} nic1 --profile {network} -o json", quiet=True)
        netweft(f"vm start {name} --host {host}")


def rewire(client: Client, lines: dict[str, Console]) -> None:
    """Plug in, use, move, use, and unplug a NIC."""
    here = lines["storage-a"]
    for number, name in enumerate(MACHINES, 1):
        if name != "storage-a":
            lines[name].run(f"ip address add 198.18.0.{number}/24 dev eth0")
    netweft("vm nic add storage-a nic2 --profile storage -o json", quiet=True)
    up = "while ! ip link set eth1 up; do sleep 0.2; done 2>/dev/null; ip address add 198.18.0.1/24 dev eth1"
    check(here.run(up).status == 0, "the machine has a second NIC")
    expect_reach(here, "198.18.0.2", True, "by nic2, storage-a reaches storage-b")
    expect_reach(here, "198.18.0.3", False, "by nic2, storage-a does not reach tenants-b")
    nics = f"vms/{machine(client, 'storage-a')}/nics"
    nic = client.find(nics, "nic2")["id"]
    print("  nic2 gets the vNIC profile of network tenants.")
    client.update(f"{nics}/{nic}", {"vnic_profile": {"id": client.find("vnicprofiles", "tenants")["id"]}})
    expect_reach(here, "198.18.0.3", True, "by nic2, storage-a reaches tenants-b")
    expect_reach(here, "198.18.0.2", False, "by nic2, storage-a does not reach storage-b")
    netweft("vm nic deactivate storage-a nic2")
    netweft("vm nic remove storage-a nic2")
    gone = here.run("while ip link show eth1; do sleep 0.2; done >/dev/null 2>&1")
    check(gone.status == 0, "the machine's second NIC is gone")


def migrate(client: Client, other: Console) -> None:
    """Move storage-a to beta, and print how many pings were lost."""
    begin_pings(other, "storage-a")
    netweft("vm migrate storage-a --host beta")
    sent, returned = end_pings(other)
    on = client.get(f"vms/{machine(client, 'storage-a')}")["host"]["id"]
    check(on == client.find("hosts", "beta")["id"], "it is on beta in the engine")
    check(returned > 0, f"{returned} of {sent} pings came back, {sent - returned} were lost")
    expect_ping(other, "storage-b", "storage-a", True)


def kill_the_agent(client: Client, place: lab.Lab, lines: dict[str, Console]) -> None:
    """Kill and restart it: the machines keep running, and the engine finds out what happened meanwhile."""
    begin_pings(lines["storage-b"], "storage-a")
    place.stop_agent("beta", kill=True)
    lines["tenants-b"].send("poweroff -f\n")
    print("  The agent is killed.")
    place.start_agent("beta")
    print("  The agent is started again.")
    wait("tenants-b is down in the engine", lambda: status(client, "tenants-b") == "down")
    wait("beta is up in the engine", lambda: client.find("hosts", "beta")["status"] == "up")
    others = [status(client, name) for name in ("storage-a", "storage-b")]
    check(others == ["up", "up"], "the other machines are up in the engine")
    sent, returned = end_pings(lines["storage-b"])
    check(returned == sent, f"the machines were not affected: all {sent} pings came back")


def begin_pings(line: Console, target: str) -> None:
    """Ping a machine in the background."""
    line.run(f"ping -c {PINGS} -i 0.2 -W 5 {address(target).split('/')[0]} >/tmp/pings &")


def end_pings(line: Console) -> tuple[int, int]:
    """How many were sent, and how many came back."""
    line.run("wait $!", timeout=90)
    sent, returned = re.findall(r"(\d+) packets", line.run("cat /tmp/pings").output)
    return int(sent), int(returned)


def expect_ping(line: Console, source: str, target: str, reaches: bool) -> None:
    """Ping from machine to machine, and check the outcome."""
    verb = "reaches" if reaches else "does not reach"
    expect_reach(line, address(target).split("/")[0], reaches, f"{source} {verb} {target}")


def expect_reach(line: Console, target: str, reaches: bool, what: str) -> None:
    """Ping an address, and check the outcome; several tries, as switches learn."""
    answer = line.run(f"ping -c 4 -i 0.3 -W 2 {target} | grep -q 'bytes from'")
    check((answer.status == 0) == reaches, what)


def address(name: str) -> str:
    """A machine's address, with its prefix."""
    return f"192.0.2.{list(MACHINES).index(name) + 1}/24"


def links(place: lab.Lab, host: str) -> set[str]:
    """The links of a host's kernel, a tap for each plugged vNIC among them."""
    return {line.split()[0] for line in place.run(host, "ip", "-br", "link").stdout.splitlines()}


def machine(client: Client, name: str) -> str:
    """The id of a machine."""
    return str(client.find("vms", name)["id"])


def status(client: Client, name: str) -> str:
    """The status of a machine in the engine."""
    return str(client.find("vms", name)["status"])


if __name__ == "__main__":
    sys.exit(run(show, __doc__, "make demo VMS=1 EXIT=1", (ConsoleError,)))

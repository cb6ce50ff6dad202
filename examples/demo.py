"""A demonstration of the main job: ``make demo``.

Two hosts and a switch are built on this machine, an engine is started, and everything else goes through its public
API: mostly as the commands that an administrator would type. Each statement is checked; the first that is false ends
the demonstration with status 1.
"""

from __future__ import annotations

import sys

from stage import EXAMPLES, FOLDER, Failure, check, engine, netweft, run, start_engine, title, wait

from netweft import lab
from netweft.client import Client

GUESTS = {
    "storage-a": ("alpha", "storage"),
    "storage-b": ("beta", "storage"),
    "tenants-a": ("alpha", "tenants"),
    "tenants-b": ("beta", "tenants"),
}
"""Guests: on which host, and on which network. All get addresses of one subnet: only the networks separate them."""

DEADLINE = 6
"""Seconds that the host waits for the engine when its cable is cut."""


def show() -> None:
    """The main job, in order."""
    title("Two hosts, a switch, and an engine")
    place = lab.up(EXAMPLES / "two-hosts.yaml", FOLDER / "lab")
    start_engine()
    with engine() as client:
        netweft("cluster add racks --switch-type ovs -o json", quiet=True)
        netweft(f"lab join --folder {FOLDER / 'lab'} --cluster racks")
        for host in place.hosts:
            wait(f"host {host} is up", lambda host=host: client.find("hosts", host)["status"] == "up")
        netweft("host list")

        title("Networks: defined once, attached to the cluster")
        for network, vlan in (("storage", 100), ("tenants", 200)):
            netweft(f"network add {network} --vlan {vlan} -o json", quiet=True)
            netweft(f"cluster attach racks {network} --optional -o json", quiet=True)
        netweft("cluster networks racks")

        title("The plan of a change on host alpha; nothing is sent")
        netweft(f"host setup-networks alpha -f {EXAMPLES / 'setup-alpha.yaml'} --plan")

        title("The change, on both hosts")
        for host in place.hosts:
            netweft(f"host setup-networks {host} -f {EXAMPLES / f'setup-{host}.yaml'}")
            netweft(f"host commit {host}")
        netweft("host attachments alpha")

        title("A guest per host and network")
        start_guests(client, place)
        netweft("vm list")
        expect_ping(place, client, "storage-a", "storage-b", True)
        expect_ping(place, client, "tenants-a", "tenants-b", True)
        expect_ping(place, client, "storage-a", "tenants-b", False)
        expect_ping(place, client, "tenants-a", "storage-a", False)

        title("The cable is cut in the middle of a change")
        cut_in_the_middle(client, place)


def cut_in_the_middle(client: Client, place: lab.Lab) -> None:
    """Set up many networks on alpha, cut its management cable meanwhile, and check that it rolls back by itself."""
    alpha = client.find("hosts", "alpha")["id"]
    more = [f"more{number:02}" for number in range(60)]
    for number, name in enumerate(more):
        network = client.add(
            "networks", {"name": name, "vlan": {"id": 1000 + number}, "data_center": {"name": "Default"}}
        )
        client.add(
            f"clusters/{client.find('clusters', 'racks')['id']}/networks", {"id": network["id"], "required": False}
        )
    before = configuration(place)
    body = {
        "modified_network_attachments": [{"network": {"name": name}, "host_nic": {"name": "eth2"}} for name in more],
        "check_connectivity": True,
        "connectivity_timeout": DEADLINE,
        "async": True,
    }
    job = client.action(f"hosts/{alpha}/setupnetworks", body)["job"]["id"]
    print(f"{len(more)} more networks are being set up on alpha, which waits {DEADLINE} s for the engine.")
    wait("alpha has begun to change", lambda: more[0] in configuration(place), pause=0)
    place.cut("alpha", "eth0")
    print("  The cable of alpha's management NIC is cut.")
    wait("alpha rolled back by itself, with the cable still cut", lambda: configuration(place) == before)
    place.mend("alpha", "eth0")
    print("  The cable is mended.")
    outcome = client.follow(job, lambda _progress: None)
    print(f"  The error of the job: {outcome['error']}")
    check(outcome["status"] == "failed", "the job has failed, as the change was rolled back")
    wait("the engine reaches alpha again", lambda: client.get(f"hosts/{alpha}")["status"] == "up")
    attached = client.list(f"hosts/{alpha}/networkattachments")
    check(len(attached) == 3, "the engine has the three attachments that alpha had before")  # noqa: PLR2004 (ovirtmgmt, storage, tenants)
    expect_ping(place, client, "storage-a", "storage-b", True)


def configuration(place: lab.Lab) -> str:
    """The configuration of alpha's kernel and Open vSwitch."""
    addresses = place.run("alpha", "ip", "-o", "address", "show", "scope", "global").stdout
    links = place.run("alpha", "ip", "-br", "link").stdout
    names = sorted(line.split()[0] for line in links.splitlines())
    return addresses + "\n".join(names) + place.run("alpha", "ip", "route").stdout


def start_guests(client: Client, place: lab.Lab) -> None:
    """A guest per host and network, with an address in a subnet that all four share."""
    for number, (name, (host, network)) in enumerate(GUESTS.items(), 1):
        netweft(f"vm add {name} --cluster racks -o json", quiet=True)
        netweft(f"vm nic add {name} nic1 --profile {network} -o json", quiet=True)
        netweft(f"vm start {name} --host {host}")
        guest = client.find("vms", name)["id"]
        done = place.run_in_guest(guest, "ip", "address", "add", f"192.0.2.{number}/24", "dev", "nic1")
        if done.returncode:
            raise Failure(f"the address could not be given to guest {name}: {done.stderr}")


def expect_ping(place: lab.Lab, client: Client, source: str, target: str, reaches: bool) -> None:
    """Ping from guest to guest, and check the outcome."""
    guest = client.find("vms", source)["id"]
    address = f"192.0.2.{list(GUESTS).index(target) + 1}"
    done = place.run_in_guest(guest, "ping", "-c", "1" if not reaches else "3", "-i", "0.2", "-W", "1", address)
    verb = "reaches" if reaches else "does not reach"
    check((done.returncode == 0) == reaches, f"{source} {verb} {target}")


if __name__ == "__main__":
    sys.exit(run(show, __doc__, "make demo EXIT=1"))

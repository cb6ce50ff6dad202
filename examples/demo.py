"""The main job, shown: ``make demo``.

Two hosts and a switch are built on this machine, an engine is started, and everything else goes through its public
API: mostly as the commands that an administrator would type. Every claim is checked; the first that does not hold ends
the demonstration with status 1.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click
import httpx

from netloom import lab
from netloom.cli.main import cli
from netloom.client import ApiError, Client, UnreachableError

EXAMPLES = Path(__file__).parent
FOLDER = Path("var/demo")
ENGINE_URL = "https://198.51.100.1:8443"
GUESTS = {
    "storage-a": ("alpha", "storage"),
    "storage-b": ("beta", "storage"),
    "tenants-a": ("alpha", "tenants"),
    "tenants-b": ("beta", "tenants"),
}
"""Guests: on which host, and on which network. All get addresses of one subnet: only the networks keep them apart."""

DEADLINE = 6
"""Seconds that the host waits for the engine when its cable is cut."""


def main() -> int:
    """Run the demonstration; returns the status to end with."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--exit", action="store_true", help="take everything down at the end")
    leave_up = not parser.parse_args().exit
    if os.geteuid():
        print(
            "The demonstration makes network namespaces, and so needs root. Without root, simulated hosts can be had:\n"
        )
        print("  .venv/bin/netloom serve --data var/engine --simulated-hosts 3")
        return 1
    clean_up()
    try:
        show()
    except (Failure, ApiError, UnreachableError, lab.LabError) as error:
        print(f"\nThe demonstration failed: {error}\nLogs are in {FOLDER}.", file=sys.stderr)
        clean_up(keep_logs=True)
        return 1
    except BaseException:
        clean_up(keep_logs=True)
        raise
    if leave_up:
        tell_how_to_go_on()
    else:
        clean_up()
        print("\nEverything worked, and everything has been taken down again.")
    return 0


class Failure(Exception):  # noqa: N818 (it is what the demonstration may end in, not an error of the program)
    """Something did not hold."""


def show() -> None:
    """The main job, in order."""
    title("Two hosts, a switch, and an engine")
    place = lab.up(EXAMPLES / "two-hosts.yaml", FOLDER / "lab")
    start_engine()
    with engine() as client:
        netloom("cluster add racks --switch-type ovs -o json", quiet=True)
        netloom(f"lab join --folder {FOLDER / 'lab'} --cluster racks")
        for host in place.hosts:
            wait(f"host {host} is up", lambda host=host: client.find("hosts", host)["status"] == "up")
        netloom("host list")

        title("Networks: defined once, attached to the cluster")
        for network, vlan in (("storage", 100), ("tenants", 200)):
            netloom(f"network add {network} --vlan {vlan} -o json", quiet=True)
            netloom(f"cluster attach racks {network} --optional -o json", quiet=True)
        netloom("cluster networks racks")

        title("The plan: what would happen on host alpha, nothing sent")
        netloom(f"host setup-networks alpha -f {EXAMPLES / 'setup-alpha.yaml'} --plan")

        title("The change, on both hosts")
        for host in place.hosts:
            netloom(f"host setup-networks {host} -f {EXAMPLES / f'setup-{host}.yaml'}")
            netloom(f"host commit {host}")
        netloom("host attachments alpha")

        title("A guest per host and network")
        start_guests(client, place)
        netloom("vm list")
        expect_ping(place, client, "storage-a", "storage-b", True)
        expect_ping(place, client, "tenants-a", "tenants-b", True)
        expect_ping(place, client, "storage-a", "tenants-b", False)
        expect_ping(place, client, "tenants-a", "storage-a", False)

        title("The cable is cut in the middle of a change")
        cut_in_the_middle(client, place)


def cut_in_the_middle(client: Client, place: lab.Lab) -> None:
    """Ask for many more networks on alpha, cut its management cable while it works, and see it go back by itself."""
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
    print(f"{len(more)} more networks are on their way to alpha, which waits {DEADLINE} s for the engine.")
    wait("alpha has begun to change", lambda: more[0] in configuration(place), pause=0)
    place.cut("alpha", "eth0")
    print("  The cable of alpha's management NIC is cut.")
    wait("alpha went back by itself, with the cable still cut", lambda: configuration(place) == before)
    place.mend("alpha", "eth0")
    print("  The cable is mended.")
    outcome = client.follow(job, lambda _progress: None)
    print(f"  The job says: {outcome['error']}")
    check(outcome["status"] == "failed", "the job knows that the change was taken back")
    wait("the engine sees alpha again", lambda: client.get(f"hosts/{alpha}")["status"] == "up")
    attached = client.list(f"hosts/{alpha}/networkattachments")
    check(len(attached) == 3, "the engine holds the three attachments that alpha had")  # noqa: PLR2004 (ovirtmgmt, storage, tenants)
    expect_ping(place, client, "storage-a", "storage-b", True)


def configuration(place: lab.Lab) -> str:
    """Everything that alpha's kernel and Open vSwitch say of its configuration."""
    addresses = place.run("alpha", "ip", "-o", "address", "show", "scope", "global").stdout
    links = place.run("alpha", "ip", "-br", "link").stdout
    names = sorted(line.split()[0] for line in links.splitlines())
    return addresses + "\n".join(names) + place.run("alpha", "ip", "route").stdout


def start_guests(client: Client, place: lab.Lab) -> None:
    """A guest per host and network, with an address in a subnet that all four share."""
    for number, (name, (host, network)) in enumerate(GUESTS.items(), 1):
        netloom(f"vm add {name} --cluster racks -o json", quiet=True)
        netloom(f"vm nic add {name} nic1 --profile {network} -o json", quiet=True)
        netloom(f"vm start {name} --host {host}")
        guest = client.find("vms", name)["id"]
        done = place.run_in_guest(guest, "ip", "address", "add", f"192.0.2.{number}/24", "dev", "nic1")
        if done.returncode:
            raise Failure(f"the address could not be given to guest {name}: {done.stderr}")


def expect_ping(place: lab.Lab, client: Client, source: str, target: str, reaches: bool) -> None:
    """Ping from guest to guest, and insist on the outcome."""
    guest = client.find("vms", source)["id"]
    address = f"192.0.2.{list(GUESTS).index(target) + 1}"
    done = place.run_in_guest(guest, "ping", "-c", "1" if not reaches else "3", "-i", "0.2", "-W", "1", address)
    verb = "reaches" if reaches else "does not reach"
    check((done.returncode == 0) == reaches, f"{source} {verb} {target}")


def start_engine() -> None:
    """Start the engine on the lab's management network and on loopback, and wait until it answers."""
    data = FOLDER / "engine"
    data.mkdir(parents=True)
    command = [
        sys.executable,
        "-m",
        "netloom",
        "serve",
        "--data",
        str(data),
        "--listen",
        "198.51.100.1:8443",
        "--listen",
        "127.0.0.1:8443",
    ]
    with (FOLDER / "engine.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    (FOLDER / "engine.pid").write_text(str(process.pid))
    wait("the engine answers", lambda: healthy(process))
    os.environ |= {
        "NETLOOM_URL": ENGINE_URL,
        "NETLOOM_CA": str(data / "ca.pem"),
        "NETLOOM_PASSWORD_FILE": str(data / "admin-password"),
    }


def healthy(process: subprocess.Popen[bytes]) -> bool:
    """Whether the engine answers. Raises Failure when it has ended."""
    if process.poll() is not None:
        raise Failure(f"the engine ended with status {process.returncode}; see {FOLDER / 'engine.log'}")
    authority = FOLDER / "engine" / "ca.pem"
    if not authority.exists():
        return False
    try:
        return httpx.get(
            f"{ENGINE_URL}/health", verify=ssl.create_default_context(cafile=str(authority)), trust_env=False
        ).is_success
    except httpx.TransportError:
        return False


def engine() -> Client:
    """A client of the demonstration's engine."""
    password = Path(os.environ["NETLOOM_PASSWORD_FILE"]).read_text().strip()
    return Client(ENGINE_URL, "admin@internal", password, ca_file=Path(os.environ["NETLOOM_CA"]))


def netloom(words: str, *, quiet: bool = False) -> None:
    """Show and run one ``netloom`` command; ``quiet`` leaves out what it prints."""
    print(f"$ netloom {words.removesuffix(' -o json')}", flush=True)
    stdout = os.dup(1)
    try:
        if quiet:
            with Path(os.devnull).open("w") as nowhere:
                os.dup2(nowhere.fileno(), 1)
        status = cli.main(shlex.split(words), standalone_mode=False)
    except click.ClickException as error:
        raise Failure(error.format_message()) from error
    finally:
        sys.stdout.flush()
        os.dup2(stdout, 1)
        os.close(stdout)
    if status:
        raise Failure(f"'netloom {words}' ended with status {status}")


def wait(what: str, holds: Callable[[], bool], seconds: float = 60, pause: float = 0.1) -> None:
    """Ask, with pauses of so many seconds, until something holds, and say so."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise Failure(f"not within {seconds:.0f} s: {what}")
        time.sleep(pause)
    check(True, what)


def check(holds: bool, what: str) -> None:
    """Say that something holds, or fail."""
    if not holds:
        raise Failure(f"this does not hold: {what}")
    print(f"  \N{CHECK MARK} {what}", flush=True)


def title(text: str) -> None:
    """A heading."""
    print(f"\n== {text}", flush=True)


def clean_up(*, keep_logs: bool = False) -> None:
    """Take down what an earlier or this demonstration left on the machine."""
    pid_file = FOLDER / "engine.pid"
    if pid_file.exists():
        pid = int(pid_file.read_text())
        command = Path(f"/proc/{pid}/cmdline")
        if command.exists() and str(FOLDER / "engine").encode() in command.read_bytes():
            os.kill(pid, signal.SIGTERM)
            while command.exists() and command.read_bytes():
                try:
                    os.waitpid(pid, os.WNOHANG)
                except ChildProcessError:
                    time.sleep(0.05)
    if (FOLDER / "lab" / "lab.json").exists():
        lab.down(FOLDER / "lab")
    if FOLDER.exists() and not keep_logs:
        shutil.rmtree(FOLDER)


def tell_how_to_go_on() -> None:
    """Where the engine is, and how to talk to it."""
    variables = ("NETLOOM_URL", "NETLOOM_CA", "NETLOOM_PASSWORD_FILE")
    print(f"""
Everything worked, and the engine is still up.

  address    {ENGINE_URL}/ovirt-engine/api   (and https://127.0.0.1:8443)
  user       admin@internal
  password   {Path(os.environ["NETLOOM_PASSWORD_FILE"]).read_text().strip()}
  authority  {os.environ["NETLOOM_CA"]}

  export {" ".join(f"{name}={os.environ[name]}" for name in variables)}
  .venv/bin/netloom host attachments alpha

'make demo EXIT=1' runs it again and takes everything down.""")


if __name__ == "__main__":
    sys.exit(main())

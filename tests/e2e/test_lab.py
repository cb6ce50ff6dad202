"""The lab: its file, and its complete removal."""

from __future__ import annotations

import json
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from engine_process import EngineProcess
from netweft import lab
from netweft.cli.labs import add_host, join_of
from netweft.lab import state
from netweft.lab.processes import run, spawn

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLE = Path(__file__).parents[2] / "examples" / "two-hosts.yaml"

FILE = """
name: test
engine: {{address: 10.{net}.1/24}}
hosts:
  alpha:
    address: 10.{net}.11/24
    nics: {{eth0: {{access: 4094}}, eth1: {alpha}}}
  beta:
    address: 10.{net}.12/24
    nics: {{eth0: {{access: 4094}}, eth1: {beta}}}
"""


IN_LAB = "{name: x, engine: {address: 10.0.0.1/24}, hosts: {%s}}"


@dataclass(frozen=True)
class Site:
    """A folder for labs and an unused network."""

    folder: Path
    net: str

    def file(self, alpha: str = "{}", beta: str = "{}") -> Path:
        path = self.folder / "lab.yaml"
        path.write_text(FILE.format(net=self.net, alpha=alpha, beta=beta))
        return path

    def address(self, number: int) -> str:
        return f"10.{self.net}.{number}"


@pytest.fixture
def site() -> Iterator[Site]:
    folder = Path(tempfile.mkdtemp(prefix="nl"))  # sockets in it need a short name
    site = Site(folder, f"{128 + secrets.randbelow(128)}.{secrets.randbelow(256)}")
    yield site
    for path in folder.glob(f"*/{state.FILE}"):
        lab.down(path.parent)
    shutil.rmtree(folder)


def remains(here: lab.Lab) -> set[str]:
    """What is left of a lab on this machine; other runs have labs of their own."""
    links = {link["ifname"] for link in json.loads(run(["ip", "-json", "link"]))}
    namespaces = {path.name for path in Path("/run/netns").iterdir()}
    prefix = here.hosts["alpha"].namespace.removesuffix("-alpha")
    return {name for name in links | namespaces if name.startswith(prefix)}


def answers(here: lab.Lab, host: str, address: str) -> bool:
    return here.run(host, "ping", "-n", "-c", "5", "-i", "0.1", "-W", "1", address).returncode == 0


def give(here: lab.Lab, host: str, nic: str, *addresses: str) -> None:
    """As an administrator would."""
    here.run(host, "ip", "link", "set", nic, "up")
    for address in addresses:
        assert here.run(host, "ip", "address", "add", address, "dev", nic).returncode == 0


def test_hosts_reach_the_engine_and_each_other_until_a_cable_is_cut(site: Site) -> None:
    here = lab.up(site.file(), site.folder / "a")
    assert run(["ping", "-n", "-c", "3", "-i", "0.1", "-W", "1", site.address(11)])
    assert answers(here, "alpha", site.address(12))
    here.cut("alpha", "eth0")
    assert not answers(here, "beta", site.address(11))
    link = json.loads(here.run("alpha", "ip", "-json", "link", "show", "eth0").stdout)[0]
    assert "NO-CARRIER" in link["flags"]
    here.mend("alpha", "eth0")
    assert answers(here, "beta", site.address(11))


@pytest.mark.parametrize(
    ("alpha", "beta", "passes"),
    [
        ("{}", "{}", True),
        ("{access: 100}", "{access: 100}", True),
        ("{access: 100}", "{access: 200}", False),
        ("{access: 300}", "{trunk: [100], native: 300}", True),
        ("{access: 300}", "{trunk: [300]}", False),
    ],
)
def test_the_switch_keeps_vlans_apart(site: Site, alpha: str, beta: str, passes: bool) -> None:
    here = lab.up(site.file(alpha, beta), site.folder / "a")
    give(here, "alpha", "eth1", "192.0.2.1/24")
    give(here, "beta", "eth1", "192.0.2.2/24")
    assert answers(here, "alpha", "192.0.2.2") is passes


def test_two_labs_coexist_and_are_removed_independently(site: Site) -> None:
    other = Site(site.folder, f"{site.net.partition('.')[0]}.{(int(site.net.partition('.')[2]) + 1) % 256}")
    first, second = lab.up(site.file(), site.folder / "a"), lab.up(other.file(), site.folder / "b")
    assert remains(first)
    assert remains(second)
    first.down()
    assert not remains(first)
    assert answers(second, "alpha", other.address(1))
    second.down()
    assert not remains(second)


def test_a_network_of_this_machine_is_refused(site: Site) -> None:
    lab.up(site.file(), site.folder / "a")
    with pytest.raises(lab.LabError, match="the lab needs another network"):
        lab.up(site.file(), site.folder / "b")
    assert not (site.folder / "b" / state.FILE).exists()


def test_a_lab_that_cannot_be_built_leaves_nothing_behind(site: Site) -> None:
    deep = site.folder / ("x" * 90)  # too long for a socket, which fails when the switch already exists
    up = [sys.executable, "-m", "netweft", "lab", "up", "--folder", str(deep), str(site.file())]
    script = 'mkdir -p /run/netns; mount -t tmpfs tmpfs /run/netns; "$@" >&2 || ip -brief link; ls /run/netns'
    alone = subprocess.run(  # where no other run has a lab
        ["unshare", "--net", "--mount", "sh", "-c", script, "sh", *up], capture_output=True, text=True, check=True
    )
    assert "choose another folder" in alone.stderr
    assert [line.split()[0] for line in alone.stdout.splitlines()] == ["lo"]
    assert not (deep / state.FILE).exists()


def test_down_finds_a_lab_and_ends_its_processes(site: Site) -> None:
    here = lab.up(site.file(), site.folder / "a")
    here.run("alpha", "sh", "-c", "sleep 600 >/dev/null 2>&1 &")
    namespace = Path("/run/netns", here.hosts["alpha"].namespace)
    server = spawn(["unshare", "--net", "sleep", "600"], log=site.folder / "log")
    noted = site.folder / "a" / "hosts" / "alpha" / "run" / "guest-dhcp" / "one.server"
    noted.parent.mkdir(parents=True)
    noted.write_text(f"{server.pid} {server.started}\n")
    assert lab.Lab.load(site.folder / "a").hosts == here.hosts
    lab.down(site.folder / "a")
    assert not namespace.exists()
    assert not server.is_alive
    assert not remains(here)
    with pytest.raises(lab.LabError, match="no lab in"):
        lab.down(site.folder / "a")


def test_a_folder_is_reused_and_only_logs_stay_in_it(site: Site) -> None:
    folder = site.folder / "a"
    lab.up(site.file(), folder).down()
    stay = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    assert stay == {"switch/ovs.log", "hosts/alpha/ovs/ovs.log", "hosts/beta/ovs/ovs.log"}
    here = lab.up(site.file(), folder)
    assert answers(here, "alpha", site.address(12))


def test_rebuilt_hosts_join_the_engine_under_their_names(site: Site) -> None:
    folder = site.folder / "a"
    for _ in range(2):
        here = lab.up(site.file(), folder)
        engine = EngineProcess(site.folder / "engine", listen=f"{site.address(1)}:0")
        with engine, engine.client() as client:
            for name, host in here.hosts.items():
                here.start_agent(name, join_of(client, add_host(client, name, host.address, "Default")))
            deadline = time.monotonic() + 60
            while {host["status"] for host in client.list("hosts")} != {"up"}:
                assert time.monotonic() < deadline, client.list("hosts")
                time.sleep(0.1)
        here.down()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("name: [", "while parsing"),
        ("name: x", "neither hosts nor programs"),
        ("{name: x, engine: {address: 10.0.0.1/24}, hosts: {}, colour: red}", "unknown field `colour`"),
        ("{name: x, engine: {address: 10.0.0.1}, hosts: {}}", "no prefix length"),
        ("{name: x, engine: {address: 10.0.0.999/24}, hosts: {}}", "does not appear to be"),
        (IN_LAB % "a: {address: 10.0.0.1/24, nics: {eth0: {}}}", "given twice"),
        (IN_LAB % "a: {address: 10.9.0.2/24, nics: {eth0: {}}}", "not in the engine's"),
        (IN_LAB % "a: {address: 10.0.0.2/24, nics: {eth1: {}}}", "no NIC eth0"),
        (IN_LAB % "'a b': {address: 10.0.0.2/24, nics: {eth0: {}}}", "letters, digits"),
        (IN_LAB % "a: {address: 10.0.0.2/24, nics: {eth0: {access: 5000}}}", "no VLAN 5000"),
        (IN_LAB % "a: {address: 10.0.0.2/24, nics: {eth0: {access: 5, trunk: [6]}}}", "either access"),
        (IN_LAB % "a: {address: 10.0.0.2/24, nics: {eth0: {}, averyveryverylongname: {}}}", "1 to 15"),
        ("{name: x, hosts: {a: {address: 10.0.0.2/24, nics: {eth0: {}}}}}", "no engine with its address"),
        ("{name: x, programs: {'a b': {command: [sleep]}}}", "letters, digits"),
        ("{name: x, programs: {a: {command: []}}}", "its command has no words"),
        ("{name: x, programs: {a: {command: [sleep], answers: here}}}", "here is no address and port"),
    ],
)
def test_an_invalid_file_is_refused_with_a_reason(tmp_path: Path, content: str, problem: str) -> None:
    path = tmp_path / "lab.yaml"
    path.write_text(content)
    with pytest.raises(lab.LabError, match=problem):
        lab.up(path, tmp_path / "lab")
    assert not (tmp_path / "lab").exists()


def test_the_example_can_be_read() -> None:
    assert lab.file.read(EXAMPLE).hosts.keys() == {"alpha", "beta"}


def test_programs_run_while_the_lab_is_up(tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    serve = f"from http.server import *; HTTPServer(('127.0.0.1', {port}), BaseHTTPRequestHandler).serve_forever()"
    programs = {
        "server": {"command": [sys.executable, "-c", serve], "answers": f"127.0.0.1:{port}"},
        "pwd": {"command": ["sh", "-c", "pwd; exec sleep 1000"]},
    }
    file = tmp_path / "lab.json"
    file.write_text(json.dumps({"name": "x", "programs": programs}))
    built = lab.up(file, tmp_path / "lab")
    assert (built.programs, built.hosts) == (("server", "pwd"), {})
    started = state.load(tmp_path / "lab").processes
    assert [process.is_alive for process in started] == [True, True]
    socket.create_connection(("127.0.0.1", port)).close()
    lab.down(tmp_path / "lab")
    assert [process.is_alive for process in started] == [False, False]
    assert (tmp_path / "lab" / "pwd.log").read_text() == f"{tmp_path}\n"


def test_a_program_that_ends_before_it_answers_is_reported_and_removed(tmp_path: Path) -> None:
    length = f"{1000 + secrets.randbelow(10**6)}"
    programs = {
        "idle": {"command": ["sleep", length]},
        "broken": {"command": ["sh", "-c", "echo no such thing; sleep 0.5; exit 3"], "answers": "127.0.0.1:1"},
    }
    file = tmp_path / "lab.json"
    file.write_text(json.dumps({"name": "x", "programs": programs}))
    with pytest.raises(lab.LabError, match="program broken ended: no such thing"):
        lab.up(file, tmp_path / "lab")
    assert not (tmp_path / "lab" / state.FILE).exists()
    assert subprocess.run(["pgrep", "-f", f"^sleep {length}$"], check=False, capture_output=True).returncode == 1

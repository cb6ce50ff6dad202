"""``netweft host add`` installs the agent by SSH with the engine's key, and the host comes up: a real engine, a real
SSH server in a namespace of its own, the real agent there. apt-get and systemctl are replaced; tests/installation uses
a real package and a root password.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from e2e.site import wait
from engine_process import PASSWORD, EngineProcess
from netweft.client import Client
from netweft.lab import namespaces
from ssh_host import STEPS, SshHost, make_package, ssh_host

ENGINE, HOST = "198.51.108.1", "198.51.108.11"
RESOURCE = "/ovirt-engine/services/pki-resource"


@dataclass(frozen=True)
class Place:
    """The engine, and the machine beside it."""

    engine: EngineProcess
    client: Client
    machine: SshHost

    def type(self, *words: str) -> str:
        """A command of the administrator."""
        environment = {"NETWEFT_URL": self.engine.url, "NETWEFT_CA": str(self.engine.ca), "NETWEFT_PASSWORD": PASSWORD}
        command = [sys.executable, "-m", "netweft", *words]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def add(self) -> None:
        port = ("--ssh-port", str(self.machine.port))
        self.type("host", "add", "one", "--address", HOST, "--engine-key", *port)

    def host(self) -> dict[str, object]:
        return dict(self.client.find("hosts", "one"))


@contextmanager
def cable() -> Iterator[str]:
    """A namespace for a host, connected by a cable."""
    name = f"nwd-{secrets.token_hex(3)}"
    namespaces.add(name)
    try:
        namespaces.ip("", "link", "add", "engine0", "type", "veth", "peer", "name", "eth0", "netns", name)
        namespaces.ip("", "address", "add", f"{ENGINE}/24", "dev", "engine0")
        namespaces.ip("", "link", "set", "engine0", "up")
        namespaces.ip(name, "address", "add", f"{HOST}/24", "dev", "eth0")
        namespaces.ip(name, "link", "set", "eth0", "up")
        yield name
    finally:
        namespaces.ip("", "link", "delete", "engine0")
        namespaces.remove(name)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    package = make_package(tmp_path)
    machine = tmp_path / "machine"
    agent = (
        f"{sys.executable} -m netweft agent --run {machine}/run --resolv-conf {machine}/resolv.conf"
        f" --ovsdb {machine}/no-ovs --pki {machine}/pki --boot-id deployed --boot-wait 5"
    )
    service = (
        f"[ ! -e {machine}/pid ] || ! kill -0 $(cat {machine}/pid) || exit 0\n"
        f"touch {machine}/resolv.conf\nsetsid {agent} >>{machine}/agent.log 2>&1 </dev/null & echo $! >{machine}/pid"
    )
    with (
        cable() as space,
        ssh_host(machine, address=HOST, inside=namespaces.inside_as_host(space), service=service) as host,
        EngineProcess(tmp_path / "engine", listen=f"{ENGINE}:0", options=("--agent-package", str(package))) as engine,
        engine.client() as client,
    ):
        yield Place(engine, client, host)


def test_an_agent_is_installed_on_a_bare_machine(place: Place) -> None:
    place.machine.trust(place.type("host", "ssh-key").strip())
    place.add()
    wait("the host is up", lambda: place.host()["status"] == "up")
    assert place.host()["ssh"] == {"fingerprint": place.machine.fingerprint(), "port": str(place.machine.port)}
    with place.engine.door() as door:
        asked = {"resource": "engine-certificate", "format": "OPENSSH-PUBKEY"}
        key = door.get(RESOURCE, params=asked).text
        assert key.strip() == place.type("host", "ssh-key").strip()
        assert door.get(RESOURCE, params={"resource": "ca-certificate"}).text == place.engine.ca.read_text()
        assert door.get(RESOURCE, params={"resource": "other"}).status_code == 404
    joined = json.loads(place.machine.joined.read_text())
    place.type("host", "deactivate", "one")
    place.type("host", "install", "one", "--engine-key")
    wait("the host is up again", lambda: place.host()["status"] == "up")
    assert json.loads(place.machine.joined.read_text())["token"] != joined["token"]


@pytest.mark.parametrize("step", list(STEPS))
def test_a_killed_engine_continues_the_installation(place: Place, step: str) -> None:
    place.machine.trust(place.type("host", "ssh-key").strip())
    place.machine.break_at(step, "hang")
    place.add()
    wait(f"the step {step}", lambda: place.machine.calls(STEPS[step]))
    place.engine.kill()
    place.machine.mend()
    place.engine.start()
    wait("the host is up", lambda: place.host()["status"] == "up", 120)
    kinds = [job["description"] for job in place.client.list("jobs")]
    assert sum("Installing Host one" in kind for kind in kinds) == 1

"""The field's automation, the modules of ovirt.ovirt: each playbook does its work, and a second run changes nothing.

``make clients`` installs it (``tools/install-automation``).
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ovirtsdk4
import pytest

from clients.conftest import USER, Site
from clients.recorder import Seen
from engine_process import PASSWORD

pytestmark = [pytest.mark.usefixtures("strict"), pytest.mark.timeout(600)]

PLAYBOOKS = Path(__file__).parent / "playbooks"
BETWEEN = PLAYBOOKS / "mark.yml"
AUTOMATION = Path(__file__).parents[2] / ".cache" / "ansible"
RECAP = re.compile(r"ok=(\d+)\s+changed=(\d+)\s+unreachable=0\s+failed=0\s+skipped=0")
SESSIONS = ("/ovirt-engine/sso/", "/ovirt-engine/services/sso-logout")
MARK = "/ovirt-engine/services/pki-resource"


@dataclass(frozen=True)
class Played:
    """A playbook that was run to its good end: the tasks that changed something, and the requests for a change."""

    changed: list[str]
    asked: list[Seen]


def test_playbooks_do_their_work_and_change_nothing_more(site: Site, tmp_path: Path) -> None:
    twice(site, tmp_path, "present")
    assert in_use(site) == {
        "networks": {"ovirtmgmt", "storage", "tenants", "far"},
        "attached": {"ovirtmgmt": "eth0", "storage": "bond0", "tenants": "eth1"},
        "vnics": {"nic1": True, "nic2": True, "nic3": True},
    }
    twice(site, tmp_path, "changed")
    sdk = site.connect()
    system = sdk.system_service()
    (network,) = system.networks_service().list(search="name=tenants")
    assert (network.mtu, network.vlan.id, network.description) == (1400, 200, "of customers")
    nics = system.hosts_service().host_service(host_id(sdk)).nics_service().list()
    assert [nic.ip.address for nic in nics if nic.name == "bond0.100"] == ["192.0.2.11"]
    sdk.close()
    assert in_use(site)["vnics"] == {"nic1": True, "nic2": False, "nic3": False}

    twice(site, tmp_path, "suspended", "stopped", "running", "plugged")
    assert in_use(site)["vnics"] == {"nic1": True, "nic2": True}
    info, notes = play(site, tmp_path, "info", "notes")
    assert info == Played([], [])
    assert len(notes.changed) == 5
    twice(site, tmp_path, "detached")
    assert in_use(site)["attached"] == {"ovirtmgmt": "eth0"}
    (profiles,) = play(site, tmp_path, "profiles_absent")
    assert len(profiles.changed) == 4
    twice(site, tmp_path, "absent")
    assert in_use(site)["networks"] == {"ovirtmgmt"}


def twice(site: Site, folder: Path, *names: str, playbooks: Path = PLAYBOOKS) -> None:
    """Run each playbook twice: first all of its tasks change something, then none does, and none asks for a change."""
    played = play(site, folder, *(name for name in names for _ in range(2)), playbooks=playbooks)
    for name, first, second in zip(names, played[::2], played[1::2], strict=True):
        tasks = re.findall(r"^    - name: (.*)$", (playbooks / f"{name}.yml").read_text(), re.MULTILINE)
        assert [task for task in tasks if task not in first.changed] == [], name
        assert second == Played([], []), name


def host_id(sdk: ovirtsdk4.Connection) -> str:
    return str(sdk.system_service().hosts_service().list(search="name=sim-1")[0].id)


def in_use(site: Site) -> dict[str, Any]:
    """The networks that there are; those on sim-1 with their NICs; the vNICs of vm1, and whether they are plugged."""
    sdk = site.connect()
    system = sdk.system_service()
    networks = {network.id: network.name for network in system.networks_service().list()}
    host = system.hosts_service().host_service(host_id(sdk))
    nics = {nic.id: nic.name for nic in host.nics_service().list()}
    machines = system.vms_service().list(search="name=vm1", follow="nics")
    found = {
        "networks": set(networks.values()),
        "attached": {
            networks[one.network.id]: nics[one.host_nic.id] for one in host.network_attachments_service().list()
        },
        "vnics": {nic.name: nic.plugged for vm in machines for nic in vm.nics},
    }
    sdk.close()
    return found


def play(site: Site, folder: Path, *names: str, playbooks: Path = PLAYBOOKS) -> list[Played]:
    """Run playbooks one after the other; in one run, as the automation takes long to begin."""
    program = AUTOMATION / "bin" / "ansible-playbook"
    assert program.exists(), "the automation is not installed: tools/install-automation does it"
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(AUTOMATION / "collections"),
        "ANSIBLE_HOME": str(folder),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "ANSIBLE_NOCOLOR": "true",
        "ANSIBLE_PIPELINING": "true",
        "ANSIBLE_PYTHON_INTERPRETER": str(AUTOMATION / "bin" / "python"),
        "OVIRT_URL": site.url,
        "OVIRT_USERNAME": USER,
        "OVIRT_PASSWORD": PASSWORD,
        "LC_ALL": "C.UTF-8",
        "no_proxy": "*",
    }
    so_far = len(site.recorder.seen)
    command = [str(program), *(str(path) for name in names for path in (playbooks / f"{name}.yml", BETWEEN))]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=400)
    recaps = RECAP.findall(done.stdout)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert len(recaps) == 2 * len(names), done.stdout
    *outputs, _ = re.split(r"^PLAY \[Mark\] \**$", done.stdout, flags=re.MULTILINE)
    changed = [[task for task, what in _tasks(output) if what.startswith("changed:")] for output in outputs]
    assert sum(map(len, changed)) == int(recaps[-1][1])  # of all so far
    return [Played(*both) for both in zip(changed, _asked(site.recorder.seen[so_far:]), strict=True)]


def _asked(seen: list[Seen]) -> list[list[Seen]]:
    """The requests for a change before each mark."""
    asked: list[list[Seen]] = [[]]
    for one in seen:
        if one.path.startswith(MARK):
            asked.append([])
        elif one.method != "GET" and not one.path.startswith(SESSIONS):
            asked[-1].append(one)
    return asked[:-1]


def _tasks(output: str) -> list[tuple[str, str]]:
    """The tasks of a run, each with what is said of it."""
    parts = re.split(r"^TASK \[(.*)\] \**$", output, flags=re.MULTILINE)
    return [(name, what.strip()) for name, what in zip(parts[1::2], parts[2::2], strict=True)]

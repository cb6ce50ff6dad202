"""The field's automation, the modules of ovirt.ovirt: each playbook does its work, and a second run changes nothing.

``make clients`` installs it (``tools/install-automation``).
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import ovirtsdk4
import pytest

from clients.conftest import USER, Site
from engine_process import PASSWORD

pytestmark = [pytest.mark.usefixtures("strict"), pytest.mark.timeout(600)]

PLAYBOOKS = Path(__file__).parent / "playbooks"
AUTOMATION = Path(__file__).parents[2] / ".cache" / "ansible"
RECAP = re.compile(r"ok=(\d+)\s+changed=(\d+)\s+unreachable=0\s+failed=0\s+skipped=0")
SESSIONS = ("/ovirt-engine/sso/", "/ovirt-engine/services/sso-logout")


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

    for state in ("suspended", "stopped", "running"):
        twice(site, tmp_path, state)

    twice(site, tmp_path, "plugged")
    assert in_use(site)["vnics"] == {"nic1": True, "nic2": True}
    assert play(site, "info", tmp_path) == []
    assert len(play(site, "notes", tmp_path)) == 5
    twice(site, tmp_path, "detached")
    assert in_use(site)["attached"] == {"ovirtmgmt": "eth0"}
    assert len(play(site, "profiles_absent", tmp_path)) == 4
    twice(site, tmp_path, "absent")
    assert in_use(site)["networks"] == {"ovirtmgmt"}


def twice(site: Site, folder: Path, name: str, playbooks: Path = PLAYBOOKS) -> None:
    """Run a playbook: first all of its tasks change something, then none does, and none asks for a change."""
    changed = play(site, name, folder, playbooks)
    tasks = re.findall(r"^    - name: (.*)$", (playbooks / f"{name}.yml").read_text(), re.MULTILINE)
    assert [task for task in tasks if task not in changed] == []
    so_far = len(site.recorder.seen)
    assert play(site, name, folder, playbooks) == []
    asked = [one for one in site.recorder.seen[so_far:] if one.method != "GET" and not one.path.startswith(SESSIONS)]
    assert asked == []


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


def play(site: Site, name: str, folder: Path, playbooks: Path = PLAYBOOKS) -> list[str]:
    """Run a playbook to its good end; the tasks that changed something."""
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
    command = [str(program), str(playbooks / f"{name}.yml")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=240)
    recap = RECAP.search(done.stdout)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert recap is not None, done.stdout
    changed = [task for task, what in _tasks(done.stdout) if what.startswith("changed:")]
    assert len(changed) == int(recap[2])
    return changed


def _tasks(output: str) -> list[tuple[str, str]]:
    """The tasks of a run, each with what is said of it."""
    parts = re.split(r"^TASK \[(.*)\] \**$", output, flags=re.MULTILINE)
    return [(name, what.strip()) for name, what in zip(parts[1::2], parts[2::2], strict=True)]

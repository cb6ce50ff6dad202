"""The engine installs the agent on a host by SSH: a real SSH server, and the real program that joins. What can break
does so at each step, and the host says where and why; done again, it does no harm.
"""

from __future__ import annotations

import io
import re
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from deployments import Deployments, deployments
from fleet import running_fleet
from netweft.core.errors import BusyError
from netweft.engine import ssh
from netweft.engine.actor import SYSTEM
from netweft.engine.commands.host_deployments import KEY_TRUSTED, add_and_deploy
from netweft.engine.commands.hosts import AddHost, UpdateHost, remove_host, update_host
from netweft.engine.db import Database, new_id
from netweft.engine.model.clusters import clusters
from netweft.engine.model.hosts import hosts
from netweft.engine.model.jobs import job_steps, jobs
from netweft.engine.model.providers import ProviderRow, providers
from netweft.engine.queries.references import Ref
from netweft.engine.settings import from_command_line
from netweft.engine.statements import add as add_row
from ssh_host import STEPS, make_package, ssh_host

pytestmark = pytest.mark.hosts

ALL_STEPS = [
    "Connecting by SSH",
    "Inspecting the host",
    "Uploading the package of the agent",
    "Installing the package of the agent",
    "Joining the host to the engine",
    "Starting the agent",
]
PASSWORD = "the password of root, nobody else's"


@pytest.fixture
def site(db: Database, tmp_path: Path) -> Iterator[Deployments]:
    with running_fleet(db, tmp_path, 1, installs=False) as fleet, deployments(fleet, tmp_path) as site:
        fleet.start_worker()
        yield site


def test_a_host_gets_its_agent_step_by_step(site: Deployments) -> None:
    host_id = site.add()
    site.joined(host_id)
    assert site.row(host_id).ssh_fingerprint == site.machine.fingerprint()
    assert KEY_TRUSTED in site.fleet.codes()
    names = [re.split(r"\s", call)[0] for call in site.machine.calls()]
    assert names == ["id", "install", "apt-get", "netweft", "systemctl"]
    secrets = re.findall(r"[0-9a-f]{64}", site.machine.calls("netweft")[0])
    assert secrets == [site.fleet.agents.authority.fingerprint], "a token is for no command line"
    with site.fleet.db.read() as tx:
        mine = sa.select(job_steps).where(job_steps.c.job_id == site.ended(host_id).job_id)
        steps = tx.execute(mine.order_by(job_steps.c.number)).all()
    assert [(row.description, row.status) for row in steps] == [(step, "finished") for step in ALL_STEPS]


def give_provider(site: Deployments, plugin_remote: str) -> None:
    """The cluster has a default provider, which wants something on hosts, or nothing."""
    row = ProviderRow(id=new_id(), name="clouds", type="ovn", url="unix:/nb.sock", plugin_remote=plugin_remote)
    with site.fleet.db.write() as tx:
        add_row(tx, providers, row)
        tx.execute(sa.update(clusters).values(provider_id=row.id))


def test_a_host_gets_what_the_provider_of_its_cluster_wants(site: Deployments) -> None:
    give_provider(site, "tcp:192.0.2.1:6642")
    site.machine.break_at("plugin", "fail")
    host_id = site.add()
    assert site.failed(host_id).error.startswith("Step 'plugin': ")
    assert not site.machine.calls("install "), "the agent comes after that, and sees it"
    site.machine.break_at("plugin", "cut")
    site.again(host_id)
    assert "Step 'plugin': The connection to 127.0.0.1" in site.failed(host_id).error
    site.again(host_id)
    site.joined(host_id)
    calls = [call for call in site.machine.calls() if call.startswith(("apt-get", "netweft"))]
    assert [re.findall("openvswitch-switch ovn-host|netweft-agent.deb|netweft", call)[-1] for call in calls] == [
        "openvswitch-switch ovn-host",
        "netweft-agent.deb",
        "netweft",
    ]
    with site.fleet.db.read() as tx:
        mine = sa.select(job_steps.c.description).where(job_steps.c.job_id == site.ended(host_id).job_id)
        steps = list(tx.scalars(mine.order_by(job_steps.c.number)))
    assert steps == [*ALL_STEPS[:2], "Installing Open vSwitch and ovn-controller", *ALL_STEPS[2:]]


def test_a_provider_that_wants_nothing_on_hosts(site: Deployments) -> None:
    give_provider(site, "")
    site.joined(site.add())
    assert len(site.machine.calls("apt-get")) == 1


def test_a_machine_is_installed_again(site: Deployments) -> None:
    host_id = site.add()
    site.joined(host_id)
    with pytest.raises(BusyError, match="something is being done with Host one"):
        site.again(host_id)
    site.fleet.stop_worker()
    with site.fleet.db.write() as tx:  # as if the installation had ended, and an administrator requested another one
        tx.execute(sa.update(jobs).where(jobs.c.kind == "install_host").values(status="failed", claimed_by=None))
        tx.execute(sa.update(hosts).where(hosts.c.id == host_id).values(status="maintenance"))
    before = site.machine.joined.read_text()
    site.fleet.start_worker()
    site.again(host_id)
    site.joined(host_id)
    assert site.machine.joined.read_text() != before


@pytest.mark.parametrize("step", list(STEPS))
def test_a_step_that_fails_is_told_with_what_the_host_said(site: Deployments, step: str) -> None:
    site.machine.break_at(step, "fail")
    host_id = site.add()
    error = site.failed(host_id).error
    assert error.startswith(f"Step '{step}': ")
    said = "what the journal has" if step == "service" else f"{STEPS[step]} is broken on this machine"
    assert said in error or (step == "look" and "not root" in error), error
    site.machine.mend()
    site.again(host_id)
    site.joined(host_id)


@pytest.mark.parametrize("step", list(STEPS))
def test_a_connection_that_is_lost_in_a_step(site: Deployments, step: str) -> None:
    site.machine.break_at(step, "cut")
    host_id = site.add()
    ended = site.failed(host_id)
    assert ended.error_code == "VDS_CANNOT_CONNECT_TO_SERVER"
    assert f"Step '{step}': The connection to 127.0.0.1 (SSH port {site.machine.port}) was lost" in ended.error
    site.again(host_id)
    site.joined(host_id)


def test_a_host_that_shows_another_key(site: Deployments) -> None:
    host_id = site.add(fingerprint="SHA256:" + 43 * "A")
    ended = site.failed(host_id)
    assert ended.error_code == "VDS_SSH_HOST_KEY_CHANGED"
    assert f"{site.machine.fingerprint()}, not SHA256:{43 * 'A'}" in ended.error
    assert "Failed" not in site.machine.log
    assert "Accepted" not in site.machine.log, "nothing may be said to it"
    site.fleet.db.run(update_host, SYSTEM, UpdateHost(id=host_id, ssh_fingerprint=site.machine.fingerprint()))
    site.again(host_id)
    site.joined(host_id)


def test_any_of_the_keys_of_a_host_may_be_known(site: Deployments) -> None:
    host_id = site.add(fingerprint=site.machine.fingerprint("ecdsa"))
    site.joined(host_id)
    assert site.row(host_id).ssh_fingerprint == site.machine.fingerprint("ecdsa")
    assert KEY_TRUSTED not in site.fleet.codes()


def test_a_host_that_does_not_let_the_engine_in(site: Deployments) -> None:
    site.machine.trust("")
    host_id = site.add()
    ended = site.failed(host_id)
    assert ended.error_code == "VDS_CANNOT_AUTHENTICATE_TO_SERVER"
    assert "refuses root login with the engine's key" in ended.error
    assert site.row(host_id).ssh_fingerprint == site.machine.fingerprint(), "known before anything was said"
    other = site.add("other", by_key=False, password=PASSWORD)
    assert "allows root login by publickey only, not with root's password" in site.failed(other).error


def test_a_password_is_gone_when_the_job_has_ended(site: Deployments, caplog: pytest.LogCaptureFixture) -> None:
    site.fleet.stop_worker()
    host_id = site.add(by_key=False, password=PASSWORD)
    assert PASSWORD not in everything(site.fleet.db)
    assert "engine_url" in everything(site.fleet.db)
    site.fleet.start_worker()
    site.failed(host_id)
    assert "engine_url" not in everything(site.fleet.db)
    assert PASSWORD not in caplog.text


def everything(db: Database) -> str:
    with db.read() as tx:
        return str([tuple(row) for row in tx.execute(sa.select(jobs))])


def test_a_machine_that_nobody_reaches(site: Deployments) -> None:
    spec = AddHost(name="away", address="127.0.0.1:9", cluster=Ref(name="Default"), ssh_port=9)
    host_id = site.fleet.db.run(add_and_deploy, SYSTEM, spec, site.way(), box=site.fleet.box)
    assert "127.0.0.1 (SSH port 9) cannot be reached: Connection refused" in site.failed(host_id).error


def test_a_machine_of_another_engine_is_left_alone(site: Deployments) -> None:
    host_id = site.add()
    site.joined(host_id)
    other = site.add("other")
    assert "The machine is Host one of this engine already." in site.failed(other).error
    authority = next((site.machine.folder / "lib" / "netweft" / "pki").glob("*/host-ca.pem"))
    authority.write_text("another engine's")
    assert f"a host of another engine ({site.engine_url})" in site.failed(site.add("third")).error
    assert len(site.machine.calls("apt-get")) == 1


def test_a_machine_of_another_system(site: Deployments) -> None:
    (site.machine.folder / "bin" / "id").write_text('#!/bin/sh\necho 0\necho "system=plan9 4"\n')
    assert "package is for Debian 12; the host runs plan9 4" in site.failed(site.add()).error


def test_a_package_that_is_gone(site: Deployments) -> None:
    assert site.fleet.agent_package is not None
    site.fleet.agent_package.unlink()
    assert "netweft-agent_1_all.deb cannot be read: No such file" in site.failed(site.add()).error


def test_a_host_that_is_removed_meanwhile(site: Deployments) -> None:
    site.machine.break_at("install", "hang")
    host_id = site.add()
    site.fleet.until(lambda: bool(site.machine.calls("apt-get")))
    site.fleet.db.run(remove_host, SYSTEM, host_id)
    site.machine.mend()
    assert site.ended(host_id).status == "failed"
    assert not site.machine.joined.exists()


def test_an_engine_that_ends_lets_another_go_on(site: Deployments) -> None:
    site.machine.break_at("install", "hang")
    host_id = site.add()
    site.fleet.until(lambda: bool(site.machine.calls("apt-get")))
    site.fleet.stop_worker()
    site.machine.mend()
    site.fleet.start_worker()
    site.joined(host_id)


@pytest.mark.parametrize("knows", [True, False])
def test_a_host_that_joined_before_a_break(site: Deployments, *, knows: bool) -> None:
    """It need not join twice; unless it does not know of it, since the engine's answer was lost on the way."""
    site.machine.break_at("service", "hang")
    host_id = site.add()
    site.fleet.until(lambda: bool(site.machine.calls("systemctl")))
    site.fleet.stop_worker()
    if not knows:
        site.machine.joined.unlink()
    site.machine.mend()
    site.fleet.start_worker()
    site.joined(host_id)
    assert len(site.machine.calls("netweft")) == (1 if knows else 2)


def test_what_a_command_says(tmp_path: Path) -> None:
    """What it says after its end counts as well; what never ends, and what never stops talking, is cut short."""
    made = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(made)], check=True)
    with ssh_host(tmp_path / "machine") as machine:
        machine.trust(made.with_suffix(".pub").read_text())
        known = machine.fingerprint()
        with ssh.connected(machine.address, machine.port, fingerprint=known, stop=threading.Event()) as line:
            line.log_in(password="", key=made.read_text())
            assert line.run("(sleep 2; echo late) &", seconds=60) == ssh.Ran(0, "late\n")
            assert line.run("echo out; echo wrong >&2; exit 3", seconds=60) == ssh.Ran(3, "out\nwrong\n")
            assert len(line.run("yes | head -c 1000000", seconds=60).output) == ssh.OUTPUT_MAX
            assert line.run("cat", seconds=60, feed=io.BytesIO(b"fed")).output == "fed"
            assert line.run("true", seconds=60, feed=io.BytesIO(bytes(10_000_000))).status == 0
            with pytest.raises(ssh.SshError, match="did not end the command in time"):
                line.run("sleep 5", seconds=1)


def test_an_engine_says_at_its_start_that_a_file_is_no_package(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other"
    other.write_text("something else")
    for path, words in ((other, "is no Debian package"), (tmp_path / "none", "cannot be read: No such file")):
        with pytest.raises(SystemExit):
            from_command_line(["--data", str(tmp_path), "--agent-package", str(path)])
        assert words in capsys.readouterr().err
    package = make_package(tmp_path)
    found = from_command_line(["--data", str(tmp_path), "--agent-package", str(package)])
    assert found.agent_package_file == package

"""Installing the agent on a host by SSH: check the host, install ovn-controller if its cluster's provider needs the
plugin, install the package, join, and start the service. The job ``install_host``, which is queued when a host joins,
does the rest.

Each step may be repeated, and the job begins with the first one after every interruption. No secret is on a command
line there: the token is passed on the input of a shell.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import json
import shlex
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import sqlalchemy as sa

from netweft.core.errors import HostError, NetweftError, NotFoundError
from netweft.engine import queue, ssh
from netweft.engine.commands.enrollments import issue_token
from netweft.engine.commands.host_deployments import pin_key
from netweft.engine.db import Tx, lock
from netweft.engine.job_context import JobContext, PostponedError
from netweft.engine.jobs.install_host import record_failure
from netweft.engine.jobs.outside import Outside
from netweft.engine.model.hosts import HostRow, hosts
from netweft.engine.model.jobs import jobs
from netweft.engine.operations.host_changes import key_of
from netweft.engine.operations.unfinished import AbandonedError
from netweft.engine.payloads import DeployAgent
from netweft.engine.queries.cluster_hosts import in_clusters
from netweft.engine.queries.hosts import plain
from netweft.engine.ssh import Line, StoppedError

_SYSTEM = "debian 12"
"""The operating system that the package is for (docs/decisions/0010)."""
_PLACE = "/var/cache/netweft/netweft-agent.deb"
"""Where the package is put on the host, in a folder that only root can write to."""
_QUICKLY, _SLOWLY = 60.0, 900.0
"""Seconds for local commands, and for those that wait for dpkg, the engine or a service."""
_ANSWER_MAX = 600
"""Characters of the host's output in an error: the end of it."""

_INSPECT = """
. /etc/os-release
echo "system=$ID $VERSION_ID"
echo "user=$(id -u)"
echo "authority=$(base64 -w 0 /var/lib/netweft/pki/current/host-ca.pem 2>/dev/null)"
echo "joined=$(base64 -w 0 /var/lib/netweft/enrollment.json 2>/dev/null)"
"""
_APT = """
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
install() {
  apt-get install --yes --no-install-recommends -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold \\
    "$@" </dev/null
}
"""
_PLUGIN = f"""
{_APT}
plugin() {{ install --no-upgrade openvswitch-switch ovn-host; }}
dpkg --configure --pending </dev/null || exit 1
plugin || {{ apt-get update </dev/null && plugin; }}
"""
"""Installed packages are not upgraded. This runs before the agent is installed, which detects the host's capabilities
at its start and configures ovn-controller. Package lists that are missing or outdated are fetched.
"""
_INSTALL = f"""
{_APT}
agent() {{ install --reinstall --allow-downgrades {_PLACE}; }}
agent || {{ dpkg --configure --pending </dev/null && agent; }} || exit 1
rm -f {_PLACE}
"""
"""A dpkg run that was interrupted is completed first."""
_ENABLE = """
systemctl enable --now netweft-agent && exit 0
journalctl --unit netweft-agent --lines 20 --no-pager
exit 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """The result of inspecting a host. ``authority``, ``engine``, ``host_id``: of the engine that its agent has joined,
    empty when it has joined none.
    """

    system: str
    user: str
    authority: str
    engine: str
    host_id: str

    @classmethod
    def of(cls, output: str) -> _Found:
        """Parses the output of :data:`_INSPECT`. Raises HostError when it is invalid."""
        lines = dict(line.split("=", 1) for line in output.splitlines() if "=" in line)
        try:
            authority = base64.b64decode(lines["authority"]).decode()
            joined = json.loads(base64.b64decode(lines["joined"]) or "{}")
            return cls(
                system=lines["system"],
                user=lines["user"],
                authority=authority,
                engine=str(joined.get("engine", "")),
                host_id=str(joined.get("host_id", "")),
            )
        except (KeyError, ValueError, AttributeError, binascii.Error) as error:
            raise HostError(f"The host's answer is invalid: {_end_of(output)}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Deployment:
    """The job, the host, and what the steps need. ``wants_plugin``: whether its cluster's provider needs the plugin."""

    job: JobContext
    outside: Outside
    host: HostRow
    payload: DeployAgent
    package: Path
    wants_plugin: bool

    def run(self, line: Line, command: str, *, seconds: float, feed: BinaryIO | None = None) -> str:
        """The output of a command. Raises HostError when it fails, StoppedError."""
        with self.job.waiting():
            ran = line.run(command, seconds=seconds, feed=feed)
        if ran.status:
            raise HostError(f"The command failed with status {ran.status}: {_end_of(ran.output)}")
        return ran.output


def run(outside: Outside, job: JobContext) -> None:
    """The job ``deploy_agent``. Raises HostError; the host is then in status install_failed, with the reason."""
    payload = DeployAgent.of(job.job)
    with job.db.read() as tx:
        row = plain(tx, payload.host_id)
        wants_plugin = any(one.plugin for one in in_clusters(tx, (payload.host_id,)))
    try:
        if job.only_asks:
            raise AbandonedError(job.job.attempts)
        if outside.agent_package is None:
            raise HostError("This engine has no agent package (--agent-package). Start one that has.")
        package = outside.agent_package
        work = _Deployment(
            job=job, outside=outside, host=row, payload=payload, package=package, wants_plugin=wants_plugin
        )
        _deploy(work)
    except StoppedError as error:
        raise PostponedError from error
    except NetweftError as error:
        if not isinstance(error, queue.LostError | NotFoundError):
            job.write(_record_failure, payload.host_id, error)
        raise


def _deploy(work: _Deployment) -> None:
    with ExitStack() as stack:
        with _step(work, "connect", "Connecting by SSH"):
            line = stack.enter_context(_connected(work))
        with _step(work, "look", "Inspecting the host"):
            found = _inspect(work, line)
        if work.wants_plugin:
            with _step(work, "plugin", "Installing Open vSwitch and ovn-controller"):
                work.run(line, _PLUGIN, seconds=_SLOWLY)
        with _step(work, "upload", "Uploading the package of the agent"):
            _upload(work, line)
        with _step(work, "install", "Installing the package of the agent"):
            work.run(line, _INSTALL, seconds=_SLOWLY)
        with _step(work, "join", "Joining the host to the engine"):
            _join(work, line, found)
        with _step(work, "service", "Starting the agent"):
            work.run(line, _ENABLE, seconds=_SLOWLY)


@contextmanager
def _step(work: _Deployment, name: str, description: str) -> Iterator[None]:
    """A step of the job, shown to users; errors in it name the step."""
    with work.job.step(description):
        try:
            yield
        except queue.LostError:
            raise
        except HostError as error:
            raise HostError(f"Step '{name}': {error.text}", code=error.code) from error


@contextmanager
def _connected(work: _Deployment) -> Iterator[Line]:
    """A connection as root. A host key that is trusted on first use is stored before the password is sent."""
    name = urlsplit(f"//{work.host.address}").hostname or ""
    box, password = work.outside.box, work.payload.password
    fingerprint = work.host.ssh_fingerprint
    with ExitStack() as stack:
        with work.job.waiting():
            line = stack.enter_context(
                ssh.connected(name, work.host.ssh_port, fingerprint=fingerprint, stop=work.job.stop)
            )
        if not fingerprint:
            work.job.write(_pin, work.host.id, line.fingerprint)
        with work.job.waiting():
            key = work.outside.agents.authority.ssh.private_key
            line.log_in(password=box.decrypt(password) if password else "", key=key)
        yield line


def _pin(tx: Tx, job: JobContext, host_id: str, fingerprint: str) -> None:
    pin_key(tx, job.job.actor, host_id, fingerprint)


def _inspect(work: _Deployment, line: Line) -> _Found:
    """Inspects the host. Raises HostError when the agent cannot run there, or the machine is another host already."""
    found = _Found.of(work.run(line, _INSPECT, seconds=_QUICKLY))
    if found.user != "0":
        raise HostError(f"The engine is logged in there with user ID {found.user}, not as root.")
    if found.system != _SYSTEM:
        raise HostError(f"The agent's package is for {_SYSTEM.title()}; the host runs {found.system}.")
    if not found.host_id:
        return found
    if found.authority != work.outside.agents.authority.certificate:
        raise HostError(
            f"The machine is a host of another engine ({found.engine}). Remove it there and run 'netweft agent"
            " --leave' on it first."
        )
    if found.host_id != work.host.id:
        with work.job.db.read() as tx:
            other = tx.execute(sa.select(hosts.c.name).where(hosts.c.id == found.host_id)).scalar()
        if other:
            raise HostError(f"The machine is Host {other} of this engine already.")
    return found


def _upload(work: _Deployment, line: Line) -> None:
    folder = _PLACE.rpartition("/")[0]
    try:
        file = work.package.open("rb")
    except OSError as error:
        raise HostError(f"The agent's package {work.package} cannot be read: {error.strerror}.") from error
    with file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
        put = f"install -d -m 0755 {folder} && cat >{_PLACE} && echo '{digest}  {_PLACE}' | sha256sum --check --quiet"
        work.run(line, put, seconds=_SLOWLY, feed=file)


def _join(work: _Deployment, line: Line, found: _Found) -> None:
    """Join the host, unless it joined before an interruption: then its installation waits for the end of this job."""
    with work.job.db.read() as tx:
        has_joined = tx.execute(_installations(work.host.id)).first() is not None
    is_ours = found.authority == work.outside.agents.authority.certificate and found.host_id == work.host.id
    if has_joined and is_ours:
        return
    token = work.job.write(_issue, work.host.id)
    engine, fingerprint = shlex.quote(work.payload.engine_url), work.outside.agents.authority.fingerprint
    command = (
        "IFS= read -r NETWEFT_ENROLL_TOKEN && export NETWEFT_ENROLL_TOKEN &&"
        f" netweft agent --enroll {engine} --ca-fingerprint {fingerprint} --join-only </dev/null"
    )
    work.run(line, command, seconds=_SLOWLY, feed=io.BytesIO(f"{token}\n".encode()))


def _issue(tx: Tx, _job: JobContext, host_id: str) -> str:
    """An enrollment token for the host. Cancels the installation of an earlier join that the host has not stored."""
    lock(tx, hosts, host_id)  # it may have been removed meanwhile
    _cancel_installations(tx, host_id, "The host joins again.")
    return issue_token(tx, host_id)


def _installations(host_id: str) -> sa.Select[Any]:
    """The ``install_host`` jobs that wait for the end of this one."""
    waiting = sa.and_(jobs.c.kind == "install_host", jobs.c.status == queue.Status.STARTED)
    return sa.select(jobs.c.id).where(waiting, jobs.c.lock_key == key_of(host_id))


def _cancel_installations(tx: Tx, host_id: str, reason: str) -> None:
    for waiting in tx.scalars(_installations(host_id)).all():
        queue.abandon(tx, waiting, reason)


def _record_failure(tx: Tx, job: JobContext, host_id: str, error: NetweftError) -> None:
    """Also cancels the installation that is queued when the host joined before this job failed."""
    lock(tx, hosts, host_id)
    _cancel_installations(tx, host_id, error.text)
    record_failure(tx, job, host_id, error)


def _end_of(output: str) -> str:
    """The end of a host's output, for an error."""
    text = output.strip()
    return text if len(text) <= _ANSWER_MAX else f"... {text[-_ANSWER_MAX:]}"

"""A real Neutron on a real OVN: the API server alone, without Keystone, under uWSGI, with a MariaDB of its own.

It is installed separately (tools/install-neutron). The database with all its tables is created once and kept in .cache.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal

from engine_process import free_port
from netweft.lab.processes import Process, end, run
from processes import children
from providers.mariadb import MariaDB
from providers.ovn import PHYSICAL_NETWORK, Central
from providers.service import Service
from waiting import PATIENCE, until

ROOT = Path(__file__).resolve().parents[2]
INSTALLED = ROOT / ".cache" / "neutron"
"""Where tools/install-neutron puts it."""
TABLES = ROOT / ".cache" / "neutron-tables"
"""A data folder of MariaDB with all of Neutron's tables and no rows."""
PROJECT = "netweft"
"""The project of all objects. Without Keystone every body has to contain it."""
_LOADED = "WSGI app 0 (mountpoint='') ready"
"""The line that uWSGI logs when its process answers. It ignores a request to end before that."""

_NEUTRON = """\
[DEFAULT]
core_plugin = ml2
service_plugins =
auth_strategy = noauth
api_paste_config = {installed}/etc/neutron/api-paste.ini
state_path = {folder}
transport_url = fake://
rpc_workers = 0
notify_nova_on_port_status_changes = false
notify_nova_on_port_data_changes = false
pagination_max_limit = {page}
[oslo_messaging_notifications]
driver = noop
[oslo_policy]
policy_file = {folder}/policy.yaml
[oslo_concurrency]
lock_path = {folder}/locks
[quotas]
default_quota = -1
quota_network = -1
quota_subnet = -1
quota_port = -1
quota_security_group = -1
quota_security_group_rule = -1
[database]
connection = {database}
"""

_ML2 = """\
[ml2]
type_drivers = flat,vlan,geneve
project_network_types = geneve
mechanism_drivers = ovn
extension_drivers = port_security
overlay_ip_version = 4
[ml2_type_flat]
flat_networks = *
[ml2_type_vlan]
network_vlan_ranges = {physical}:100:4000
[ml2_type_geneve]
vni_ranges = 1:65536
max_header_size = 38
[securitygroup]
enable_security_group = true
[ovn]
ovn_nb_connection = {northbound}
ovn_sb_connection = {southbound}
ovn_metadata_enabled = false
neutron_sync_mode = off
"""

_SERVICE_RIGHTS = """\
"create_port_binding": "@"
"delete_port_binding": "@"
"activate": "@"
"""
"""The rights of the role ``service`` beyond an administrator's: a port on a second host."""

_UWSGI = """\
[uwsgi]
http-socket = {listen}
module = neutron.wsgi.api:application
master = true
processes = 1
enable-threads = true
lazy-apps = true
need-app = true
die-on-term = true
no-orphans = true
buffer-size = 65535
start-time = %t
worker-reload-mercy = 5
add-header = Connection: close
"""
"""OVN's driver shares its work among the processes with the same time of start. A connection serves one request: there
is one at a time, and a persistent one would block all others.
"""


class Neutron(Service):
    """The API server. As a context manager it runs. ``url``: the root of its API. ``page``: the most that one answer
    lists.
    """

    def __init__(self, folder: Path, database: str, central: Central, *, page: int) -> None:
        self.listen = f"127.0.0.1:{free_port('127.0.0.1')}"
        self.url = f"http://{self.listen}"
        self._folder = folder
        self._log = folder / "neutron.log"
        self._loaded = 0
        self._process: subprocess.Popen[bytes] | None = None
        ovn = {"northbound": central.northbound, "southbound": central.southbound, "physical": PHYSICAL_NETWORK}
        _write_configuration(folder, database, page=page)
        (folder / "ml2.ini").write_text(_ML2.format(**ovn))
        self.have_role("service")
        (folder / "uwsgi.ini").write_text(_UWSGI.format(listen=self.listen))

    @property
    def log(self) -> str:
        """Its log: the only place with the reason why a port was not bound."""
        return self._log.read_text() if self._log.exists() else ""

    def have_role(self, role: Literal["service", "admin"]) -> None:
        """Give all requests the rights of an administrator, or also those of OpenStack's services."""
        (self._folder / "policy.yaml").write_text(_SERVICE_RIGHTS if role == "service" else "{}\n")

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._loaded = self.log.count(_LOADED) + 1
        command = [INSTALLED / "bin" / "uwsgi", "--ini", self._folder / "uwsgi.ini"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=_environment(self._folder)
            )
        until(self._answers, "Neutron")

    def stop(self) -> None:
        """Ask it to end, also if it hangs, and wait."""
        if self._process is not None:
            processes = self._processes()
            self.send(signal.SIGCONT)
            self._process.send_signal(signal.SIGTERM)
            self._await_end(processes)

    def kill(self) -> None:
        """Kill it. It is stopped first, or its master would start a new process for an ended one."""
        self.send(signal.SIGSTOP)
        processes = self._processes()
        self.send(signal.SIGKILL)
        self._await_end(processes)

    def send(self, number: int) -> None:
        """A signal to its processes: SIGSTOP makes it hang, SIGCONT go on."""
        for process in self._processes():
            process.send(number)

    def _await_end(self, processes: Sequence[Process]) -> None:
        """Wait until none of them is left, so that its port is free. Raises TimeoutExpired."""
        assert self._process is not None
        try:
            self._process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise
        finally:
            end(processes)
            self._process = None

    def _processes(self) -> list[Process]:
        assert self._process is not None, "Neutron has not been started"
        master = Process.of(self._process.pid)
        if master is None:
            return []
        return [master, *children(master.pid)]

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"Neutron ended:\n{self.log}"
        return self.log.count(_LOADED) >= self._loaded


@contextmanager
def neutron(central: Central, *, page: int = 10) -> Iterator[Neutron]:
    """A Neutron on an OVN, with nothing in it, until the block ends. ``page``: the most that one answer lists."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nl")))
        with _one_at_a_time():
            shutil.copytree(_tables(), folder / "data")
        database = stack.enter_context(MariaDB(folder, "neutron"))
        yield stack.enter_context(Neutron(folder, database.url, central, page=page))


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Several processes run tests, and each needs the tables."""
    with (INSTALLED.parent / "neutron-tables.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _tables() -> Path:
    """A data folder with the tables of the installed Neutron, created if there is none."""
    state = hashlib.sha256((INSTALLED / "installed").read_bytes())
    state.update(run(["mariadbd", "--version"]).encode())
    stamp, data = TABLES / state.hexdigest(), TABLES / "data"
    if not stamp.exists():
        shutil.rmtree(TABLES, ignore_errors=True)
        TABLES.mkdir(parents=True)
        with tempfile.TemporaryDirectory(prefix="nl") as name:
            folder = Path(name)
            with MariaDB(folder, "neutron") as database:
                _write_configuration(folder, database.url, page=-1)
                manage = [str(INSTALLED / "bin" / "neutron-db-manage"), "--config-file", str(folder / "neutron.conf")]
                run([*manage, "upgrade", "heads"], timeout=240.0, env=_environment(folder))
            shutil.copytree(database.data, data)
        stamp.touch()
    return data


def _write_configuration(folder: Path, database: str, *, page: int) -> None:
    written = _NEUTRON.format(installed=INSTALLED, folder=folder, database=database, page=page)
    (folder / "neutron.conf").write_text(written)


def _environment(folder: Path) -> Mapping[str, str]:
    """Temporary files are in the folder too: Neutron leaves one for each process that starts it."""
    own = {
        "OS_NEUTRON_CONFIG_DIR": str(folder),
        "OS_NEUTRON_CONFIG_FILES": "neutron.conf;ml2.ini",
        "TMPDIR": str(folder),
    }
    return {**os.environ, **own}

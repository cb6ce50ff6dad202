"""The real OVN, without a Neutron: prerequisites of the tests of providers."""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Iterator

import pytest
from ovsdbapp.backend.ovs_idl import connection
from ovsdbapp.schema.ovn_northbound.impl_idl import OvnNbApiIdlImpl

from netweft.lab.processes import LabError, run
from processes import running
from providers.faults import CLOSE, HANG, LOSE, LOSE_AND_HANG, Fault
from providers.guests import guest, reach_each_other
from providers.ovn import Ovn
from providers.ovsdb_faults import FaultyDatabase, refusal
from waiting import PATIENCE, until

_MADE = ("Logical_Switch", "DHCP_Options")
"""The tables whose rows are not only parts of others."""


def northbound(address: str) -> OvnNbApiIdlImpl:
    """The northbound database at an address. Of the class itself there would be one in a process, whatever the
    address: it keeps its first connection.
    """
    own = type("Northbound", (OvnNbApiIdlImpl,), {"_ovsdb_connection": None})
    idl = connection.OvsdbIdl.from_server(address, "OVN_Northbound")
    return own(connection.Connection(idl, timeout=PATIENCE))


@pytest.fixture(params=["northbound", "address"])
def api(ovn: Ovn, request: pytest.FixtureRequest) -> Iterator[OvnNbApiIdlImpl]:
    api = northbound(getattr(ovn.central, request.param))
    yield api
    left = [name for name, table in api.tables.items() if name in _MADE and table.rows]
    for name in left:
        for row in list(api.tables[name].rows):
            api.db_destroy(name, row).execute(check_error=True)
    api.ovsdb_connection.stop()
    assert left == []


def test_two_guests_on_two_chassis_get_addresses_and_ping_each_other(ovn: Ovn, api: OvnNbApiIdlImpl) -> None:
    api.ls_add("net").execute(check_error=True)
    given = {"server_id": "10.1.0.1", "server_mac": "02:00:00:00:00:01", "lease_time": "3600"}
    given |= {"router": "10.1.0.1", "mtu": "1342", "dns_server": "10.1.0.53", "domain_name": '"lab.test"'}
    options = api.dhcp_options_add("10.1.0.0/24").execute(check_error=True).uuid
    api.dhcp_options_set_options(options, **given).execute(check_error=True)
    macs = {"h1": "02:00:00:00:01:01", "h2": "02:00:00:00:01:02"}
    for number, (host, mac) in enumerate(macs.items(), start=11):
        api.lsp_add("net", f"port-{host}").execute(check_error=True)
        api.lsp_set_addresses(f"port-{host}", [f"{mac} 10.1.0.{number}"]).execute(check_error=True)
        api.lsp_set_dhcpv4_options(f"port-{host}", options).execute(check_error=True)
    with (
        guest(ovn.chassis["h1"], "port-h1", macs["h1"]) as one,
        guest(ovn.chassis["h2"], "port-h2", macs["h2"]) as two,
    ):
        for host in macs:
            until(lambda host=host: api.lsp_get_up(f"port-{host}").execute(), f"port-{host} up")  # type: ignore[misc]
        leases = [one.lease(), two.lease()]
        assert leases[0] == {
            "ip": "10.1.0.11",
            "mask": "24",
            "mtu": "1342",
            "router": "10.1.0.1",
            "dns": "10.1.0.53",
            "domain": "lab.test",
        }
        reach_each_other((one, leases[0]["ip"]), (two, leases[1]["ip"]))
    api.ls_del("net").execute(check_error=True)
    api.dhcp_options_del(options).execute(check_error=True)


def test_central_keeps_its_data_when_it_is_killed_and_restarted(ovn: Ovn) -> None:
    ovn.central.nbctl("ls-add", "net")
    ovn.central.kill()
    host, _, port = ovn.central.address.removeprefix("tcp:").partition(":")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)))
    ovn.central.start()
    assert switches(ovn) == ["net"]
    ovn.central.nbctl("--wait=hv", "ls-del", "net")  # until both chassis have the port
    assert switches(ovn) == []


@pytest.fixture
def database(ovn: Ovn) -> Iterator[FaultyDatabase]:
    with FaultyDatabase(ovn.central.address) as database:
        yield database


def switches(ovn: Ovn) -> list[str]:
    return ovn.central.nbctl("--bare", "--columns=name", "list", "Logical_Switch").split()


@pytest.mark.parametrize(
    ("fault", "acts"), [(refusal(), False), (CLOSE, False), (HANG, False), (LOSE, True), (LOSE_AND_HANG, True)]
)
def test_faults_between_client_and_northbound(ovn: Ovn, database: FaultyDatabase, fault: Fault, *, acts: bool) -> None:
    command = ["ovn-nbctl", "--timeout=20", f"--db={database.address}"]
    run([*command, "ls-add", "before"])
    rule = database.fail("transact .*second", fault, times=1000)  # the client retries
    with running([*command, "ls-add", "second"], stderr=subprocess.PIPE) as adding:
        until(lambda: rule.met, "the transaction")
        if acts:
            until(lambda: "second" in switches(ovn), "the effect of the transaction")
        adding.terminate()
        adding.communicate(timeout=PATIENCE)
    assert adding.returncode != 0
    assert sorted(switches(ovn)) == ["before", "second"][: 1 + acts]
    database.mend()
    run([*command, "--if-exists", "ls-del", "second", "--", "ls-del", "before"])
    assert switches(ovn) == []


def test_central_hangs_and_continues(ovn: Ovn) -> None:
    ovn.central.send(signal.SIGSTOP)
    with pytest.raises(LabError):
        run(["ovn-nbctl", "--timeout=1", f"--db={ovn.central.northbound}", "show"])
    ovn.central.send(signal.SIGCONT)
    assert switches(ovn) == []

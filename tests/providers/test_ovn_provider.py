"""OVN as a provider: its databases, their addresses, and its chassis."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from netweft.providers.contract import Account, BindingError, LoginError, NetworkProvider, ProviderError, RefusedError
from netweft.providers.ovn import addresses, connect
from netweft.providers.ovn_api import NETWORK_MARK
from providers.faults import LONGEST, Fault
from providers.kit import network_spec, port_spec, subnet_spec
from providers.ovn import PHYSICAL_NETWORK, Ovn
from providers.ovsdb_faults import FaultyDatabase, refusal
from waiting import until

BESIDE = "tcp:a:6642"


@pytest.mark.parametrize(
    ("url", "northbound", "southbound"),
    [
        ("tcp:a:6641", "tcp:a:6641", BESIDE),
        ("tcp:a:6641,tcp:b:6641", "tcp:a:6641,tcp:b:6641", "tcp:a:6642,tcp:b:6642"),
        ("unix:/run/ovn/ovnnb_db.sock", "unix:/run/ovn/ovnnb_db.sock", "unix:/run/ovn/ovnsb_db.sock"),
        ("unix:/n?southbound=tcp:a:1,tcp:b:1", "unix:/n", "tcp:a:1,tcp:b:1"),
    ],
)
def test_valid_urls_of_databases(url: str, northbound: str, southbound: str) -> None:
    assert addresses(url) == (northbound, southbound)


@pytest.mark.parametrize("url", ["tcp:a:7777", "http://a", "tcp:a:6641?x=y", "tcp:a:1?southbound=", "ssl:a:6641"])
def test_invalid_urls_of_databases(url: str) -> None:
    with pytest.raises(ProviderError):
        addresses(url)


def account(ovn: Ovn, timeout: float = 60.0, address: str = "") -> Account:
    return Account(url=f"{address or ovn.central.address}?southbound={ovn.central.southbound}", timeout=timeout)


@pytest.fixture
def provider(ovn: Ovn) -> Iterator[NetworkProvider]:
    with connect(account(ovn)) as provider:
        yield provider


def test_two_systems_in_one_process_are_independent(ovn: Ovn, provider: NetworkProvider) -> None:
    nobody = Account(url="tcp:127.0.0.1:1?southbound=tcp:127.0.0.1:1", timeout=0.5)
    provider.test()
    with connect(nobody) as other, pytest.raises(ProviderError):
        other.test()
    with connect(account(ovn)) as other:
        other.test()


@pytest.mark.parametrize("remote", ["tcp:127.0.0.1:1", "tcp:127.0.0.1:1,tcp:127.0.0.1:2", "unix:/nowhere/nb.sock"])
def test_a_refused_connection_is_reported_at_once(remote: str) -> None:
    began = time.monotonic()
    with (
        connect(Account(url=f"{remote}?southbound={remote}", timeout=100.0)) as provider,
        pytest.raises(
            ProviderError, match=f"the database at {remote} cannot be connected to: (Connection refused|No such file)"
        ),
    ):
        provider.test()
    assert time.monotonic() - began < 50


@pytest.mark.parametrize("request_of", ["^get_schema", "^monitor", "^transact"])
def test_an_endless_answer_times_out(ovn: Ovn, request_of: str) -> None:
    began = time.monotonic()
    with FaultyDatabase(ovn.central.address) as database:
        database.fail(request_of, Fault(kind="trickle"), times=100)
        with (
            connect(account(ovn, 2.0, database.address)) as provider,
            pytest.raises(ProviderError, match="did not answer for 2 seconds"),
        ):
            provider.networks()
    assert time.monotonic() - began < LONGEST / 4


def test_a_database_of_another_schema_is_reported_at_once(ovn: Ovn) -> None:
    north, south = ovn.central.northbound, ovn.central.southbound
    for url, reason in (
        (f"{north}?southbound={ovn.central.address}", "is not OVN_Southbound, but OVN_Northbound"),
        (f"{south}?southbound={south}", "is not OVN_Northbound, but OVN_Southbound"),
    ):
        began = time.monotonic()
        with (
            connect(Account(url=url, timeout=100.0)) as provider,
            pytest.raises(ProviderError, match=reason),
        ):
            provider.test()
        assert time.monotonic() - began < 50


def test_databases_have_no_users(ovn: Ovn) -> None:
    with (
        pytest.raises(LoginError),
        connect(Account(url=ovn.central.northbound, requires_authentication=True)) as provider,
    ):
        provider.test()


def test_a_hanging_and_a_killed_database_are_reported_and_recover(ovn: Ovn) -> None:
    spec = network_spec()
    with connect(account(ovn, timeout=2.0)) as provider:
        provider.test()
        ovn.central.send(signal.SIGSTOP)
        with pytest.raises(ProviderError, match="did not answer for 2 seconds"):
            provider.ensure_network(spec)
        with connect(account(ovn, timeout=2.0)) as late, pytest.raises(ProviderError, match="did not answer"):
            late.networks()
        ovn.central.send(signal.SIGCONT)
    with connect(account(ovn)) as provider:
        made = provider.ensure_network(spec)
        assert [one.id for one in provider.networks()] == [made.id]
        ovn.central.kill()
        with connect(account(ovn, timeout=1.0)) as late, pytest.raises(ProviderError, match="cannot be reached"):
            late.networks()
        ovn.central.start()
        assert provider.networks() == [made]  # on a connection of its own accord
        provider.remove_network(spec.id)
        until(lambda: all(host.is_alive for host in provider.hosts()), "the chassis")


def test_ports_are_served_by_the_subnets_of_their_addresses(ovn: Ovn, provider: NetworkProvider) -> None:
    spec = network_spec()
    network = provider.ensure_network(spec)
    four, six = subnet_spec(network), subnet_spec(network, "2001:db8::/64", gateway="")
    provider.ensure_subnet(four)
    port = port_spec(network)
    provider.ensure_port(port)
    provider.ensure_subnet(six)
    assert served(ovn, port.id) == [True, False]
    provider.ensure_port(replace(port, addresses=("192.0.2.7", "2001:db8::7")))
    assert served(ovn, port.id) == [True, True]
    provider.ensure_subnet(replace(four, dhcp=False))
    assert served(ovn, port.id) == [False, True]
    provider.ensure_port(replace(port, addresses=("192.0.2.7",)))
    assert served(ovn, port.id) == [False, False]
    provider.ensure_subnet(four)
    assert served(ovn, port.id) == [True, False]
    provider.remove_port(port.id)
    provider.remove_network(spec.id)


def served(ovn: Ovn, port: str) -> list[bool]:
    """Whether a port has DHCP options for IPv4, and for IPv6."""
    columns = ("dhcpv4_options", "dhcpv6_options")
    return [ovn.central.nbctl("get", "Logical_Switch_Port", port, column).strip() != "[]" for column in columns]


@pytest.mark.parametrize("vlan", [None, 123])
def test_a_switch_without_our_mark_is_foreign(ovn: Ovn, provider: NetworkProvider, vlan: int | None) -> None:
    spec = replace(network_spec(), physical_network=PHYSICAL_NETWORK, vlan_id=vlan)
    theirs = provider.ensure_network(spec)
    ovn.central.nbctl("remove", "Logical_Switch", theirs.id, "external_ids", f'"{NETWORK_MARK}"')
    made = provider.ensure_network(replace(spec, name="other"))
    assert (made.physical_network, made.vlan_id) == (PHYSICAL_NETWORK, vlan)
    assert provider.networks() == [replace(theirs, owner=""), made]
    ovn.central.nbctl("ls-del", theirs.id)
    assert provider.ensure_network(replace(spec, name="other")) == made
    provider.remove_network(spec.id)


def test_a_refusal_of_a_database_is_a_sentence(ovn: Ovn) -> None:
    with FaultyDatabase(ovn.central.address) as database, connect(account(ovn, address=database.address)) as provider:
        database.fail("^transact .*insert", refusal())
        with pytest.raises(RefusedError) as caught:
            provider.ensure_network(network_spec())
    assert caught.value.text == "The provider refused: constraint violation: told to fail."


def test_a_dead_chassis_is_not_alive(ovn: Ovn, provider: NetworkProvider) -> None:
    ovn.central.sbctl("chassis-add", "gone", "geneve", "10.99.0.99", "--", "set", "Chassis", "gone", "hostname=gone")
    try:
        assert {host.name: host.is_alive for host in provider.hosts()} == {"gone": False, "h1": True, "h2": True}
    finally:
        ovn.central.sbctl("chassis-del", "gone")


def test_two_chassis_with_one_host_name_are_refused(ovn: Ovn, provider: NetworkProvider) -> None:
    spec = network_spec()
    port = port_spec(provider.ensure_network(spec))
    provider.ensure_port(port)
    name_chassis(ovn, "h1")
    try:
        with pytest.raises(BindingError, match="several chassis with the name h1"):
            provider.bind_port(port.id, "h1")
    finally:
        name_chassis(ovn, "h2")
    assert provider.bind_port(port.id, "h1").host == "h1"
    provider.remove_port(port.id)
    provider.remove_network(spec.id)


def name_chassis(ovn: Ovn, name: str) -> None:
    """Give the second chassis a host name, and wait until that is known."""
    ovn.chassis["h2"].switch.vsctl("set", "Open_vSwitch", ".", f"external_ids:hostname={name}")
    until(lambda: ovn.central.chassis() == ["h1", name], "the host name")


def test_a_chassis_without_the_physical_network_is_refused(provider: NetworkProvider) -> None:
    spec = replace(network_spec(), physical_network="nowhere")
    port = port_spec(provider.ensure_network(spec))
    provider.ensure_port(port)
    with pytest.raises(BindingError, match="no bridge for the physical network nowhere"):
        provider.bind_port(port.id, "h1")
    provider.remove_port(port.id)
    provider.remove_network(spec.id)

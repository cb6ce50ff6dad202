"""Steps that are not the kernel's nor Open vSwitch's (DHCP clients, the resolver), and what others do to those."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from contract.namespaces import current_networking, in_fresh_namespace, make_nic, new_networking
from netweft.agent.resolver import Resolver
from netweft.core.host import Bridge
from netweft.core.steps import CreateLink, DeleteLink, SetAutoconf, SetDhcp, SetDns, SetUp

if TYPE_CHECKING:
    from pathlib import Path

    from netweft.agent.machine import MachineNetworking
    from netweft.core.steps import Step

NICS = {"eth0": "02:00:00:00:00:f0"}


def do(networking: MachineNetworking, *steps: Step) -> None:
    networking.execute(steps, lambda _done: None)


def test_a_dhcp_client_is_found_again_by_the_next_agent_and_ends_when_told(tmp_path: Path) -> None:
    in_fresh_namespace(partial(_dhcp_client, tmp_path))


def _dhcp_client(folder: Path) -> None:
    do(new_networking(folder, NICS), SetUp("eth0", up=True), SetDhcp("eth0", dhcp4=True, dhcp6=False))
    after_restart = current_networking(folder)
    nic = after_restart.observe().nics["eth0"]
    assert (nic.dhcp4, nic.dhcp6) == (True, False)
    do(after_restart, SetDhcp("eth0", dhcp4=True, dhcp6=True))
    assert after_restart.observe().nics["eth0"].dhcp6
    do(after_restart, SetDhcp("eth0", dhcp4=False, dhcp6=False))
    nic = after_restart.observe().nics["eth0"]
    assert (nic.dhcp4, nic.dhcp6) == (False, False)
    assert not list((folder / "dhcp").glob("*.client"))


def test_the_dhcp_client_of_a_removed_link_ends(tmp_path: Path) -> None:
    in_fresh_namespace(partial(_removed_link, tmp_path))


def _removed_link(folder: Path) -> None:
    networking = new_networking(folder, {})
    do(
        networking,
        CreateLink(Bridge(name="br0", owner="n1")),
        SetUp("br0", up=True),
        SetDhcp("br0", dhcp4=True, dhcp6=False),
    )
    do(networking, DeleteLink("br0"))
    make_nic("br0", "02:00:00:00:00:01", far="far")
    assert not networking.observe().nics["br0"].dhcp4


def test_advertisements_are_accepted_when_asked_for_and_by_no_new_link(tmp_path: Path) -> None:
    in_fresh_namespace(partial(_autoconf, tmp_path))


def _autoconf(folder: Path) -> None:
    networking = new_networking(folder, {})
    do(networking, CreateLink(Bridge(name="br0", owner="n1")), SetUp("br0", up=True))
    assert not networking.observe().bridges["br0"].autoconf
    do(networking, SetAutoconf("br0", on=True))
    assert networking.observe().bridges["br0"].autoconf


def test_the_resolver_file_is_ours_until_it_is_handed_back(tmp_path: Path) -> None:
    in_fresh_namespace(partial(_resolver_file, tmp_path))


def _resolver_file(folder: Path) -> None:
    path = folder / "resolv.conf"
    path.write_text("search example.net\nnameserver 192.0.2.1\n")
    networking = current_networking(folder)
    assert networking.observe().dns is None
    do(networking, SetDns(("192.0.2.53", "2001:db8::53")))
    do(networking, SetDns(("192.0.2.54",)))
    assert networking.observe().dns == ("192.0.2.54",)
    assert "search example.net\n" in path.read_text()
    do(networking, SetDns(None))
    assert path.read_text() == "search example.net\nnameserver 192.0.2.1\n"


@pytest.mark.parametrize("kind", ["missing", "symlink"])
def test_what_was_no_file_is_handed_back_as_it_was(tmp_path: Path, kind: str) -> None:
    resolver = Resolver(path=tmp_path / "resolv.conf", saved=tmp_path / "found")
    if kind == "symlink":
        resolver.path.symlink_to("../run/stub-resolv.conf")
    resolver.write(("192.0.2.53",))
    assert resolver.path.is_file()
    assert not resolver.path.is_symlink()
    resolver.write(None)
    assert resolver.path.is_symlink() == (kind == "symlink")
    assert not resolver.path.exists()

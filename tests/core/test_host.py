"""The small questions that a Host, an address, a route and an error answer themselves."""

from __future__ import annotations

from core.strategies import machine
from hosts import without_link
from netweft.core.errors import NetweftError, Problem, ValidationError
from netweft.core.host import Address, Bond, Chassis, Host, Nic, OvsPort, Route
from netweft.core.protocol import Phase
from netweft.core.rules import check


def test_addresses_and_routes() -> None:
    address = Address(ip="2001:db8::5", prefix=64)
    assert (address.version, address.network, str(address)) == (6, "2001:db8::/64", "2001:db8::5/64")
    assert (Route(to="0.0.0.0/0", link="x").is_default, Route(to="10.0.0.0/8", link="x").version) == (True, 4)


def test_links_and_ports() -> None:
    host = machine(("eth0",)).with_link(Bond(name="bond0")).with_link(Nic(name="eth1", master="bond0"))
    host = host.with_link(OvsPort(name="eth0", bridge="sw", interfaces=("eth0",))).with_link(
        OvsPort(name="int0", bridge="sw")
    )
    assert host.links().keys() == {"eth0", "eth1", "bond0", "int0"}
    assert host.ports_of("bond0") == ["eth1"]
    assert without_link(host, "int0", "none").links().keys() == {"eth0", "eth1", "bond0"}
    assert Host(chassis=Chassis()) == machine(())


def test_errors_carry_codes_and_sentences() -> None:
    assert NetweftError("No.").code == "INTERNAL"
    assert NetweftError("No.", code="X").code == "X"
    error = ValidationError("Cannot add Network.", (Problem("A", "It is there."), Problem("B", "Or not.")))
    assert (error.text, error.code, error.status) == ("Cannot add Network. It is there. Or not.", "A", 409)
    assert ValidationError("Cannot.").code == "VALIDATION"
    check("Cannot.", None)


def test_phases_that_end() -> None:
    assert [phase for phase in Phase if phase.is_final] == [Phase.CONFIRMED, Phase.COMMITTED, Phase.ROLLED_BACK]

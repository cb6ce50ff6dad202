"""Virtual functions on a host: reading sysfs, setting their number, assigning them to guests, XML for libvirt.

No hardware here has any: the files are laid out as the kernel lays them out (Linux: PCI/pci-iov-howto.rst), libvirt's
own parser checks the XML, and the simulated host refuses what a real one refuses.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import libvirt
import pytest

from agent.rig import Engine, RefusedError, with_network
from libvirt_host import private_libvirt
from netweft.agent.functions import Functions
from netweft.agent.guests import GuestError, libvirt_xml
from netweft.agent.guests.libvirt import LibvirtGuests
from netweft.agent.guests.namespace import NamespaceGuests
from netweft.agent.networking import NetworkingError
from netweft.agent.nic_facts import read_pci
from netweft.core.guest_protocol import GuestNic, GuestSpec, GuestState
from netweft.core.host import Host, Nic, NicFacts
from netweft.core.protocol import FunctionsRequest
from ovs_host import namespace

PHYSICAL = "0000:03:00.0"
GUEST = "6c1f7c9e-0000-4000-8000-000000000000"
VNIC = "6c1f7c9e-0000-4000-8000-000000000001"
STANDBY = "6c1f7c9e-0000-4000-8000-000000000002"


class Sysfs:
    """A folder of PCI devices: one NIC with up to twelve functions."""

    def __init__(self, folder: Path) -> None:
        self.devices = folder / "devices"
        self.groups = folder / "iommu_groups"
        device = self.devices / PHYSICAL
        device.mkdir(parents=True)
        for name, text in {
            "vendor": "0x8086",
            "device": "0x1572",
            "sriov_totalvfs": "12",
            "sriov_numvfs": "0",
        }.items():
            (device / name).write_text(f"{text}\n")

    @property
    def count(self) -> str:
        return (self.devices / PHYSICAL / "sriov_numvfs").read_text().strip()

    def add_function(self, number: int, group: str | None) -> str:
        """What the kernel adds for a function, in an IOMMU group if there is one."""
        address = f"0000:03:{16 + number // 8:02x}.{number % 8}"
        function = self.devices / address
        function.mkdir()
        (function / "physfn").symlink_to(f"../{PHYSICAL}")
        (self.devices / PHYSICAL / f"virtfn{number}").symlink_to(f"../{address}")
        if group is not None:
            (self.groups / group / "devices" / address).mkdir(parents=True)
            (function / "iommu_group").symlink_to(self.groups / group)
        return address

    def host(self) -> Host:
        """The observed host, with a NIC for the card and one for each function."""
        facts = read_pci(NicFacts(), self.devices / PHYSICAL)
        nics = {"eth0": Nic(name="eth0", facts=facts)}
        for number, function in enumerate(facts.functions):
            own = read_pci(NicFacts(), self.devices / function.pci_address)
            nics[f"eth0v{number}"] = Nic(name=f"eth0v{number}", facts=own)
        return Host(nics=nics)


@pytest.fixture
def sysfs(tmp_path: Path) -> Sysfs:
    return Sysfs(tmp_path)


def test_functions_are_read_from_sysfs_in_numerical_order(sysfs: Sysfs) -> None:
    addresses = [sysfs.add_function(number, f"{number}") for number in range(12)]
    facts = read_pci(NicFacts(driver="i40e"), sysfs.devices / PHYSICAL)
    assert (facts.driver, facts.vendor, facts.device, facts.pci_address) == ("i40e", "0x8086", "0x1572", PHYSICAL)
    assert facts.functions_max == 12
    assert [function.pci_address for function in facts.functions] == addresses
    assert all(function.assignable for function in facts.functions)
    own = read_pci(NicFacts(), sysfs.devices / addresses[3])
    assert (own.physical, own.functions_max, own.functions) == (PHYSICAL, 0, ())


def test_a_function_needs_an_iommu_group_to_itself(sysfs: Sysfs) -> None:
    for number, group in enumerate((None, "7", "7", "8")):
        sysfs.add_function(number, group)
    functions = read_pci(NicFacts(), sysfs.devices / PHYSICAL).functions
    assert [function.assignable for function in functions] == [False, False, False, True]


def test_the_number_of_functions_is_restored_after_a_boot(sysfs: Sysfs, tmp_path: Path) -> None:
    functions = Functions(tmp_path / "functions.json", sysfs.devices)
    functions.set(sysfs.host(), "eth0", 4)
    assert sysfs.count == "4"
    (sysfs.devices / PHYSICAL / "sriov_numvfs").write_text("0\n")
    functions.restore()
    assert sysfs.count == "4"
    (sysfs.devices / PHYSICAL / "sriov_numvfs").write_text("2\n")
    functions.restore()
    assert sysfs.count == "2", "somebody wants it otherwise"
    for number in range(2):
        sysfs.add_function(number, str(number))
    functions.set(sysfs.host(), "eth0", 0)
    assert sysfs.count == "0"
    functions.restore()
    assert sysfs.count == "0"


def test_impossible_numbers_are_refused(sysfs: Sysfs, tmp_path: Path) -> None:
    functions = Functions(tmp_path / "functions.json", sysfs.devices)
    with pytest.raises(NetworkingError, match="0 to 12"):
        functions.set(sysfs.host(), "eth0", 13)
    sysfs.add_function(0, "1")
    host = sysfs.host()
    with pytest.raises(NetworkingError, match="is in use: it carries a network as eth0v0"):
        functions.set(host.with_link(replace(host.nics["eth0v0"], owner="blue")), "eth0", 2)
    (sysfs.devices / PHYSICAL / "sriov_numvfs").unlink()
    (sysfs.devices / PHYSICAL / "sriov_numvfs").mkdir()
    with pytest.raises(NetworkingError, match=r"create 2 virtual functions on NIC .*: Is a directory"):
        functions.set(host, "eth0", 2)
    (tmp_path / "functions.json").write_text("{")
    with pytest.raises(NetworkingError, match="cannot be read"):
        functions.restore()


def spec(*nics: GuestNic, guest: str = GUEST, driver: str = "simulated") -> GuestSpec:
    return GuestSpec(id=guest, name="web", driver=driver, memory=1 << 28, nics=nics)


def passed(address: str, **fields: object) -> GuestNic:
    return GuestNic(id=VNIC, name="nic1", mac="56:6f:00:00:00:01", bridge="", function=address, **fields)  # type: ignore[arg-type] # real fields


def set_functions(engine: Engine, nic: str, count: int) -> None:
    engine.ask(FunctionsRequest, "PUT", "/v1/functions", FunctionsRequest(nic=nic, count=count))


def test_a_guest_gets_and_releases_a_function(engine: Engine) -> None:
    with pytest.raises(RefusedError, match="NIC eth1 does not support SR-IOV"):
        set_functions(engine, "eth1", 1)
    set_functions(engine, "eth3", 2)
    host = engine.host()
    first, second = (function.pci_address for function in host.nics["eth3"].facts.functions)
    assert {"eth3v0", "eth3v1"} <= host.nics.keys()
    assert host.nics["eth3v0"].facts.physical == host.nics["eth3"].facts.pci_address

    guest = spec(passed(first, tag=100))
    assert engine.ask(GuestState, "PUT", f"/v1/guests/{GUEST}", guest).nics == guest.nics
    assert "eth3v0" not in engine.host().nics
    assert engine.ask(GuestState, "PUT", f"/v1/guests/{GUEST}", guest).status == "up", "it has it already"
    with pytest.raises(RefusedError, match="in use"):
        set_functions(engine, "eth3", 4)
    other = "6c1f7c9e-0000-4000-8000-00000000000a"
    for address, reason in ((first, "a guest or another driver uses it"), ("0000:ff:00.0", "it is not there")):
        with pytest.raises(RefusedError, match=reason):
            engine.ask(GuestState, "PUT", f"/v1/guests/{other}", spec(passed(address), guest=other))
    engine.kept(1, with_network(engine.host(), nic="eth3v1"))
    with pytest.raises(RefusedError, match="carries a network as eth3v1"):
        engine.ask(GuestState, "PUT", f"/v1/guests/{other}", spec(passed(second), guest=other))
    assert engine.client.delete(f"/v1/guests/{GUEST}").status_code == 204
    assert "eth3v0" in engine.host().nics
    engine.simulate(reboot=True)
    assert len(engine.host().nics["eth3"].facts.functions) == 2


def test_a_namespace_cannot_have_one(tmp_path: Path) -> None:
    driver = NamespaceGuests(tmp_path, None)
    guest = spec(passed("0000:03:10.0"), driver="namespace")
    for put in (driver.start, driver.update):
        with pytest.raises(GuestError, match="has neither virtual functions"):
            put(guest)


def test_libvirt_accepts_the_interface(tmp_path: Path) -> None:
    standby = GuestNic(id=STANDBY, name="nic1", mac="56:6f:00:00:00:01", bridge="blue", stands_by=True)
    guest = spec(passed("0000:03:10.2", tag=100, standby=STANDBY, boot_order=1), standby, driver="libvirt")
    with namespace() as place, private_libvirt(place) as daemon:
        connection = libvirt.open(daemon.uri)
        xml = libvirt_xml.domain(guest, "qemu", frozenset())
        domain = connection.defineXMLFlags(xml, libvirt.VIR_DOMAIN_DEFINE_VALIDATE)
        found = {
            str(one.find("alias").get("name")): one  # type: ignore[union-attr] # all have one
            for one in ET.fromstring(domain.XMLDesc()).iterfind("devices/interface")
        }
        function, bridge = found[libvirt_xml.alias_of(VNIC)], found[libvirt_xml.alias_of(STANDBY)]
        assert (function.get("type"), function.get("managed")) == ("hostdev", "yes")
        address = function.find("source/address")
        assert address is not None
        assert {"domain": "0x0000", "bus": "0x03", "slot": "0x10", "function": "0x2"}.items() <= address.attrib.items()
        assert [tag.get("id") for tag in function.iterfind("vlan/tag")] == ["100"]
        teaming = function.find("teaming")
        assert teaming is not None
        assert teaming.attrib == {"type": "transient", "persistent": libvirt_xml.alias_of(STANDBY)}
        other = bridge.find("teaming")
        assert other is not None
        assert other.attrib == {"type": "persistent"}
        domain.undefine()
        connection.close()

        driver = LibvirtGuests(tmp_path / "guests", None, daemon.uri)
        with pytest.raises(GuestError, match="cannot be started"):  # libvirt looks for the device
            driver.start(spec(passed("0000:03:10.2"), driver="libvirt"))
        assert driver.list() == []
        driver.close()

"""The XML of the driver ``libvirt``, as libvirt.org's formatdomain describes it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import msgspec

from netweft.agent.guests.veth import host_end
from netweft.core.guest_protocol import GuestSpec

if TYPE_CHECKING:
    from netweft.core.guest_protocol import GuestNic, Rate

NAMESPACE = "urn:netweft:guest"
"""XML namespace of our element in a domain's metadata, which contains the GuestSpec as JSON."""

KEY = "netweft"
"""The prefix of that namespace."""

PREFIX = "netweft-"
"""Prefix of the names of guests in libvirt."""

NO_MAC_SPOOFING = "vdsm-no-mac-spoofing"
"""The filter that oVirt adds to libvirt's own: frames and ARP with the vNIC's own MAC address only."""

_CPU_MODES = {"host_model": "host-model", "host_passthrough": "host-passthrough"}
"""oVirt's names and libvirt's."""

_PORTS_FOR_HOTPLUG = 16
"""Root ports of a PCI Express machine, into which vNICs can be plugged while it runs; a PCI machine needs none."""


@dataclass(frozen=True, slots=True)
class Interface:
    """A vNIC as a running domain has it: whether libvirt plugs it, and into which bridge of which kind."""

    alias: str
    managed: bool
    bridge: str
    ovs: bool


def alias_of(vnic: str) -> str:
    """The alias of a vNIC's device; libvirt requires this prefix for aliases of users."""
    return f"ua-{vnic}"


def domain_name(guest_id: str) -> str:
    """The name of a guest in libvirt; made from its id, as guests of two data centres may have the same name."""
    return f"{PREFIX}{guest_id}"


def domain(spec: GuestSpec, kind: str, ovs: frozenset[str]) -> str:
    """A whole guest. ``kind``: ``kvm`` or ``qemu`` (software emulation). ``ovs``: names of the host's OVS bridges."""
    root = ET.Element("domain", type=kind)
    _text(root, "name", domain_name(spec.id))
    _text(root, "uuid", spec.id)
    _text(root, "title", spec.name)
    ET.SubElement(root, "metadata").append(ET.fromstring(metadata(spec)))  # noqa: S314 - ours
    ET.SubElement(root, "memory", unit="b").text = str(spec.memory)
    _text(root, "vcpu", str(spec.cpus))
    _system(root, spec)
    features = ET.SubElement(root, "features")
    ET.SubElement(features, "acpi")
    ET.SubElement(features, "apic")
    _cpu(root, spec, kind)
    ET.SubElement(root, "clock", offset="utc")
    for event, action in (("poweroff", "destroy"), ("reboot", "restart"), ("crash", "destroy")):
        _text(root, f"on_{event}", action)
    root.append(_devices(spec, ovs))
    return ET.tostring(root, encoding="unicode")


def metadata(spec: GuestSpec) -> str:
    """The metadata element with a guest's specification."""
    element = ET.Element(f"{{{NAMESPACE}}}guest")
    element.text = msgspec.json.encode(spec).decode()
    return ET.tostring(element, encoding="unicode")


_SPEC = msgspec.json.Decoder(GuestSpec)


def read_metadata(xml: str) -> GuestSpec:
    """The specification in such an element. Raises msgspec.DecodeError."""
    return _SPEC.decode(ET.fromstring(xml).text or "")  # noqa: S314 - from libvirt


def read_domain_metadata(domain_xml: str) -> GuestSpec:
    """The specification in the metadata of a domain. Raises ValueError if the domain is not ours."""
    element = ET.fromstring(domain_xml).find(f"metadata/{{{NAMESPACE}}}guest")  # noqa: S314 - from libvirt
    if element is None:
        raise ValueError("the domain was not created by Netweft")
    return _SPEC.decode(element.text or "")


def interface(nic: GuestNic, ovs: frozenset[str], like: Interface | None = None) -> str:
    """One vNIC. ``like``: the vNIC of a running domain, to change it.

    libvirt can move a running vNIC between Linux bridges and change its VLAN on an OVS bridge. It refuses all other
    moves, so its configuration keeps the bridge, and the agent plugs the tap in itself.
    """
    return ET.tostring(_interface(nic, ovs, like), encoding="unicode")


def ended_limits(old: GuestNic | None, new: GuestNic) -> dict[str, int]:
    """The limits of traffic that end with a change, as virDomainSetInterfaceParameters has them.

    Without this, an update leaves the limits of an Open vSwitch port unchanged (libvirt 9.0).
    """
    ended = {way for way in ("inbound", "outbound") if old and getattr(old, way) and not getattr(new, way)}
    return {f"{way}.average": 0 for way in sorted(ended)}


def interfaces(domain_xml: str) -> dict[str, Interface]:
    """The vNICs of a running domain that are ours, by their ids."""
    found = {}
    root = ET.fromstring(domain_xml)  # noqa: S314 - from libvirt
    for element in (*root.iterfind("devices/interface"), *root.iterfind("devices/hostdev")):
        alias, source, port = element.find("alias"), element.find("source"), element.find("virtualport")
        name = "" if alias is None else alias.get("name", "")
        if name.startswith("ua-"):
            bridge = "" if source is None else source.get("bridge", "")
            ovs = port is not None and port.get("type") == "openvswitch"
            found[name.removeprefix("ua-")] = Interface(name, element.get("type") == "bridge", bridge, ovs)
    return found


def elsewhere(domain_xml: str, spec: GuestSpec, ovs: frozenset[str]) -> str:
    """A domain for another host, with its vNICs in that host's bridges. ``ovs``: which of these are Open vSwitch's."""
    root = ET.fromstring(domain_xml)  # noqa: S314 - from libvirt
    container = root.find("metadata")
    if container is not None:
        container[:] = [ET.fromstring(metadata(spec))]  # noqa: S314 - ours
    desired = {alias_of(nic.id): _interface(nic, ovs, None) for nic in spec.nics}
    for element in root.iterfind("devices/interface"):
        alias = element.find("alias")
        other = None if alias is None else desired.get(alias.get("name", ""))
        if other is not None:
            place = element.find("address")  # on the guest's bus, which does not change
            element[:] = [*other, *([] if place is None else [place])]
            element.set("type", other.get("type", ""))
    return ET.tostring(root, encoding="unicode")


def usable_models(capabilities_xml: str) -> set[str]:
    """The usable CPU models in the capabilities of a domain type."""
    models = ET.fromstring(capabilities_xml).iterfind("cpu/mode[@name='custom']/model[@usable='yes']")  # noqa: S314 - from libvirt
    return {model.text or "" for model in models}


def no_mac_spoofing() -> str:
    """The network filter that oVirt adds to libvirt's own."""
    root = ET.Element("filter", name=NO_MAC_SPOOFING, chain="root")
    for part in ("no-mac-spoofing", "no-arp-mac-spoofing"):
        ET.SubElement(root, "filterref", filter=part)
    return ET.tostring(root, encoding="unicode")


def _system(root: ET.Element, spec: GuestSpec) -> None:
    system = ET.SubElement(root, "os")
    ET.SubElement(system, "type", machine=spec.properties.get("machine", "pc")).text = "hvm"
    for name in ("kernel", "initrd", "cmdline"):
        if name in spec.properties:
            _text(system, name, spec.properties[name])


def _cpu(root: ET.Element, spec: GuestSpec, kind: str) -> None:
    model = spec.properties.get("cpu", "")
    if model:
        cpu = ET.SubElement(root, "cpu", mode="custom", match="exact")
        ET.SubElement(cpu, "model", fallback="forbid").text = model
    elif mode := _CPU_MODES.get(spec.properties.get("cpu_mode", ""), "host-model" if kind == "kvm" else ""):
        ET.SubElement(root, "cpu", mode=mode)


def _devices(spec: GuestSpec, ovs: frozenset[str]) -> ET.Element:
    devices = ET.Element("devices")
    if "disk" in spec.properties:
        devices.append(_disk(spec))
    if "q35" in spec.properties.get("machine", ""):
        for _ in range(_PORTS_FOR_HOTPLUG):
            ET.SubElement(devices, "controller", type="pci", model="pcie-root-port")
    devices.extend(_interface(nic, ovs, None) for nic in spec.nics)
    ET.SubElement(devices, "serial", type="pty")
    ET.SubElement(devices, "memballoon", model="none")
    video = ET.SubElement(devices, "video")
    display = spec.properties.get("display", "")
    ET.SubElement(video, "model", type="vga" if display else "none")
    if display:
        ET.SubElement(devices, "graphics", type="vnc", autoport="yes", listen=display)
    return devices


def _disk(spec: GuestSpec) -> ET.Element:
    disk = ET.Element("disk", type="file", device="disk")
    ET.SubElement(disk, "driver", name="qemu", type=spec.properties.get("disk_format", "raw"))
    ET.SubElement(disk, "source", file=spec.properties["disk"])
    ET.SubElement(disk, "target", dev="vda", bus="virtio")
    if "stateless" in spec.properties:
        ET.SubElement(disk, "transient")
    used = {nic.boot_order for nic in spec.nics}
    ET.SubElement(disk, "boot", order=str(next(order for order in range(1, len(used) + 2) if order not in used)))
    return disk


def _interface(nic: GuestNic, ovs: frozenset[str], like: Interface | None) -> ET.Element:
    if nic.guid:
        return _of_infiniband(nic)
    if nic.function:
        return _passed_through(nic) if nic.profile and nic.bridge else _function(nic)
    is_ovs = like.ovs if like else nic.bridge in ovs
    managed = like.managed if like else bool(nic.bridge)
    moves = not like or bool(nic.bridge and not like.ovs and nic.bridge not in ovs)
    bridge = nic.bridge if moves or not like else like.bridge
    element = ET.Element("interface", type="bridge" if managed else "ethernet")
    ET.SubElement(element, "mac", address=nic.mac)
    if managed:
        ET.SubElement(element, "source", bridge=bridge)
        if is_ovs:
            _vlans(element, nic)
            port = ET.SubElement(element, "virtualport", type="openvswitch")
            ET.SubElement(port, "parameters", interfaceid=nic.port or nic.id)
    ET.SubElement(element, "target", dev=host_end(nic.id))
    ET.SubElement(element, "model", type=nic.model)
    if nic.queues:
        ET.SubElement(element, "driver", queues=str(nic.queues))
    if nic.filter and not is_ovs:  # libvirt filters by ebtables, which has no effect on Open vSwitch
        reference = ET.SubElement(element, "filterref", filter=nic.filter)
        for name, value in nic.filter_parameters:
            ET.SubElement(reference, "parameter", name=name, value=value)
    if nic.inbound or nic.outbound:
        bandwidth = ET.SubElement(element, "bandwidth")
        _rate(bandwidth, "inbound", nic.inbound)
        _rate(bandwidth, "outbound", nic.outbound)
    ET.SubElement(element, "link", state="up" if nic.linked and nic.bridge else "down")
    ET.SubElement(element, "mtu", size=str(nic.mtu))
    if nic.isolated and managed and not is_ovs:
        ET.SubElement(element, "port", isolated="yes")
    return _named(element, nic)


def _named(element: ET.Element, nic: GuestNic) -> ET.Element:
    """The interface with the elements that all kinds have."""
    if nic.standby:
        ET.SubElement(element, "teaming", type="transient", persistent=alias_of(nic.standby))
    if nic.stands_by:
        ET.SubElement(element, "teaming", type="persistent")
    if nic.boot_order:
        ET.SubElement(element, "boot", order=str(nic.boot_order))
    ET.SubElement(element, "alias", name=alias_of(nic.id))
    return element


def _of_infiniband(nic: GuestNic) -> ET.Element:
    """A vNIC that is an InfiniBand function: a plain PCI device, as libvirt can set no Ethernet address on it."""
    element = ET.Element("hostdev", mode="subsystem", type="pci", managed="yes")
    ET.SubElement(element, "driver", name="vfio")
    ET.SubElement(ET.SubElement(element, "source"), "address", _pci(nic.function))
    return _named(element, nic)


def _pci(address: str) -> dict[str, str]:
    domain_number, bus, slot, function = re.split("[:.]", address)
    place = {"domain": domain_number, "bus": bus, "slot": slot, "function": function}
    return {name: f"0x{value}" for name, value in place.items()}


def _function(nic: GuestNic) -> ET.Element:
    """A vNIC that is a virtual function: libvirt detaches it from the host's driver and reattaches it afterwards."""
    element = ET.Element("interface", type="hostdev", managed="yes")
    ET.SubElement(element, "mac", address=nic.mac)
    ET.SubElement(element, "driver", name="vfio")
    ET.SubElement(ET.SubElement(element, "source"), "address", {"type": "pci", **_pci(nic.function)})
    if nic.tag is not None:
        ET.SubElement(ET.SubElement(element, "vlan"), "tag", id=str(nic.tag))
    _join(element, nic)
    return _named(element, nic)


def _passed_through(nic: GuestNic) -> ET.Element:
    """A vNIC that has a whole NIC of the host, by macvtap. The fabric identifies the guest by the NIC's port profile,
    so libvirt sets the guest's MAC address on the NIC. The host changes neither its MTU nor its traffic.
    """
    element = ET.Element("interface", type="direct")
    ET.SubElement(element, "mac", address=nic.mac)
    ET.SubElement(element, "source", dev=nic.bridge, mode="passthrough")
    _join(element, nic)
    ET.SubElement(element, "model", type=nic.model)
    if nic.queues:
        ET.SubElement(element, "driver", queues=str(nic.queues))
    ET.SubElement(element, "link", state="up" if nic.linked else "down")
    return _named(element, nic)


def _join(element: ET.Element, nic: GuestNic) -> None:
    """Add the port profile of its fabric, if it has one."""
    if nic.profile:
        port = ET.SubElement(element, "virtualport", type="802.1Qbh")
        ET.SubElement(port, "parameters", profileid=nic.profile)


def _vlans(element: ET.Element, nic: GuestNic) -> None:
    if nic.trunks:
        vlan = ET.SubElement(element, "vlan", trunk="yes")
        for tag in nic.trunks:
            ET.SubElement(vlan, "tag", id=str(tag))
        if nic.tag is not None:
            ET.SubElement(vlan, "tag", id=str(nic.tag), nativeMode="untagged")
    elif nic.tag is not None:
        ET.SubElement(ET.SubElement(element, "vlan"), "tag", id=str(nic.tag))


def _rate(bandwidth: ET.Element, direction: str, rate: Rate | None) -> None:
    if rate:
        limits = {"average": rate.average, "peak": rate.peak, "burst": rate.burst}
        ET.SubElement(bandwidth, direction, {name: str(value) for name, value in limits.items() if value})


def _text(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, name).text = text

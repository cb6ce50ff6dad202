"""Virtual interface cards of this host, and adapters of InfiniBand, as sysfs shows them.

The upstream port of a card is a PCI bridge, so it belongs to no network device; its NICs are below it in the tree of
PCI devices. The functions of an InfiniBand adapter are InfiniBand devices themselves, as long as the host drives them.
"""

from __future__ import annotations

from pathlib import Path

from netweft.agent.nic_facts import PCI_DEVICES, read_text
from netweft.core.interface_cards import ADAPTERS, DYNAMIC, NO_MAC, STATIC, VENDOR, DynamicNic, InterfaceCard

_MODELS = {"0x0047": "P81E", "0x0048": "M81KR"}
"""Models of cards, by the subsystem of their NICs (pci.ids)."""
INFINIBAND = Path("/sys/class/infiniband")
"""InfiniBand devices in sysfs (Linux: ABI/stable/sysfs-class-infiniband)."""
_NO_GUID = "0" * 16
PRODUCT_UUID = Path("/sys/class/dmi/id/product_uuid")


def cards(devices: Path = PCI_DEVICES) -> tuple[InterfaceCard, ...]:
    """All cards, by their PCI addresses. ``devices``: sysfs' folder of PCI devices."""
    try:
        found = sorted(devices.iterdir())
    except FileNotFoundError:  # a machine without PCI
        return ()
    ciscos = {one: read_text(one / "device") for one in found if read_text(one / "vendor") == VENDOR}
    nics = [one for one, device in ciscos.items() if device in STATIC | DYNAMIC]
    return tuple(
        _card(adapter, device, [nic for nic in nics if adapter.name in nic.resolve().parts])
        for adapter, device in ciscos.items()
        if device in ADAPTERS
    )


def adapters(devices: Path = INFINIBAND) -> tuple[InterfaceCard, ...]:
    """The adapters of InfiniBand with virtual functions, by their PCI addresses. ``devices``: where sysfs shows devices
    of InfiniBand.
    """
    try:
        found = sorted(devices.iterdir())
    except FileNotFoundError:  # a machine without InfiniBand
        return ()
    physical = {(one / "device").resolve(): one for one in found if _is_infiniband(one)}
    with_functions = [_adapter(place, one) for place, one in physical.items() if any(place.glob("virtfn*"))]
    return tuple(sorted(with_functions, key=lambda card: card.pci_address))


def _is_infiniband(device: Path) -> bool:
    """Whether it is InfiniBand, not Ethernet with RDMA (RoCE), whose functions are virtual functions of NICs."""
    return read_text(device / "ports" / "1" / "link_layer") == "InfiniBand"


def _adapter(place: Path, device: Path) -> InterfaceCard:
    numbers = sorted(int(path.name.removeprefix("virtfn")) for path in place.glob("virtfn*"))
    return InterfaceCard(
        pci_address=place.name,
        device=read_text(place / "device"),
        model=read_text(device / "hca_type"),
        static=(device.name,),
        dynamic=tuple(_function((place / f"virtfn{number}").resolve()) for number in numbers),
        guid=read_text(device / "sys_image_guid").replace(":", ""),
    )


def _function(place: Path) -> DynamicNic:
    """A function that the host does not drive is in use by a guest or unusable; without a GUID it is unusable."""
    name = next((one.name for one in sorted(place.glob("infiniband/*")) if _is_infiniband(one)), "")
    # The first GID of a port is its subnet's prefix and its GUID (InfiniBand: 4.1.1).
    gid = read_text(place / "infiniband" / name / "ports" / "1" / "gids" / "0") if name else ""
    guid = gid.replace(":", "")[-16:]
    is_usable = len(guid) == len(_NO_GUID) and guid != _NO_GUID
    return DynamicNic(name=name if is_usable else "", pci_address=place.name, guid=guid if is_usable else "")


def hardware_uuid(path: Path = PRODUCT_UUID) -> str:
    """The UUID by which fabrics identify this machine, in lower case; empty if there is none."""
    return read_text(path).lower()


def _card(adapter: Path, device: str, nics: list[Path]) -> InterfaceCard:
    models = {_MODELS.get(read_text(nic / "subsystem_device"), "") for nic in nics} - {""}
    return InterfaceCard(
        pci_address=adapter.name,
        device=device,
        model=min(models, default=""),
        static=tuple(name for nic in nics if read_text(nic / "device") in STATIC and (name := _name(nic))),
        dynamic=tuple(_dynamic(nic) for nic in nics if read_text(nic / "device") in DYNAMIC),
    )


def _dynamic(nic: Path) -> DynamicNic:
    """A vNIC without a name is in use by a guest."""
    name = _name(nic)
    mac = read_text(nic / "net" / name / "address") if name else ""
    return DynamicNic(name=name, pci_address=nic.name, mac=mac or NO_MAC)


def _name(nic: Path) -> str:
    try:
        return next((one.name for one in sorted((nic / "net").iterdir())), "")
    except FileNotFoundError:
        return ""

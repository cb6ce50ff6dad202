"""Virtual interface cards, as trees of sysfs show them: of the first generation, of a later one, and none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from netweft.agent.interface_cards import adapters, cards, hardware_uuid
from netweft.core.interface_cards import NO_MAC, DynamicNic, InterfaceCard


def device(tree: Path, path: str, ids: tuple[str, str], nic: str = "", mac: str = NO_MAC, subsystem: str = "") -> None:
    """A PCI device below others, and the link to it among all."""
    here = tree / "devices" / path
    here.mkdir(parents=True)
    (here / "vendor").write_text(f"{ids[0]}\n")
    (here / "device").write_text(f"{ids[1]}\n")
    if subsystem:
        (here / "subsystem_device").write_text(f"{subsystem}\n")
    if nic:
        (here / "net" / nic).mkdir(parents=True)
        (here / "net" / nic / "address").write_text(f"{mac}\n")
    links = tree / "bus"
    links.mkdir(exist_ok=True)
    (links / here.name).symlink_to(here)


ROOT = "pci0000:00/0000:00:03.0"
CARD = f"{ROOT}/0000:05:00.0"
PORT = f"{CARD}/0000:06:00.0"


def test_the_first_generation_has_static_and_dynamic_nics(tmp_path: Path) -> None:
    device(tmp_path, CARD, ("0x1137", "0x0023"))
    device(tmp_path, PORT, ("0x1137", "0x0041"))
    device(tmp_path, f"{PORT}/0000:07:00.0", ("0x1137", "0x0043"), "eth0", "00:25:b5:00:00:01", subsystem="0x0048")
    device(tmp_path, f"{PORT}/0000:07:00.1", ("0x1137", "0x0044"), "eth1")
    device(tmp_path, f"{PORT}/0000:07:00.2", ("0x1137", "0x0044"), "eth2", "00:1a:4a:00:00:01")
    device(tmp_path, f"{PORT}/0000:07:00.3", ("0x1137", "0x0044"))
    device(tmp_path, f"{PORT}/0000:07:00.4", ("0x1137", "0x0045"))
    device(tmp_path, "pci0000:00/0000:00:04.0", ("0x8086", "0x10c9"), "eth9")
    (card,) = cards(tmp_path / "bus")
    assert card == InterfaceCard(
        pci_address="0000:05:00.0",
        device="0x0023",
        model="M81KR",
        static=("eth0",),
        dynamic=(
            DynamicNic(name="eth1", pci_address="0000:07:00.1"),
            DynamicNic(name="eth2", pci_address="0000:07:00.2", mac="00:1a:4a:00:00:01"),
            DynamicNic(name="", pci_address="0000:07:00.3"),
        ),
    )
    assert [one.is_free for one in card.dynamic] == [True, False, False]


def test_later_cards_have_functions_and_each_has_its_own(tmp_path: Path) -> None:
    for number, adapter in ((5, "0x0040"), (8, "0x007a")):
        card = f"{ROOT}/0000:0{number}:00.0"
        device(tmp_path, card, ("0x1137", adapter))
        device(tmp_path, f"{card}/0000:1{number}:00.0", ("0x1137", "0x0043"), f"eth{number}", "00:25:b5:00:00:02")
        device(tmp_path, f"{card}/0000:1{number}:00.1", ("0x1137", "0x0071"), f"vf{number}")
        device(tmp_path, f"{card}/0000:1{number}:00.2", ("0x1137", "0x02b7"), f"plain{number}", "00:25:b5:00:00:03")
    found = cards(tmp_path / "bus")
    assert [(one.device, one.model, one.static) for one in found] == [
        ("0x0040", "", ("eth5",)),
        ("0x007a", "", ("eth8",)),
    ]
    assert [[nic.name for nic in one.dynamic] for one in found] == [["vf5"], ["vf8"]]


def test_a_machine_without_interface_card(tmp_path: Path) -> None:
    assert cards(tmp_path / "none") == ()
    device(tmp_path, CARD, ("0x8086", "0x10c9"), "eth0")
    assert cards(tmp_path / "bus") == ()


def test_the_hardware_has_a_uuid_or_none(tmp_path: Path) -> None:
    (tmp_path / "uuid").write_text("4C4C4544-0000-4000-8000-000000000001\n")
    assert hardware_uuid(tmp_path / "uuid") == "4c4c4544-0000-4000-8000-000000000001"
    assert hardware_uuid(tmp_path / "none") == ""


def adapter(
    tree: Path, name: str, place: str, functions: dict[str, str], image: str, layer: str = "InfiniBand"
) -> None:
    """An adapter of InfiniBand: its functions by PCI address, with the first GID of those that the host drives."""
    devices, here = tree / "infiniband", tree / "devices" / place
    here.mkdir(parents=True)
    (here / "device").write_text("0x1017\n")
    (devices / name).mkdir(parents=True)
    (devices / name / "device").symlink_to(here)
    (devices / name / "sys_image_guid").write_text(f"{image}\n")
    (devices / name / "hca_type").write_text("MT4119\n")
    (devices / name / "ports" / "1").mkdir(parents=True)
    (devices / name / "ports" / "1" / "link_layer").write_text(f"{layer}\n")
    for number, (address, gid) in enumerate(functions.items()):
        function = tree / "devices" / address
        function.mkdir()
        (here / f"virtfn{number}").symlink_to(function)
        if gid:
            own = function / "infiniband" / f"{name}v{number}"
            (own / "ports" / "1" / "gids").mkdir(parents=True)
            (own / "ports" / "1" / "gids" / "0").write_text(f"{gid}\n")
            (own / "ports" / "1" / "link_layer").write_text(f"{layer}\n")
            (devices / own.name).symlink_to(own)
            (own / "device").symlink_to(function)


def test_functions_of_infiniband_are_known_by_their_guids(tmp_path: Path) -> None:
    functions = {
        "0000:c1:00.1": "fe80:0000:0000:0000:0002:c900:0000:0017",
        "0000:c1:00.2": "fe80:0000:0000:0000:0000:0000:0000:0000",  # without an address
        "0000:c1:00.3": "",  # assigned to a guest
    }
    adapter(tmp_path, "mlx5_0", "0000:c1:00.0", functions, "248a:0703:008a:850a")
    adapter(tmp_path, "mlx5_9", "0000:a1:00.0", {}, "248a:0703:008a:9999")
    ethernet = {"0000:b1:00.1": "fe80:0000:0000:0000:0a1a:4aff:fe00:0001"}
    adapter(tmp_path, "mlx5_5", "0000:b1:00.0", ethernet, "248a:0703:008a:5555", "Ethernet")
    (found,) = adapters(tmp_path / "infiniband")
    assert found == InterfaceCard(
        pci_address="0000:c1:00.0",
        device="0x1017",
        model="MT4119",
        static=("mlx5_0",),
        dynamic=(
            DynamicNic(name="mlx5_0v0", pci_address="0000:c1:00.1", guid="0002c90000000017"),
            DynamicNic(name="", pci_address="0000:c1:00.2"),
            DynamicNic(name="", pci_address="0000:c1:00.3"),
        ),
        guid="248a0703008a850a",
    )
    assert [one.is_free for one in found.dynamic] == [True, False, False]
    assert (found.fabric_id("of the host"), replace(found, guid="").fabric_id("of the host")) == (
        "248a0703008a850a",
        "of the host",
    )


def test_a_machine_without_infiniband(tmp_path: Path) -> None:
    assert adapters(tmp_path / "infiniband") == ()

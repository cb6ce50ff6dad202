"""The file that says what a lab is made of. docs/lab.md describes it for those who write one."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Interface, IPv6Interface, ip_interface
from pathlib import Path
from typing import Literal

import msgspec
import yaml

from netweft.client import yaml_text
from netweft.core.host import NAME_MAX
from netweft.core.limits import VLAN_MAX
from netweft.lab.processes import LabError


class Port(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the switch treats the port that a NIC is cabled to.

    ``access``: the one VLAN whose frames pass, untagged. ``trunk``: the VLANs that pass tagged, None for all;
    ``native``:
    the VLAN of untagged frames on a trunk, None for one that no other port is in.
    """

    access: int | None = None
    trunk: tuple[int, ...] | None = None
    native: int | None = None


class HostFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A host: its NICs by name, and the NIC and address by which the engine reaches it."""

    nics: Mapping[str, Port | None]
    address: str
    management: str = "eth0"


class EngineFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The engine's place: the address that this machine gets on the management network, and that network's VLAN."""

    address: str
    access: int = VLAN_MAX


class LabFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A lab. ``guests``: what its virtual machines are: network namespaces, or real ones of libvirt and QEMU."""

    name: str
    engine: EngineFile
    hosts: Mapping[str, HostFile]
    guests: Literal["namespace", "libvirt"] = "namespace"


def read(path: Path) -> LabFile:
    """Read and check a lab file. Raises LabError saying what is wrong and where."""
    try:
        content = yaml_text.load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise LabError(f"{path}: {error}") from error
    try:
        lab = msgspec.convert(content, LabFile)
    except msgspec.ValidationError as error:
        raise LabError(f"{path}: {error}") from error
    problems = [
        *_address_problems(lab),
        *(problem for name in lab.hosts for problem in _host_problems(name, lab.hosts[name])),
    ]
    if problems:
        raise LabError(f"{path}: {'; '.join(problems)}")
    return lab


def _address_problems(lab: LabFile) -> list[str]:
    problems = []
    seen: dict[str, IPv4Interface | IPv6Interface] = {}
    for owner, text in {
        "engine": lab.engine.address,
        **{name: host.address for name, host in lab.hosts.items()},
    }.items():
        try:
            address = ip_interface(text)
        except ValueError as error:
            problems.append(f"address of {owner}: {error}")
            continue
        if "/" not in text:
            problems.append(f"address of {owner}: {text} has no prefix length, as in 192.0.2.1/24")
        if seen and address.network != next(iter(seen.values())).network:
            problems.append(f"address of {owner}: {text} is not in the engine's network")
        if address.ip in {other.ip for other in seen.values()}:
            problems.append(f"address of {owner}: {text} is given twice")
        seen[owner] = address
    return problems


def _host_problems(name: str, host: HostFile) -> list[str]:
    problems = []
    if not name.isascii() or not name.replace("-", "").isalnum():
        problems.append(f"host {name!r}: a name has letters, digits and hyphens")
    if host.management not in host.nics:
        problems.append(f"host {name}: there is no NIC {host.management} for the management network")
    for nic, port in host.nics.items():
        if not 0 < len(nic) <= NAME_MAX:
            problems.append(f"host {name}: NIC name {nic!r} has not 1 to {NAME_MAX} characters")
        if port is None:
            continue
        if port.access is not None and (port.trunk is not None or port.native is not None):
            problems.append(f"host {name}, NIC {nic}: a port is either access or trunk")
        vlans = [vlan for vlan in (port.access, port.native, *(port.trunk or ())) if vlan is not None]
        problems += [f"host {name}, NIC {nic}: there is no VLAN {vlan}" for vlan in vlans if not 1 <= vlan <= VLAN_MAX]
    return problems

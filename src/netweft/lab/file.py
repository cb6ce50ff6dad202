"""The file that describes a lab; docs/lab.md is its reference."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import IPv4Interface, IPv6Interface, ip_interface
from pathlib import Path
from typing import Literal

import msgspec
import yaml

from netweft.client import yaml_text
from netweft.core.limits import LINK_NAME_MAX, PORT_MAX, VLAN_MAX
from netweft.lab.processes import LabError

_ENDPOINT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z.-]+):[0-9]{1,5}")


class Port(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the switch treats the port that a NIC is cabled to.

    ``access``: the one VLAN whose frames pass, untagged. ``trunk``: the VLANs that pass tagged, None for all;
    ``native``: the VLAN of untagged frames on a trunk, None for one that no other port is in.
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
    """The engine's link: this machine's address on the management network, and that network's VLAN."""

    address: str
    access: int = VLAN_MAX


class ProgramFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A program that runs as long as the lab. ``command``: program and arguments, run in the file's folder;
    ``answers``: the address and port (``127.0.0.1:8480``) where it listens once it is ready, empty for one that is
    ready at once.
    """

    command: tuple[str, ...]
    answers: str = ""

    @property
    def endpoint(self) -> tuple[str, int]:
        """``answers`` as address and port."""
        host, _, port = self.answers.rpartition(":")
        return host.strip("[]"), int(port)


class LabFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A lab. ``engine``: needed where there are hosts; ``programs``: run beside them, by name. ``guests``: the
    kind of virtual machines: network namespaces, or those of libvirt and QEMU.
    """

    name: str
    engine: EngineFile | None = None
    hosts: Mapping[str, HostFile] = {}
    programs: Mapping[str, ProgramFile] = {}
    guests: Literal["namespace", "libvirt"] = "namespace"


def read(path: Path) -> LabFile:
    """Read and check a lab file. Raises LabError with the problems and where they are."""
    try:
        content = yaml_text.load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise LabError(f"{path}: {error}") from error
    try:
        lab = msgspec.convert(content, LabFile)
    except msgspec.ValidationError as error:
        raise LabError(f"{path}: {error}") from error
    problems = [
        *([] if lab.engine or not lab.hosts else ["there are hosts, and no engine with its address"]),
        *([] if lab.hosts or lab.programs else ["there are neither hosts nor programs"]),
        *_address_problems(lab),
        *(problem for name in lab.hosts for problem in _host_problems(name, lab.hosts[name])),
        *(problem for name in lab.programs for problem in _program_problems(name, lab.programs[name])),
    ]
    if problems:
        raise LabError(f"{path}: {'; '.join(problems)}")
    return lab


def _address_problems(lab: LabFile) -> list[str]:
    problems = []
    addresses: dict[str, IPv4Interface | IPv6Interface] = {}
    for owner, text in {
        **({"engine": lab.engine.address} if lab.engine else {}),
        **{name: host.address for name, host in lab.hosts.items()},
    }.items():
        try:
            address = ip_interface(text)
        except ValueError as error:
            problems.append(f"address of {owner}: {error}")
            continue
        if "/" not in text:
            problems.append(f"address of {owner}: {text} has no prefix length, as in 192.0.2.1/24")
        if addresses and address.network != next(iter(addresses.values())).network:
            problems.append(f"address of {owner}: {text} is not in the engine's network")
        if address.ip in {other.ip for other in addresses.values()}:
            problems.append(f"address of {owner}: {text} is given twice")
        addresses[owner] = address
    return problems


def _program_problems(name: str, program: ProgramFile) -> list[str]:
    problems = _name_problems("program", name)
    if not program.command:
        problems.append(f"program {name}: its command has no words")
    if program.answers and not (_ENDPOINT.fullmatch(program.answers) and 0 < program.endpoint[1] <= PORT_MAX):
        problems.append(f"program {name}: {program.answers} is no address and port, as in 127.0.0.1:8480")
    return problems


def _name_problems(what: str, name: str) -> list[str]:
    is_good = name.isascii() and name.replace("-", "").isalnum()
    return [] if is_good else [f"{what} {name!r}: a name has letters, digits and hyphens"]


def _host_problems(name: str, host: HostFile) -> list[str]:
    problems = _name_problems("host", name)
    if host.management not in host.nics:
        problems.append(f"host {name}: there is no NIC {host.management} for the management network")
    for nic, port in host.nics.items():
        if not 0 < len(nic) <= LINK_NAME_MAX:
            problems.append(f"host {name}: NIC name {nic!r} has not 1 to {LINK_NAME_MAX} characters")
        if port is None:
            continue
        if port.access is not None and (port.trunk is not None or port.native is not None):
            problems.append(f"host {name}, NIC {nic}: a port is either access or trunk")
        vlans = [vlan for vlan in (port.access, port.native, *(port.trunk or ())) if vlan is not None]
        problems += [f"host {name}, NIC {nic}: there is no VLAN {vlan}" for vlan in vlans if not 1 <= vlan <= VLAN_MAX]
    return problems

"""What a lab has created on the machine.

It is recorded before it is created, so that a lab that was built only in part can be taken down.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from netweft.lab.processes import LabError, Process

FILE = "lab.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostState:
    """A host: its namespace, its address without prefix, and the switch's port of each NIC by name.

    ``guests``: the guest driver of its agent; ``libvirt``: the URI of its libvirt, empty when it has none.
    """

    name: str
    namespace: str
    address: str
    ports: Mapping[str, str]
    guests: str = "namespace"
    libvirt: str = ""


@dataclass(slots=True, kw_only=True)
class LabState:
    """Names of everything that exists or may exist. ``link``: this machine's end of the management network."""

    name: str
    link: str
    switch: str
    hosts: Mapping[str, HostState]
    programs: tuple[str, ...] = ()
    processes: list[Process] = field(default_factory=list)
    agents: dict[str, Process] = field(default_factory=dict)
    libvirts: dict[str, Process] = field(default_factory=dict)

    def save(self, folder: Path) -> None:
        """Write it atomically to the lab's folder."""
        draft = folder / f".{FILE}"
        with draft.open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(self)))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(folder / FILE)


def load(folder: Path) -> LabState:
    """Read it from a lab's folder. Raises LabError when there is no lab."""
    try:
        return msgspec.json.decode((folder / FILE).read_bytes(), type=LabState)
    except FileNotFoundError as error:
        raise LabError(f"there is no lab in {folder}") from error
    except (OSError, msgspec.DecodeError) as error:
        raise LabError(f"{folder / FILE}: {error}") from error

"""The numbers of virtual functions of the host's NICs: set in sysfs, and restored after each boot."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec

from netweft.agent.networking import NetworkingError
from netweft.agent.nic_facts import PCI_DEVICES
from netweft.agent.store import replace_file
from netweft.core.functions import why_not_changed

if TYPE_CHECKING:
    from pathlib import Path

    from netweft.core.host import Host

log = logging.getLogger(__name__)

_COUNTS = msgspec.json.Decoder(dict[str, int])


class Functions:
    """``file``: stores the numbers, by the PCI addresses of NICs. ``devices``: sysfs' folder of PCI devices."""

    def __init__(self, file: Path, devices: Path = PCI_DEVICES) -> None:
        self._file = file
        self._devices = devices

    def set(self, host: Host, nic: str, count: int) -> None:
        """Set the number of a NIC. ``host``: as just observed. Raises NetworkingError."""
        if reason := why_not_changed(host, nic, count):
            raise NetworkingError(reason)
        facts = host.nics[nic].facts
        try:
            if count != len(facts.functions):
                self._write(facts.pci_address, count, clear=bool(facts.functions))
            replace_file(self._file, msgspec.json.encode({**self._kept(), facts.pci_address: count}))
        except OSError as error:
            text = f"The kernel cannot create {count} virtual functions on NIC {nic}: {error.strerror or error}."
            raise NetworkingError(text) from error

    def restore(self) -> None:
        """Restore the numbers after a boot. A NIC that already has functions is not changed."""
        for address, count in self._kept().items():
            number = self._devices / address / "sriov_numvfs"
            try:
                if count and int(number.read_text()) == 0:
                    self._write(address, count, clear=False)
            except OSError as error:
                log.warning("cannot restore the %s virtual functions of the NIC at %s: %s", count, address, error)

    def _write(self, address: str, count: int, *, clear: bool) -> None:
        number = self._devices / address / "sriov_numvfs"
        if clear:
            number.write_text("0")  # the kernel changes the number only from 0
        if count:
            number.write_text(str(count))

    def _kept(self) -> dict[str, int]:
        try:
            return _COUNTS.decode(self._file.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.DecodeError) as error:
            raise NetworkingError(f"{self._file} cannot be read: {error}") from error

"""Ends domains, and completes starts that were interrupted because the agent was killed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import libvirt

from netweft.agent.guests import libvirt_xml
from netweft.agent.guests.libvirt_errors import FAILURES, words

if TYPE_CHECKING:
    from netweft.agent.guests.libvirt_connection import Connection, Domain
    from netweft.agent.guests.libvirt_ports import Ports
    from netweft.agent.guests.libvirt_store import GuestStore
    from netweft.core.guest_protocol import GuestSpec

log = logging.getLogger(__name__)

_ENDED = (libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_ERR_OPERATION_INVALID)
"""Errors of libvirt for a domain that has just ended."""


def end_starts(driver: Connection, store: GuestStore, ports: Ports) -> None:
    """Complete the starts that were interrupted when an agent was killed; the guests are still paused."""
    for guest_id in store.cut_off():
        domain = None if store.is_starting(guest_id) else driver.find(guest_id)
        if domain:
            try:
                _complete_start(domain, store, ports)
            except FAILURES as error:
                log.warning(
                    "guest %s is ended because its interrupted start cannot be completed: %s", guest_id, words(error)
                )
                destroy(domain)
        if not store.is_starting(guest_id):
            store.forget_start(guest_id)


def _complete_start(domain: Domain, store: GuestStore, ports: Ports) -> None:
    spec = spec_of(domain)
    ports.plug(spec.nics)
    store.save(spec)
    store.image(spec.id).unlink(missing_ok=True)
    if not spec.paused:
        domain.resume()


def resume(domain: Domain) -> None:
    """Resume a domain that was started paused; no effect on a running one. Raises libvirtError."""
    if domain.state()[0] == libvirt.VIR_DOMAIN_PAUSED:
        domain.resume()


def destroy(domain: Domain) -> set[str]:
    """End a domain, which may also have just ended by itself. Returns the ids of its vNICs."""
    vnics: set[str] = set()
    try:
        vnics.update(libvirt_xml.interfaces(domain.XMLDesc()))
        domain.destroy()
    except libvirt.libvirtError as error:
        if error.get_error_code() not in _ENDED:
            raise
    return vnics


def spec_of(domain: Domain) -> GuestSpec:
    """The specification that a domain was started from. Raises libvirtError."""
    element = domain.metadata(
        libvirt.VIR_DOMAIN_METADATA_ELEMENT, libvirt_xml.NAMESPACE, libvirt.VIR_DOMAIN_AFFECT_LIVE
    )
    return libvirt_xml.read_metadata(element)

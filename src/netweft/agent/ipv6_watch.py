"""Keeps links that get IPv6 while steps are executed from accepting router advertisements.

The kernel takes IPv6 off a link whose MTU falls below 1280, and when a link gets IPv6, new or again, it gets default
settings, which mostly accept router advertisements; the steps' contract is that it accepts none until it is told to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netweft.agent.settings import accept_ra, read_setting, write_setting
from netweft.core.host import Bond
from netweft.core.limits import IPV6_MIN_MTU
from netweft.core.steps import CreateLink, CreateOvsPort, DeleteLink, SetMaster, SetMtu, SetUp

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netweft.agent.dumps import RawLink
    from netweft.core.steps import KernelStep


class Ipv6Watch:
    """Told of every step before it is sent, and of every link that was made; ``links``: what there is now."""

    def __init__(self, links: Iterable[RawLink]) -> None:
        self._needed = read_setting("net/ipv6/conf/default/accept_ra") not in {"", "0"}
        self._waiting: set[str] = set()
        self._bonds: set[str] = set()
        self._bond_ports: set[str] = set()
        self._without: set[str] = set()
        self.update(links)

    def update(self, links: Iterable[RawLink]) -> None:
        """See which links have lost IPv6, and tend to those that have it again."""
        links = tuple(links)
        without = {link.name for link in links if link.is_ethernet and not link.has_ipv6}
        for name in self._without - without:
            self._refuse(name)
        self._without = without
        self._bonds = {link.name for link in links if link.kind == "bond"}
        indexes = {link.index for link in links if link.kind == "bond"}
        self._bond_ports = {link.name for link in links if link.master in indexes}

    def must_wait_with(self, step: KernelStep) -> bool:
        """Whether what waits must be sent before the step: a new link must be tended to before it goes up."""
        return isinstance(step, SetUp) and step.name in self._waiting

    def must_watch(self, step: object) -> bool:
        """Whether the step may take IPv6 off a link or bring it back, so that it must be sent and looked at on its own.

        Bonds give their MTU to ports that join, and ports that leave get back what they had long before.
        """
        if isinstance(step, CreateLink):
            self._waiting.add(step.link.name)
            if isinstance(step.link, Bond):
                self._bonds.add(step.link.name)
        elif isinstance(step, CreateOvsPort) and step.port.is_internal:
            self._waiting.add(step.port.name)
        return self._needed and self._touches_ipv6(step)

    def _touches_ipv6(self, step: object) -> bool:
        match step:
            case CreateLink(link):
                return link.mtu < IPV6_MIN_MTU
            case CreateOvsPort(port):
                return port.is_internal and port.mtu < IPV6_MIN_MTU
            case SetMtu(_, mtu):
                return mtu < IPV6_MIN_MTU or bool(self._without)
            case SetMaster(name, master):
                return name in self._bond_ports or master in self._bonds or bool(self._without)
            case DeleteLink(name):
                return name in self._bonds or bool(self._without)
            case _:
                return isinstance(step, SetUp) and bool(self._without)

    def made(self, names: Iterable[str]) -> None:
        """Tend to the links that were made by what was sent."""
        for name in names if self._needed else ():
            self._refuse(name)
        self._waiting.clear()

    def _refuse(self, name: str) -> None:
        write_setting(accept_ra(name), "0")

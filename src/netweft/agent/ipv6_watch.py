"""Keeps links that get IPv6 while steps are executed from accepting router advertisements.

The kernel disables IPv6 on a link whose MTU falls below 1280. A link that gets IPv6, also again, has default settings,
which mostly accept router advertisements; by the contract of steps, it accepts none until a step enables them.
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
    """Must be called for every step before it is sent, and for every created link. ``links``: the present ones."""

    def __init__(self, links: Iterable[RawLink]) -> None:
        self._needed = read_setting("net/ipv6/conf/default/accept_ra") not in {"", "0"}
        self._waiting: set[str] = set()
        self._bonds: set[str] = set()
        self._bond_ports: set[str] = set()
        self._without: set[str] = set()
        self.update(links)

    def update(self, links: Iterable[RawLink]) -> None:
        """Find links that have lost IPv6, and configure those that have it again."""
        links = tuple(links)
        without = {link.name for link in links if link.is_ethernet and not link.has_ipv6}
        for name in self._without - without:
            self._disable(name)
        self._without = without
        self._bonds = {link.name for link in links if link.kind == "bond"}
        indexes = {link.index for link in links if link.kind == "bond"}
        self._bond_ports = {link.name for link in links if link.master in indexes}

    def must_wait_with(self, step: KernelStep) -> bool:
        """Whether the batch must be sent before the step: a new link must be configured before it goes up."""
        return isinstance(step, SetUp) and step.name in self._waiting

    def must_watch(self, step: object) -> bool:
        """Whether the step may disable IPv6 on a link or enable it again, so that it must be sent on its own.

        Ports that join a bond get its MTU, and ports that leave get back their original one.
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

    def created(self, names: Iterable[str]) -> None:
        """Configure the links that the sent steps have created."""
        for name in names if self._needed else ():
            self._disable(name)
        self._waiting.clear()

    def _disable(self, name: str) -> None:
        write_setting(accept_ra(name), "0")

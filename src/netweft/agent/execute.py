"""Executes steps.

Kernel steps go as netlink requests, many in one datagram; Open vSwitch steps in one transaction; the rest one by one.

A step's requests are always in one datagram, so that a killed agent leaves no step half done. When the kernel refuses a
step, later steps of the same datagram may have been done. The caller observes the host again and makes a new plan, so
nothing relies on where the execution stopped.
"""

from __future__ import annotations

import errno
import struct
from pathlib import Path
from socket import AF_INET, AF_INET6, if_nametoindex
from typing import TYPE_CHECKING, TypeGuard, cast

from netweft.agent import netlink as nl
from netweft.agent.dhcp import DhcpError
from netweft.agent.dumps import dump_advertised, dump_leased_routes, dump_links
from netweft.agent.encode import Encoder, ImpossibleStepError, Requests, address_message, subnet_route
from netweft.agent.ipv6_watch import Ipv6Watch
from netweft.agent.networking import NetworkingError
from netweft.agent.observe import dynamic_addresses
from netweft.agent.ovsdb import OvsdbStep, OvsStepError
from netweft.agent.ovsdb_session import OvsdbError
from netweft.agent.settings import accept_ra, write_setting
from netweft.agent.shaping import lacking
from netweft.core.intent import IPV4
from netweft.core.steps import (
    AddAddress,
    Announce,
    CreateLink,
    CreateOvsBridge,
    CreateOvsPort,
    DeleteLink,
    DeleteOvsBridge,
    DeleteOvsPort,
    KernelStep,
    SetAutoconf,
    SetBondOptions,
    SetBridgeOptions,
    SetChassis,
    SetDhcp,
    SetDns,
    SetMac,
    SetMtu,
    SetOvsBridge,
    SetOvsPort,
    Step,
    SystemStep,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from netweft.agent.dumps import RawLink
    from netweft.agent.handles import Handles
    from netweft.core.host import Address

_OVS_STEPS = (CreateOvsBridge, DeleteOvsBridge, SetOvsBridge, CreateOvsPort, SetOvsPort, DeleteOvsPort, SetChassis)


class StepFailedError(NetworkingError):
    """The host refused a step. ``words``: the message of the kernel or Open vSwitch; ``errno``: 0 for none."""

    def __init__(self, step: Step | OvsdbStep | None, words: str, number: int = 0) -> None:
        super().__init__(f"{step}: {words}" if step else words)
        self.step = step
        self.words = words
        self.errno = number


def execute(steps: Sequence[Step], handles: Handles, progress: Callable[[int], None] = lambda _: None) -> None:
    """Execute the steps in order; ``progress`` is called with the number of finished steps from time to time.

    Raises StepFailedError for the first refused step.
    """
    _Execution(handles, progress).run(steps)


def prepare() -> None:
    """Settings that the execution of steps needs; called once when the agent starts, in the host's namespace.

    promote_secondaries (networking/ip-sysctl.rst): without it, the kernel silently removes all secondary IPv4
    addresses of a subnet together with the primary one.
    """
    write_setting("net/ipv4/conf/all/promote_secondaries", "1")


class _Execution:
    """One execution of a list of steps.

    Kernel steps and OVS steps are collected in a batch each until a step of the other kind comes or the batch is full.
    """

    def __init__(self, handles: Handles, progress: Callable[[int], None]) -> None:
        self._handles = handles
        self._progress = progress
        self._done = 0
        links = dump_links(handles.netlink)
        self._held = handles.held.update(handles.netlink)
        self._dynamic: dict[str, tuple[Address, ...]] = {}
        self._given: dict[str, set[Address]] = {}
        self._encoder: Encoder | None = self._encode(links)  # None: the links may have changed
        self._kernel: list[tuple[KernelStep, Requests]] = []
        self._waiting = 0  # number of requests in the batch
        self._ovs: list[OvsdbStep] = []
        self._announced: list[Announce] = []
        self._ovs_internal: set[str] | None = None
        self._ipv6 = Ipv6Watch(links)

    def run(self, steps: Sequence[Step]) -> None:
        if any(isinstance(step, AddAddress | SetDhcp) for step in steps):
            self._dynamic.update(dynamic_addresses(self._handles))
        for step in steps:
            if isinstance(step, Announce):
                self._announced.append(step)
                continue
            self._send_announced()
            if self._is_for_ovs(step):
                self._send_kernel()
                self._ovs.append(step)
            elif isinstance(step, SetAutoconf | SetDhcp | SetDns):
                self._flush()
                self._do_system(step)
            else:
                self._send_ovs()
                self._add_kernel(cast("KernelStep", step))  # all remaining kinds
        self._flush()
        self._send_announced()

    def _encode(self, links: Sequence[RawLink]) -> Encoder:
        return Encoder(self._handles.netlink, links, self._held, self._dynamic)

    def _flush(self) -> None:
        self._send_kernel()
        self._send_ovs()

    def _report(self, steps: int) -> None:
        self._done += steps
        self._progress(self._done)

    def _add_kernel(self, step: KernelStep) -> None:
        # Options are compared with those of the link, so all earlier steps must have been executed.
        if isinstance(step, SetBondOptions | SetBridgeOptions) or self._ipv6.must_wait_with(step):
            self._send_kernel()
        if self._encoder is None:
            self._encoder = self._encode(dump_links(self._handles.netlink))
        if isinstance(step, AddAddress):
            self._given.setdefault(step.name, set()).add(step.address)
        try:
            requests = self._encoder.requests(step)
        except (ImpossibleStepError, nl.NetlinkError) as error:
            self._send_kernel()
            raise StepFailedError(step, str(error), error.errno or 0) from error
        except (ValueError, OverflowError, struct.error) as error:
            self._send_kernel()
            raise StepFailedError(step, f"no such value: {error}", errno.EINVAL) from error
        if self._waiting + len(requests) > nl.BATCH:
            self._send_kernel()
        self._kernel.append((step, requests))
        self._waiting += len(requests)
        if self._ipv6.must_watch(step):
            self._send_kernel()
            self._ipv6.update(dump_links(self._handles.netlink))

    def _send_kernel(self) -> None:
        batch, self._kernel, self._waiting = self._kernel, [], 0
        if batch:
            step_of = [step for step, requests in batch for _ in requests]
            sent = [request for _, requests in batch for request in requests]
            refused = self._handles.netlink.send(sent)
            self._stop_clients_of_removed(batch)
            failed = [step_of[one.position] for one in refused]
            self._ipv6.created(
                step.link.name for step, _ in batch if isinstance(step, CreateLink) and step not in failed
            )
            if refused:
                module = lacking(sent[refused[0].position], refused[0])
                words = f"this kernel cannot shape traffic: it has no module {module}. " if module else ""
                raise StepFailedError(failed[0], words + refused[0].words, refused[0].errno)
            self._report(len(batch))

    def _stop_clients_of_removed(self, batch: Sequence[tuple[KernelStep, Requests]]) -> None:
        for step, _ in batch:
            if isinstance(step, DeleteLink):
                self._handles.dhcp.stop(step.name)

    def _stop_clients_of_missing(self) -> None:
        """Stop the DHCP clients of internal ports that were removed, also with their bridge."""
        clients = self._handles.dhcp.running()
        if clients:
            for name in clients.keys() - {link.name for link in dump_links(self._handles.netlink)}:
                self._handles.dhcp.stop(name)

    def _is_for_ovs(self, step: Step) -> TypeGuard[OvsdbStep]:
        """OVS's own steps, and MTU and MAC of its internal ports.

        OVS sets those itself, and reverts changes by others.
        """
        if isinstance(step, _OVS_STEPS):
            return True
        if not isinstance(step, SetMtu | SetMac) or not self._handles.ovsdb:
            return False
        if self._ovs_internal is None:
            _, ports, _ = self._handles.ovsdb.observe()
            self._ovs_internal = {name for name, port in ports.items() if port.is_internal}
        return step.name in self._ovs_internal or any(
            isinstance(other, CreateOvsPort) and other.port.is_internal and other.port.name == step.name
            for other in self._ovs
        )

    def _send_ovs(self) -> None:
        batch, self._ovs = self._ovs, []
        if not batch:
            return
        if not self._handles.ovsdb:
            raise StepFailedError(batch[0], "this host has no Open vSwitch")
        try:
            self._handles.ovsdb.execute(batch, [link.name for link in dump_links(self._handles.netlink)])
        except OvsStepError as error:
            raise StepFailedError(error.step or batch[0], error.reason) from error
        except OvsdbError as error:
            raise StepFailedError(batch[0], str(error)) from error
        self._ovs_internal = None
        self._encoder = None
        must_watch = [self._ipv6.must_watch(step) for step in batch]
        self._ipv6.created(
            step.port.name for step in batch if isinstance(step, CreateOvsPort) and step.port.is_internal
        )
        if any(must_watch):
            self._ipv6.update(dump_links(self._handles.netlink))
        self._stop_clients_of_missing()
        self._report(len(batch))

    def _send_announced(self) -> None:
        batch, self._announced = self._announced, []
        if not batch:
            return
        self._flush()
        present = {link.name for link in dump_links(self._handles.netlink)}
        for step in batch:
            if step.name not in present:
                raise StepFailedError(step, f"there is no link {step.name}", errno.ENODEV)
        self._handles.announcer.announce({step.name for step in batch})
        self._report(len(batch))

    def _do_system(self, step: SystemStep) -> None:
        try:
            match step:
                case SetAutoconf(name, on):
                    _set_autoconf(self._handles.netlink, name, on=on)
                case SetDhcp():
                    self._set_dhcp(step)
                case SetDns(servers):
                    self._handles.resolver.write(servers)
        except (OSError, DhcpError) as error:
            raise StepFailedError(step, str(error), getattr(error, "errno", 0) or 0) from error
        self._report(1)

    def _set_dhcp(self, step: SetDhcp) -> None:
        """A client releases its lease, unless an address has become permanent or the next client keeps it: then it ends
        without releasing, and its remaining addresses and routes are removed here.
        """
        dhcp, netlink, name = self._handles.dhcp, self._handles.netlink, step.name
        before = dhcp.running().get(name, (False, False, False))
        if before == (step.dhcp4, step.dhcp6, step.leased_default):
            return
        leased = set(self._dynamic.get(name, ()))
        given = self._given.get(name, set())
        kept = leased & given
        has_given = not {one.ip for one in leased}.isdisjoint(one.ip for one in given)
        is_silent = has_given or (before[0] and step.dhcp4) or (before[1] and step.dhcp6)
        dhcp.stop(name, release=not is_silent)
        if is_silent:
            index = if_nametoindex(name)
            netlink.send([subnet_route(index, one) for one in kept if one.version == IPV4])
            ended = {4} if before[0] and not step.dhcp4 else set()
            ended |= {6} if before[1] and not step.dhcp6 else set()
            _clear(netlink, index, ended, [one for one in leased - kept if one.version in ended])
            if not step.leased_default:
                _remove_routes(netlink, dump_leased_routes(netlink, index, AF_INET, default_only=True))
        dhcp.start(name, dhcp4=step.dhcp4, dhcp6=step.dhcp6, leased_default=step.leased_default)


def _clear(netlink: nl.Netlink, index: int, versions: Collection[int], addresses: Iterable[Address]) -> None:
    """Remove the addresses and routes of a client that ended without releasing its lease."""
    for version in versions:
        family = AF_INET if version == IPV4 else AF_INET6
        _remove_routes(netlink, dump_leased_routes(netlink, index, family, default_only=False))
    netlink.send([nl.Request(nl.RTM_DELADDR, address_message(index, address)) for address in addresses])


def _remove_routes(netlink: nl.Netlink, messages: Iterable[bytes]) -> None:
    netlink.send([nl.Request(nl.RTM_DELROUTE, message) for message in messages])


def _set_autoconf(netlink: nl.Netlink, name: str, *, on: bool) -> None:
    """Accept router advertisements (with 2 and not 1: also on a host that forwards), or not.

    Switching it off also removes the addresses from advertisements, which would otherwise stay for days. They are
    identified by ``IFA_PROTO`` (Linux 5.18); older kernels keep them for their lifetime.
    """
    path = accept_ra(name)
    if not (Path("/proc/sys") / path).exists():
        raise FileNotFoundError(f"{name} has no IPv6 (its MTU is below 1280, or IPv6 is disabled)")
    write_setting(path, "2" if on else "0")
    if not on:
        advertised = [nl.Request(nl.RTM_DELADDR, message) for message in dump_advertised(netlink, if_nametoindex(name))]
        if advertised:
            netlink.send(advertised)  # for an address that has expired meanwhile, the refusal is ignored

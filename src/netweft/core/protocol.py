"""The values that travel between engine and agent (JSON over HTTPS with mutual TLS).

``GET /v1/host`` -> :class:`HostReport`, with its tag as ``ETag`` and the agent's newest event as :data:`EVENT_HEADER`;
304 with the latter alone when ``If-None-Match`` names that tag. ``GET /v1/counters`` -> a :class:`LinkCounters` for
each link by name. ``GET /v1/host/change`` -> :class:`Progress`, without observing the host; with
``?generation=G&phase=P&wait=S``, the state known to the caller, the answer waits up to S seconds until there is another
change, or the change waits for its confirmation or has ended in another phase. While a change is in progress the answer
is sent after :data:`PROGRESS_EVERY` if the phase has changed by then.

``PUT /v1/host`` (:class:`ChangeRequest`) -> 202 and :class:`Change`; 409 with :class:`Refusal` for an older generation,
while another change is under way, or when the host has changed since it was observed; repeating the request of the
current generation answers as the first time. ``POST /v1/host/confirm`` and ``/rollback`` (:class:`GenerationRef`) ->
:class:`Change`; a confirmation on a connection that was opened before the change was applied gets 409. ``POST
/v1/host/commit`` -> :class:`Change`: what runs now is what boot restores. ``GET /v1/events?after=N&wait=S`` ->
:class:`EventPage` (long poll). ``GET /v1/guests`` -> list of :class:`GuestState`; ``PUT /v1/guests/{id}``
(:class:`GuestSpec`) starts it or makes a running one's vNICs equal to the spec, as far as a vNIC can change while it is
plugged in (the answered :class:`GuestState` has them as they are then); ``DELETE /v1/guests/{id}`` stops it (also when
it is not there). ``PUT /v1/functions`` (:class:`FunctionsRequest`) -> the same: the NIC has that many virtual
functions, also after a boot.

``POST /v1/guests/{id}/migrate`` (:class:`Migration`) -> 202 and :class:`GuestState`: the migration begins; an event
``migration`` reports its end, with the reason in ``detail`` when it failed. Until then the source lists the guest, with
``migrating``; after that the target does. ``POST /v1/guests/{id}/suspend`` -> 202 and
:class:`GuestState`: its memory is being saved, and it is listed with ``saving``; an event ``suspend`` reports
the end, with the reason in ``detail`` when the guest continues to run. ``PUT`` resumes a suspended guest, ``DELETE``
deletes it. ``POST /v1/guests/{id}/shutdown`` and ``/reboot`` -> 200 and :class:`GuestState`: the guest was notified;
whether it reacts is not part of the answer. A request for a guest with an older order (:data:`ORDER_HEADER`) than one
that was accepted gets 409.

``POST /v1/certificate`` -> :class:`Credentials`, signing requests for new keys of the host; ``PUT /v1/certificate``
(the certificates, as :class:`Credentials`) -> 204: they are used from the next connection on; repeating it changes
nothing.

Errors are :class:`Refusal` with status 400 (not understood), 404, 409 (state) or 500 (the host could not).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from netweft.core.guest_protocol import GuestState
from netweft.core.host import Host
from netweft.core.interface_cards import InterfaceCard
from netweft.core.neighbours import Neighbours

AGENT_PORT = 54322
"""The default TCP port of an agent."""

ORDER_HEADER = "Netweft-Order"
"""The number of an order for a guest, which increases from one order to the next: a host refuses one that is older than
the last that it accepted for that guest. An older one is from an engine that hung, and whose work another has taken
over.
"""

EVENT_HEADER = "Netweft-Event"
"""``BOOT NUMBER`` of an agent's newest event, from before it observed what it answers: see :class:`EventPage`."""

PROGRESS_EVERY = 0.5
"""Seconds between two answers about a change whose steps are being done."""


class Phase(StrEnum):
    """The phase of a change of a host. Stored on the host's disk before each phase begins."""

    CHECKPOINTED = "checkpointed"
    APPLYING = "applying"
    AWAITING = "awaiting_confirmation"
    CONFIRMED = "confirmed"
    COMMITTED = "committed"
    ROLLING_BACK = "rolling_back"
    ROLLED_BACK = "rolled_back"

    @property
    def is_final(self) -> bool:
        """Whether the change has reached a final phase."""
        return self in {Phase.CONFIRMED, Phase.COMMITTED, Phase.ROLLED_BACK}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRequest:
    """The complete desired Host.

    ``confirm_within``: seconds from the end of the apply to the rollback, 0 to confirm automatically. ``commit``: a
    confirmation also commits.
    """

    generation: int
    desired: Host
    confirm_within: float
    commit: bool = False
    request: str = ""
    """A unique id of the request, returned in :class:`Change`: after a database was restored from a backup, two
    requests may have the same generation.
    """
    seen: str = ""
    """:attr:`HostReport.host_tag` of what ``desired`` was made from; the host refuses (``changed``) when it is not like
    that any more. Empty: whatever it is like.
    """


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Peer:
    """An address next to a host on one of its networks, whatever link carries that. ``network``: its id; ``mac``: whose
    address it was before the change.
    """

    network: str
    address: str
    mac: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """State of the last change.

    ``error``: why it was rolled back; ``difference``: what the rollback could not restore, a line each (empty: verified
    equal to the checkpoint). ``lost_peers``: those that answered before the change and do not since it was kept; None
    while the host still probes them.
    """

    generation: int
    phase: Phase
    started: str
    request: str = ""
    steps_done: int = 0
    steps_total: int = 0
    seconds_left: float | None = None
    error: str = ""
    difference: tuple[str, ...] = ()
    lost_peers: tuple[Peer, ...] | None = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The progress of the last change; ``generation``: of the last accepted request (0: none)."""

    generation: int
    change: Change | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationRef:
    """The change that a confirmation or a rollback refers to."""

    generation: int


class Ability(StrEnum):
    """What a host may lack, and networks may need."""

    BONDING = "bonding"
    VLAN = "vlan"
    OPEN_VSWITCH = "open vswitch"
    OVN = "ovn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a host is and can do."""

    hostname: str
    agent_version: str
    kernel: str
    os_name: str
    os_version: str
    cpu_model: str
    cpu_cores: int
    memory: int
    """Octets."""
    vlan: bool
    bonding: bool
    ovs_version: str = ""
    ovs_datapaths: tuple[str, ...] = ()
    guest_drivers: tuple[str, ...] = ()
    libvirt_version: str = ""
    dhcp_server: bool = False
    """Whether it can serve DHCP to its guests."""
    ovn_version: str = ""
    """The version of the installed ovn-controller, empty for none; whether it runs is reported when it is configured.
    """
    interface_cards: tuple[InterfaceCard, ...] = ()
    """The adapters of a fabric that it has."""
    uuid: str = ""
    """The UUID of its hardware, in lower case, by which a fabric identifies it; empty where it has none."""

    @property
    def lacks(self) -> frozenset[Ability]:
        """What it has reported as unsupported."""
        has = {
            Ability.BONDING: self.bonding,
            Ability.VLAN: self.vlan,
            Ability.OPEN_VSWITCH: bool(self.ovs_version),
            Ability.OVN: bool(self.ovs_version and self.ovn_version),
        }
        return frozenset(ability for ability, can in has.items() if not can)


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionsRequest:
    """How many virtual functions a NIC shall have."""

    nic: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A text in PEM for each purpose: signing requests (of which only the keys count), certificates, or those of the
    authorities.

    ``host``: for the agent's listener; ``libvirt``: for libvirt, which arranges migrations; ``qemu``: for QEMU, which
    sends the memory of guests. Each purpose has an authority of its own, so that none serves for another.
    """

    host: str
    libvirt: str
    qemu: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HostReport:
    """The answer to ``GET /v1/host``.

    ``generation``: of the last accepted request (0: none); ``dirty``: the running state is not the one that boot
    restores. ``guest_addresses``: the observed IP addresses inside running guests, by vNIC. ``is_settled``: no guest
    was being started, changed or stopped meanwhile, so that guests and their ports are consistent. ``neighbours``: the
    LLDP data of the NICs' neighbours, None without lldpd; its age is left out, so that equal reports are equal.
    ``host_tag`` is the tag of ``host``. ``tag`` is that of the whole report: it is sent as the ``ETag``, and the
    receiver puts it here.
    """

    capabilities: Capabilities
    host: Host
    generation: int
    dirty: bool
    change: Change | None = None
    guests: tuple[GuestState, ...] = ()
    guest_addresses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    neighbours: Neighbours | None = None
    is_settled: bool = True
    host_tag: str = ""
    tag: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkCounters:
    """Counters of a link since its creation: octets, and packets for errors and drops.

    ``rx_rate``, ``tx_rate``: octets per second, on average of about the last minute (0 also while unknown).
    """

    rx_bytes: int
    tx_bytes: int
    rx_errors: int
    tx_errors: int
    rx_dropped: int
    tx_dropped: int
    rx_rate: int = 0
    tx_rate: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentEvent:
    """An event on the host: ``link`` (subject: link name), ``address``, ``guest`` (subject: guest id; it ended, or was
    started, changed or stopped), ``migration`` and ``suspend`` (subject: guest id; detail: why the guest stayed, empty
    on success), ``change``, ``host`` (its networking, or its neighbours' data, has changed: read the whole report).
    """

    id: int
    kind: str
    subject: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPage:
    """Events after the requested one, oldest first.

    ``lost``: older ones were dropped in between, so read the whole report. ``boot``: changes with each start of the
    agent.
    """

    boot: str
    events: tuple[AgentEvent, ...]
    lost: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a request was not done.

    ``code``: ``malformed``, ``unknown``, ``stale_generation``, ``busy``, ``changed``, ``old_connection``,
    ``wrong_phase``, ``plan``, ``superseded``, ``failed``.
    """

    code: str
    message: str

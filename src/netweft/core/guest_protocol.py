"""The values about guests that travel between engine and agent: the requests are in :mod:`netweft.core.protocol`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from netweft.core.limits import DEFAULT_MTU


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A limit on a vNIC's traffic as libvirt counts it: ``average`` and ``peak`` in kilobytes a second, ``burst`` in
    kilobytes; 0 for none. (oVirt's Mbit/s times 125, its burst of megabytes times 1000.)
    """

    average: int
    peak: int = 0
    burst: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """An address that a guest gets by DHCP (IPv4) or DHCPv6, with its options.

    ``address``: with its prefix. ``server``: the address of the DHCP server, reserved on the network; empty with IPv6,
    where it is one of the link. ``gateway``: for IPv4 only, since IPv6 routers advertise themselves. ``routes``: pairs
    of destination and next hop, IPv4 only.
    """

    address: str
    server: str = ""
    gateway: str = ""
    dns_servers: tuple[str, ...] = ()
    routes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestNic:
    """A vNIC to plug in.

    ``bridge``: the Linux bridge or OVS bridge, empty for none (the vNIC is there, with its link down); ``tag``: the
    access VLAN on an OVS bridge, with ``trunks`` the VLAN of untagged frames; ``trunks``: the VLANs that pass tagged
    (OVS bridges only; empty: none).

    What follows ``addresses`` means something to the driver ``libvirt`` only. ``model``: the NIC that the guest sees,
    by libvirt's name. ``filter``: one of libvirt's network filters or ``vdsm-no-mac-spoofing``, with its parameters as
    pairs of name and value (a name may come again); filters work on Linux bridges only. ``inbound``: what goes to the
    guest, ``outbound``: what comes from it. ``queues``: pairs of queues of a virtio NIC, 0 for the default.
    ``boot_order``: from 1, 0 for not booted from. ``port``: the id (a UUID) by which a controller of the OVS bridge
    knows the port (external_ids:iface-id), empty for the vNIC's own.
    """

    id: str
    name: str
    mac: str
    bridge: str
    tag: int | None = None
    mtu: int = DEFAULT_MTU
    linked: bool = True
    isolated: bool = False
    addresses: tuple[str, ...] = ()
    """Addresses with prefix to put on the vNIC inside the guest (``namespace`` driver only)."""
    gateways: tuple[str, ...] = ()
    """Where the guest's default routes lead by way of the vNIC, at most one of each IP version (``namespace`` only)."""
    trunks: tuple[int, ...] = ()
    model: str = "virtio"
    filter: str = ""
    filter_parameters: tuple[tuple[str, str], ...] = ()
    inbound: Rate | None = None
    outbound: Rate | None = None
    mirrored: bool = False
    """Whether the vNIC gets a copy of every frame of its network on the host. On an OVS bridge it then only listens:
    what the guest sends is dropped.
    """
    queues: int = 0
    boot_order: int = 0
    port: str = ""
    function: str = ""
    """PCI address of the virtual function that the guest gets as this vNIC; ``bridge`` is empty then, ``tag`` the VLAN
    that the function puts the guest's frames in.
    """
    standby: str = ""
    """Id of the vNIC that takes over while this one's virtual function is away."""
    stands_by: bool = False
    """Whether it is such a vNIC; both have the same MAC address."""
    profile: str = ""
    """The port profile by which ``function``, a dynamic vNIC of a virtual interface card, joins its fabric (802.1Qbh);
    ``bridge`` is then its NIC, through which the guest uses it, or empty where the guest drives it directly.
    """
    guid: str = ""
    """Of the port of ``function``, which is one of InfiniBand; the fabric identifies it by this. ``profile`` is then
    the partition.
    """
    leases: tuple[Lease, ...] = ()
    """What the host serves the guest by DHCP; it answers for no address else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestSpec:
    """A guest to run. ``memory`` in octets.

    ``properties`` are the driver's own. Of ``libvirt``: ``kernel``, ``initrd``, ``cmdline``, ``disk`` (paths on the
    host; a disk's ``disk_format``, ``raw`` if not given), ``machine`` (QEMU's, ``pc`` if not given), ``cpu`` (a model
    by libvirt's name), ``cpu_mode`` (``host_model``, ``host_passthrough`` where no model is given), ``stateless``
    (``true``: what is written to the disk is gone with the run), ``display`` (the address that VNC listens at, none if
    not given).
    """

    id: str
    name: str
    driver: str
    memory: int
    cpus: int = 1
    nics: tuple[GuestNic, ...] = ()
    properties: Mapping[str, str] = field(default_factory=dict)
    paused: bool = False
    """Whether a guest that is started waits, with its vNICs plugged in, until it is put again without this; one that
    runs already, or resumes, runs on. (Only of ``libvirt`` is there anything to pause.)
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestState:
    """A guest that is on the host.

    ``status``: ``up``, ``down`` when it ended by itself and was not stopped since, ``suspended`` when it does not run
    and its memory is saved here.
    """

    id: str
    name: str
    driver: str
    status: str
    nics: tuple[GuestNic, ...] = ()
    error: str = ""
    migrating: bool = False
    saving: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """Where a running guest shall go.

    ``target``: how the libvirt of this host reaches the other's (``qemu+tls://host/system``); the guest's memory is
    sent by TLS too. ``name``: the other host's id, which the certificate of its QEMU must name. ``spec``: the guest as
    it shall be there, with that host's bridges and tags; each network must be implemented as here (Linux bridge or Open
    vSwitch). ``address``: the other host's address that the guest's memory is sent to, empty for the one in ``target``.
    ``bandwidth``: MiB a second, 0 for no limit.
    """

    target: str
    name: str
    spec: GuestSpec
    address: str = ""
    bandwidth: int = 0

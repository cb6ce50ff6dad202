"""The nouns of the fleet file that belong to hosts."""

from __future__ import annotations

from typing import Final

from netweft.core.fleet.declare import HELD_ELSEWHERE, INTEGER_MAX, SECRET, TEXTS, Field, Noun, text
from netweft.core.fleet.values import Choice, Either, Items, Number, Part, Parts, Text, Texts
from netweft.core.limits import PORT_MAX

_PREFIX_MAX = 128
_NIC = Either(
    Text(),
    Parts(
        (
            Part(name="pci_address", kind=Text(), help="Its PCI address, such as 0000:3b:00.0."),
            Part(name="permanent_mac", kind=Text("mac"), help="Its permanent MAC address."),
            Part(name="driver", kind=Text(), help="Its driver, such as ixgbe."),
            Part(name="speed", kind=Number(1, INTEGER_MAX), help="Its speed in Mbit/s."),
        ),
        is_one=True,
    ),
)
"""A NIC by its name, or by what its host reports of it."""
_NIC_HELP = "A NIC by its name, or by facts that exactly one NIC of the host matches."
_ASSIGNMENT = Parts(
    (
        Part(
            name="method",
            kind=Choice(("static", "dhcp", "autoconf", "poly_dhcp_autoconf")),
            help="How the address is assigned.",
            needed=True,
        ),
        Part(name="address", kind=Text("address"), help="The static address."),
        Part(name="pool", kind=Text(), help="Instead of the address: FIRST-LAST, of which a free one is used."),
        Part(name="prefix", kind=Number(0, _PREFIX_MAX), help="The length of its network's prefix."),
        Part(name="gateway", kind=Text("address"), help="The default gateway."),
    )
)
"""How a host gets its address of one IP version on a network."""
_HOST_QOS = Parts(
    (
        Part(name="linkshare", kind=Number(1, 100), help="Share when the link is full."),
        Part(name="upperlimit", kind=Number(0, INTEGER_MAX), help="Mbit/s at most."),
        Part(name="realtime", kind=Number(0, INTEGER_MAX), help="Mbit/s guaranteed."),
    ),
    is_one=True,
)
_BOND = Noun(
    name="host bond",
    key="bonds",
    help="Its bonds.",
    fields=(
        Field(name="slaves", kind=Items(_NIC), help=f"Its NICs. {_NIC_HELP}", needed=True),
        Field(name="options", kind=Texts(least=1), help="Options of the bonding driver, mode among them."),
    ),
)
_LABEL = Noun(
    name="host label",
    key="labels",
    help="Its labels: a NIC with a label carries every network of the cluster with the same label.",
    fields=(Field(name="nic", kind=_NIC, help=_NIC_HELP, needed=True),),
)
_ATTACHMENT = Noun(
    name="host attachment",
    key="attachments",
    help="The networks that it carries.",
    fields=(
        Field(name="nic", kind=_NIC, help=f"The bond or NIC that carries it. {_NIC_HELP}", needed=True),
        Field(name="ipv4", kind=_ASSIGNMENT, help="Its IPv4 address; null for none.", can_be_nothing=True),
        Field(name="ipv6", kind=_ASSIGNMENT, help="Its IPv6 address; null for none.", can_be_nothing=True),
        Field(
            name="dns",
            kind=Items(Text("address"), in_order=True, least=1),
            help="Resolvers instead of the network's; null for the network's.",
            can_be_nothing=True,
        ),
        Field(name="qos", kind=_HOST_QOS, help="Limits instead of the network's.", can_be_nothing=True),
        Field(name="properties", kind=Texts(), help="Custom properties, such as bridge_opts."),
    ),
    refers="cluster network",
)
HOST: Final = Noun(
    name="host",
    key="hosts",
    help="Hosts, and their networking.",
    fields=(
        text("cluster", "The cluster it belongs to.", needed=True, refers="cluster"),
        text("address", "Name or address of the host.", needed=True),
        Field(name="ssh_port", kind=Number(1, PORT_MAX), help="Port of its SSH server."),
        text("ssh_fingerprint", "SHA256:... of its SSH host key; empty: the key that it presents next is trusted."),
        Field(name="root_password", kind=SECRET, help=HELD_ELSEWHERE, is_secret=True, only_add=True),
        *TEXTS,
    ),
    nouns=(_BOND, _LABEL, _ATTACHMENT),
)
HOST_NOUNS: Final = (_BOND.name, _LABEL.name, _ATTACHMENT.name)
"""What one change of a host's networking is made of."""

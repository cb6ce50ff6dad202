"""What has changed between two setups of a host, and the request that brings an earlier one back."""

from __future__ import annotations

from netweft.core.host_request import AttachmentChange, BondChange, LabelChange, Ref, SetupRequest
from netweft.core.intent import AttachmentIntent, BondIntent, HostQos, HostSetup, IpAssignment
from netweft.core.setup_history import differences, networks_are_there, restore_request

NAMES = {"n1": "blue", "n2": "red"}
STATIC = IpAssignment(method="static", address="192.0.2.1", prefix=24, gateway="192.0.2.254")
BLUE = AttachmentIntent(id="a1", network_id="n1", nic="eth1", assignments=(STATIC, IpAssignment(version=6)))
RED = AttachmentIntent(
    id="a2",
    network_id="n2",
    nic="bond0",
    assignments=(IpAssignment(method="dhcp"),),
    properties={"bridge_opts": "forward_delay=500"},
    dns=("192.0.2.53",),
    qos=HostQos(link_share=50, upper_limit=1000),
)
GONE = AttachmentIntent(id="a3", network_id="n3", nic="eth3", dns=())
BOND = BondIntent(id="b1", name="bond0", slaves=("eth3", "eth2"), options={"mode": "4"})
EARLIER = HostSetup(attachments=(BLUE, RED), bonds=(BOND,))
LATER = HostSetup(
    attachments=(AttachmentIntent(id="a1", network_id="n1", nic="eth2"), GONE),
    bonds=(BondIntent(id="b1", name="bond0", slaves=("eth4", "eth5"), options={"mode": "1"}),),
)


def test_each_change_is_a_line() -> None:
    assert differences(EARLIER, LATER, NAMES, ({"x": "eth1"}, {"y": "eth1"})) == (
        "network blue: on eth1 became eth2, IPv4 static 192.0.2.1/24 via 192.0.2.254 became none",
        "network n3 was added: on eth3, resolvers none",
        (
            "network red was removed: on bond0, IPv4 dhcp, bridge_opts forward_delay=500, resolvers 192.0.2.53,"
            " share 50, upper limit 1000"
        ),
        "bond bond0: slaves eth2+eth3 became eth4+eth5, mode 4 became 1",
        "label x was removed: on eth1",
        "label y was added: on eth1",
    )
    assert differences(EARLIER, EARLIER, NAMES) == ()


def test_the_request_has_all_changes() -> None:
    request = restore_request(EARLIER, LATER, ({"x": "eth1", "z": "eth2"}, {"y": "eth1", "z": "eth2"}), commit=True)
    assert request == SetupRequest(
        attachments=(
            AttachmentChange(
                network=Ref(id="n1"),
                nic=Ref(name="eth1"),
                assignments=BLUE.assignments,
                properties={},
                dns=None,
                qos=None,
            ),
            AttachmentChange(
                network=Ref(id="n2"),
                nic=Ref(name="bond0"),
                assignments=RED.assignments,
                properties=RED.properties,
                dns=RED.dns,
                qos=RED.qos,
            ),
        ),
        removed=(Ref(id="a3"),),
        bonds=(BondChange(bond=Ref(name="bond0"), slaves=(Ref(name="eth3"), Ref(name="eth2")), options={"mode": "4"}),),
        labels=(LabelChange(label="x", nic=Ref(name="eth1")),),
        removed_labels=("y",),
        commit_on_success=True,
    )


def test_what_is_as_it_was_is_left() -> None:
    """Also labels, of a setup that says nothing of them."""
    assert restore_request(EARLIER, EARLIER, (None, {"y": "eth1"}), commit=False) == SetupRequest()
    request = restore_request(HostSetup(), EARLIER, ({}, {}), commit=False)
    assert (request.removed_bonds, len(request.removed)) == ((Ref(name="bond0"),), 2)


def test_networks_that_are_gone_do_not_come_back() -> None:
    assert networks_are_there(7, []) is None
    problem = networks_are_there(7, ["red", "n3"])
    assert problem is not None
    assert problem.text.endswith("Cluster does not have any more: n3, red.")

"""Labels of NICs: what a request for them becomes, what it leads to, and every rule on them."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest

from netweft.core.errors import ValidationError
from netweft.core.host import Bond, Bridge, Host, Nic, Vlan
from netweft.core.host_labels import expand, propagation
from netweft.core.host_request import (
    AttachmentChange,
    BondChange,
    FinalSet,
    HostView,
    LabelChange,
    NetworkView,
    Ref,
    SetupRequest,
)
from netweft.core.intent import AttachmentIntent, BondIntent, HostIntent, IpAssignment, NetworkIntent
from netweft.core.rules.host_label import nic_has_no_such_label
from netweft.core.rules.setup_networks import validate

DHCP = IpAssignment(method="dhcp")


def network(name: str, vlan: int | None, label: str = "", *roles: str) -> NetworkView:
    intent = NetworkIntent(id=f"id-{name}", name=name, host_side_name=name, vlan=vlan)
    return NetworkView(
        intent=intent, in_cluster=True, label=label, roles=frozenset(roles), is_management="management" in roles
    )


NETWORKS = (
    network("mgmt", None, "out", "management"),
    network("red", 10, "lab"),
    network("blue", 20, "lab"),
    network("show", 30, "view", "display"),
    network("plain", 40),
)
REPORT = Host(
    nics={f"eth{n}": Nic(name=f"eth{n}") for n in range(8)} | {"eth7": Nic(name="eth7", master="virbr0")},
    bonds={"bond0": Bond(name="bond0", mode="active-backup", owner="base")},
    vlans={"eth1.10": Vlan(name="eth1.10", base="eth1", tag=10, owner="id-red")},
    bridges={"virbr0": Bridge(name="virbr0")},
)
BOND0 = BondIntent(id="b0", name="bond0", slaves=("eth4", "eth5"), options={"mode": "1"})
VIEW = HostView(
    id="h",
    name="one",
    status="up",
    intent=HostIntent(
        attachments=(
            AttachmentIntent(id="a-mgmt", network_id="id-mgmt", nic="eth0", assignments=(DHCP,)),
            AttachmentIntent(id="a-red", network_id="id-red", nic="eth1"),
            AttachmentIntent(id="a-blue", network_id="id-blue", nic="eth1"),
        ),
        bonds=(BOND0,),
    ),
    report=REPORT,
    nics={f"n-{name}": name for name in (*REPORT.nics, "bond0", "eth1.10")},
    networks={view.intent.id: view for view in NETWORKS},
    labels={"lab": "eth1", "out": "eth0"},
)
BARE = replace(VIEW, labels={}, intent=replace(VIEW.intent, attachments=VIEW.intent.attachments[:1]))


def labelled(label: str, nic: str) -> SetupRequest:
    return SetupRequest(labels=(LabelChange(label=label, nic=Ref(name=nic)),))


def change(network_: str, nic: str) -> AttachmentChange:
    return AttachmentChange(network=Ref(name=network_), nic=Ref(name=nic))


def checked(request: SetupRequest, view: HostView = VIEW) -> FinalSet:
    numbers = count(1)
    return validate(view, request, lambda: f"new-{next(numbers)}")


def carried(final: FinalSet) -> dict[str, str]:
    return {one.network_id.removeprefix("id-"): one.nic for one in final.attachments}


def test_a_label_brings_its_networks() -> None:
    final = checked(labelled("lab", "eth2"), BARE)
    assert carried(final) == {"mgmt": "eth0", "red": "eth2", "blue": "eth2"}
    assert final.labels == {"lab": "eth2"}
    assert final.needs_host


def test_a_label_that_moves_takes_its_networks_along() -> None:
    final = checked(labelled("lab", "eth2"))
    assert carried(final) == {"mgmt": "eth0", "red": "eth2", "blue": "eth2"}
    assert final.touched == {"a-red", "a-blue"}


def test_a_label_that_is_removed_takes_its_networks_away_but_for_the_management_network() -> None:
    final = checked(SetupRequest(removed_labels=("lab", "out")))
    assert (carried(final), final.labels) == ({"mgmt": "eth0"}, {})


def test_labels_that_bring_nothing_need_no_host() -> None:
    for request in (labelled("other", "eth1"), labelled("lab", "eth1"), SetupRequest(removed_labels=("out",))):
        assert not checked(request).needs_host


def test_the_request_overrides_labels() -> None:
    removing = SetupRequest(removed_labels=("lab",), attachments=(change("red", "eth3"),), removed=(Ref(name="blue"),))
    assert expand(VIEW, removing) == removing
    assert carried(checked(removing)) == {"mgmt": "eth0", "red": "eth3"}
    adding = replace(labelled("lab", "eth2"), attachments=(change("red", "eth2"),))
    assert [one.network for one in expand(BARE, adding).attachments] == [Ref(name="red"), Ref(id="id-blue")]


def test_a_network_that_needs_an_address_uses_dhcp_by_default() -> None:
    (asked,) = expand(VIEW, labelled("view", "eth2")).attachments
    assert asked.assignments == (DHCP,)
    has = AttachmentIntent(id="a-show", network_id="id-show", nic="eth3", assignments=(replace(DHCP, version=6),))
    before = replace(VIEW, intent=replace(VIEW.intent, attachments=(*VIEW.intent.attachments, has)))
    (final,) = (one for one in checked(labelled("view", "eth2"), before).attachments if one.id == "a-show")
    assert (final.nic, final.assignments) == ("eth2", has.assignments)


def test_a_label_on_a_new_bond_and_one_that_goes_with_its_bond() -> None:
    bond = BondChange(bond=Ref(name="bond1"), slaves=(Ref(name="eth2"), Ref(name="eth3")))
    made = checked(replace(labelled("lab", "bond1"), bonds=(bond,)), BARE)
    assert carried(made) == {"mgmt": "eth0", "red": "bond1", "blue": "bond1"}
    with_label = replace(VIEW, labels={"other": "bond0"})
    assert checked(SetupRequest(removed_bonds=(Ref(name="bond0"),)), with_label).labels == {}


def test_what_labels_mean_for_a_host_that_lacks_networks() -> None:
    lacking = replace(VIEW, intent=replace(VIEW.intent, attachments=VIEW.intent.attachments[:2]))
    assert carried(checked(propagation(lacking, ()), lacking)) == {"mgmt": "eth0", "red": "eth1", "blue": "eth1"}
    assert not checked(propagation(VIEW, ())).needs_host
    pulled_out = replace(lacking, labels={"lab": "eth99"})
    assert propagation(pulled_out, ()) == SetupRequest(commit_on_success=True)
    unlabelled = replace(VIEW, networks={**VIEW.networks, "id-red": replace(VIEW.networks["id-red"], label="")})
    assert carried(checked(propagation(unlabelled, ("id-red",)), unlabelled)) == {"mgmt": "eth0", "blue": "eth1"}


def test_a_nic_gets_a_label_once_and_a_host_too() -> None:
    assert nic_has_no_such_label("eth1", "new", VIEW.labels) is None
    for nic, code in (("eth1", "INTERFACE_ALREADY_LABELED"), ("eth2", "OTHER_INTERFACE_ALREADY_LABELED")):
        problem = nic_has_no_such_label(nic, "lab", VIEW.labels)
        assert problem is not None
        assert (problem.code, "eth1" in problem.text) == (code, True)


WITH_SHORT_BOND = replace(
    VIEW, labels={"other": "bond0"}, intent=replace(VIEW.intent, bonds=(replace(BOND0, slaves=("eth4",)),))
)
MODE0 = replace(BARE, intent=replace(BARE.intent, bonds=(replace(BOND0, options={"mode": "0"}),)))

REFUSED: dict[str, tuple[SetupRequest, HostView, str]] = {
    "format": (labelled("a b", "eth1"), VIEW, "NETWORK_LABEL_FORMAT_INVALID"),
    "C1": (
        SetupRequest(labels=(LabelChange(label="lab", nic=Ref(id="n-eth1", name="eth2")),)),
        VIEW,
        "NIC_LABEL_REFERENCES_NICS_INCOHERENTLY",
    ),
    "C2": (labelled("lab", "eth99"), VIEW, "INTERFACE_ON_NIC_LABEL_NOT_EXIST"),
    "C2 unknown id": (
        SetupRequest(labels=(LabelChange(label="lab", nic=Ref(id="nothing")),)),
        VIEW,
        "INTERFACE_ON_NIC_LABEL_NOT_EXIST",
    ),
    "C2 removed": (
        replace(labelled("other", "bond0"), removed_bonds=(Ref(name="bond0"),)),
        VIEW,
        "INTERFACE_ON_NIC_LABEL_NOT_EXIST",
    ),
    "C3 VLAN": (labelled("other", "eth1.10"), VIEW, "LABEL_ATTACH_TO_IMPROPER_INTERFACE"),
    "C3 slave": (labelled("other", "eth4"), VIEW, "LABEL_ATTACH_TO_IMPROPER_INTERFACE"),
    "C4": (SetupRequest(), WITH_SHORT_BOND, "IMPROPER_BOND_IS_LABELED"),
    "C5": (SetupRequest(removed_labels=("nothing",)), VIEW, "LABEL_NOT_EXIST_IN_HOST"),
    "C6": (replace(labelled("lab", "eth2"), removed_labels=("lab",)), VIEW, "PARAMS_CONTAIN_DUPLICATE_LABELS"),
    "D9": (
        replace(labelled("lab", "eth2"), attachments=(change("red", "eth3"),)),
        BARE,
        "NETWORK_SHOULD_BE_ATTACHED_VIA_LABEL_TO_ANOTHER_NIC",
    ),
    "D17": (
        SetupRequest(attachments=(change("red", "eth2"),)),
        VIEW,
        "CANNOT_MOVE_LABELED_NETWORK_TO_ANOTHER_NIC",
    ),
    "E": (SetupRequest(removed=(Ref(name="red"),)), VIEW, "CANNOT_REMOVE_LABELED_NETWORK_FROM_NIC"),
    "F": (
        SetupRequest(bonds=(BondChange(bond=Ref(name="bond1"), slaves=(Ref(name="eth2"), Ref(name="eth3"))),)),
        replace(BARE, labels={"other": "eth2"}),
        "NETWORK_BOND_SLAVE_IS_LABELED",
    ),
    "N": (labelled("lab", "bond0"), MODE0, "INVALID_BOND_MODE_FOR_BOND_WITH_LABELED_VM_NETWORK"),
    "O": (labelled("other", "eth7"), VIEW, "NIC_CARRIES_UNMANAGED_NETWORK"),
}


@pytest.mark.parametrize("rule", REFUSED)
def test_refused(rule: str) -> None:
    request, view, code = REFUSED[rule]
    with pytest.raises(ValidationError) as refusal:
        checked(request, view)
    assert refusal.value.code == code

"""Following links: what is put in place, and that the number of queries does not grow with the answer."""

from __future__ import annotations

import ovirtsdk4
import pytest

from api.served import Client, Engine
from api.walk import populate
from statements_seen import statements_seen

pytestmark = pytest.mark.both_databases

FOLLOWED = {
    "networks": "vnic_profiles,data_center",
    "vms": "nics.vnic_profile,cluster",
    "hosts": "nics.network_attachments,nics.network_labels,network_attachments,cluster.networks.network_labels",
}


def test_links_and_references_are_put_in_place(engine: Engine, sdk: ovirtsdk4.Connection, client: Client) -> None:
    populate(engine)
    network = sdk.system_service().networks_service().list(follow="vnic_profiles,datacenter")[0]
    assert (network.vnic_profiles[0].name, network.data_center.name) == ("ovirtmgmt", "Default")
    vm = sdk.system_service().vms_service().list(follow="nics.vnic_profile")[0]
    assert vm.nics[0].vnic_profile.name == "ovirtmgmt"
    assert client.xml("vnicprofiles", follow="permissions.role")[0].findtext("permissions/permission/role/name")
    label = '<network_label id="blue"/>'
    client.post_xml(f"networks/{network.id}/networklabels", label)
    (cluster,) = client.xml("clusters", follow="networks.network_labels")
    assert cluster.find("networks/network/network_labels/network_label").get("id") == "blue"
    with engine.client(Filter="true") as filtered:
        assert filtered.xml("vms", follow="nics")[0].find("nics/nic") is not None


@pytest.mark.parametrize("noun", FOLLOWED)
def test_the_number_of_queries_does_not_grow(engine: Engine, client: Client, noun: str) -> None:
    populate(engine)
    counts = []
    client.xml(noun)  # so that connections that are kept are there
    for number in range(2, 5):
        with statements_seen() as seen:
            client.xml(noun, follow=FOLLOWED[noun])
        counts.append(len(seen))
        for copy in range(3):
            grow(client, noun, f"{number}{copy}")
    assert len(set(counts)) == 1, counts
    assert counts[0] > 1


def grow(client: Client, noun: str, name: str) -> None:
    if noun == "networks":
        client.post_xml(noun, f"<network><name>n{name}</name><data_center><name>Default</name></data_center></network>")
    elif noun == "vms":
        cluster = "<cluster><name>Default</name></cluster><template><name>Blank</name></template>"
        client.post_xml(noun, f"<vm><name>vm{name}</name>{cluster}</vm>")
    else:
        cluster = "<cluster><name>Default</name></cluster>"
        client.post_xml(noun, f"<host><name>host{name}</name><address>192.0.2.{name}</address>{cluster}</host>")

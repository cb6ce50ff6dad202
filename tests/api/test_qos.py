"""QoS, and profiles with QoS and failover, through the API."""

from __future__ import annotations

import ovirtsdk4
import ovirtsdk4.types as t
import pytest
from sqlalchemy import select, update

import rows
from api.served import Client, Engine
from api.test_networks import add as add_network
from api.test_networks import counts, refused
from netloom.engine.model.clusters import clusters
from netloom.engine.model.events import events
from netloom.engine.model.qos import qoss
from netloom.engine.model.vms import vms
from netloom.engine.model.vnics import vnics

LIMITS = {
    f"{way}_{kind}": value
    for way in ("inbound", "outbound")
    for kind, value in (("average", 10), ("peak", 20), ("burst", 5))
}
PASSTHROUGH = "<pass_through><mode>enabled</mode></pass_through>"


def xml_of(name: str, kind: str = "network", **limits: int) -> str:
    inside = "".join(f"<{limit}>{value}</{limit}>" for limit, value in limits.items())
    return f"<qos><name>{name}</name><type>{kind}</type>{inside}</qos>"


def path_of(client: Client) -> str:
    return f"datacenters/{client.first_id('datacenters')}/qoss"


def test_the_life_of_a_qos(engine: Engine, sdk: ovirtsdk4.Connection) -> None:
    (data_center,) = sdk.system_service().data_centers_service().list()
    service = sdk.system_service().data_centers_service().data_center_service(data_center.id).qoss_service()
    assert service.list() == []
    made = service.add(t.Qos(name="calm", description="d", type=t.QosType.NETWORK, **LIMITS))
    one = service.qos_service(made.id)
    shown = one.get()
    assert {limit: getattr(shown, limit) for limit in LIMITS} == LIMITS
    assert (shown.name, shown.type, shown.data_center.id) == ("calm", t.QosType.NETWORK, data_center.id)
    assert one.update(shown).inbound_average == 10
    assert one.update(t.Qos(name="calmer", inbound_average=1)).inbound_average == 1
    share = service.add(
        t.Qos(
            name="share",
            type=t.QosType.HOSTNETWORK,
            outbound_average_linkshare=50,
            outbound_average_upperlimit=1000,
            outbound_average_realtime=500,
        )
    )
    assert [qos.name for qos in service.list()] == ["calmer", "share"]
    service.qos_service(share.id).remove()
    with pytest.raises(ovirtsdk4.NotFoundError):
        service.qos_service(share.id).get()
    with engine.db.read() as tx:
        codes = tx.scalars(select(events.c.code).order_by(events.c.id.desc()).limit(4)).all()
    assert codes == [10112, 10110, 10104, 10100]


def test_what_qos_refuse(engine: Engine, client: Client) -> None:
    path = path_of(client)
    made = client.post_xml(path, xml_of("calm", **LIMITS)).get("id")
    other = client.post_xml(path, xml_of("other")).get("id")
    before = stored(engine)
    for body, expected in (
        (xml_of(""), "name may not be empty"),
        (xml_of("calm"), "The QoS name 'calm' is already used"),
        (xml_of("q", "cpu"), "A QoS of the type 'cpu' is not possible"),
        (xml_of("q", inbound_average=1), "The inbound traffic needs average, peak and burst together"),
        (xml_of("q", **{**LIMITS, "outbound_peak": 9}), "The outbound peak of 9 Mbit/s is below the average of 10"),
        (xml_of("q", **{**LIMITS, "inbound_average": 17180}), "inbound_average cannot be 17180. Use 0 to 17179"),
        (xml_of("q", **{**LIMITS, "inbound_burst": -1}), "inbound_burst cannot be -1"),
        (xml_of("q", outbound_average_linkshare=1), "A QoS of the type 'network' has no outbound_average_linkshare"),
        (xml_of("q", "hostnetwork"), "needs outbound_average_linkshare"),
        (xml_of("q", "hostnetwork", outbound_average_linkshare=101), "Use 1 to 100"),
        (
            xml_of(
                "q",
                "hostnetwork",
                outbound_average_linkshare=1,
                outbound_average_upperlimit=1,
                outbound_average_realtime=2,
            ),
            "The upper limit of 1 Mbit/s is below the promised 2 Mbit/s",
        ),
    ):
        refused(client, "POST", path, body, expected)
    for body, expected in (
        ("<qos><name>calm</name></qos>", "The QoS name 'calm' is already used"),
        ("<qos><type>hostnetwork</type></qos>", "cannot become one of the type 'hostnetwork'"),
        ("<qos><inbound_peak>1</inbound_peak></qos>", "needs average, peak and burst together"),
    ):
        refused(client, "PUT", f"{path}/{other}", body, expected)
    assert client.post(path, content="<qos><name>n</name></qos>").status_code == 400
    assert client.post(path, content=xml_of("q", "nothing")).status_code == 400
    client.put_xml(f"{path}/{made}", client.get(f"{path}/{made}").text)
    for method, gone in (
        ("GET", f"{path}/x"),
        ("PUT", f"{path}/x"),
        ("DELETE", f"{path}/x"),
        ("GET", "datacenters/x/qoss"),
    ):
        body = b"<qos/>" if method == "PUT" else None
        assert client.request(method, gone, content=body).status_code == 404
    assert stored(engine) == before


def stored(engine: Engine) -> list[tuple[object, ...]]:
    with engine.db.read() as tx:
        return [tuple(row) for row in tx.execute(select(qoss).order_by(qoss.c.name))]


def test_profiles_with_qos(engine: Engine, client: Client) -> None:
    add_network(client, "tenants")
    profile = client.first_id("vnicprofiles", search="name=tenants")
    path, share_body = path_of(client), xml_of("share", "hostnetwork", outbound_average_linkshare=1)
    calm, share = (str(client.post_xml(path, body).get("id")) for body in (xml_of("calm", **LIMITS), share_body))
    with engine.db.write() as tx:
        vm_id = rows.add_vm(tx, tx.execute(select(clusters.c.id)).scalar_one(), "web")
        tx.execute(update(vms).where(vms.c.id == vm_id).values(status="up"))
        vnic_id = rows.add_vnic(tx, vm_id, profile, "02:00:00:00:00:01")
    here = f"vnicprofiles/{profile}"
    before = counts(engine)
    for qos_id, expected in ((share, "is for networks on hosts"), ("x", "does not exist in the data centre")):
        refused(client, "PUT", here, f'<vnic_profile><qos id="{qos_id}"/></vnic_profile>', expected)
    assert counts(engine) == before
    changed = client.put_xml(here, f'<vnic_profile><qos id="{calm}"/></vnic_profile>')
    assert changed.find("qos").get("href") == f"/ovirt-engine/api/{path}/{calm}"
    assert client.xml(here, follow="qos").findtext("qos/inbound_average") == "10"
    with engine.db.write() as tx:
        assert tx.scalar(select(vnics.c.synced).where(vnics.c.id == vnic_id)) is False
        told = tx.execute(select(events.c.severity, events.c.description).where(events.c.code == 11292)).one()
        assert (told.severity, told.description[:22]) == ("alert", "1 vNICs of running VMs")
        tx.execute(update(vnics).values(synced=True))
    client.put_xml(f"{path}/{calm}", "<qos><inbound_average>1</inbound_average></qos>")
    with engine.db.read() as tx:
        assert tx.scalar(select(vnics.c.synced).where(vnics.c.id == vnic_id)) is False
    client.put_xml(here, client.get(here).text)
    assert client.delete(f"{path}/{calm}").status_code == 200
    assert client.xml(here).find("qos") is None


def test_failover_of_passthrough_profiles(engine: Engine, client: Client) -> None:
    network = add_network(client, "tenants")
    virtio = client.first_id("vnicprofiles", search="name=tenants")

    def body(inside: str) -> str:
        return f'<vnic_profile><network id="{network}"/>{inside}</vnic_profile>'

    def failover(profile: str) -> str:
        return f'<failover id="{profile}"/>'

    fast = str(client.post_xml("vnicprofiles", body(f"<name>fast</name>{PASSTHROUGH}{failover(virtio)}")).get("id"))
    assert client.xml(f"vnicprofiles/{fast}").find("failover").get("id") == virtio
    qos = str(client.post_xml(path_of(client), xml_of("calm")).get("id"))
    before = counts(engine)
    for inside, expected in (
        (failover(virtio), "Only a profile with passthrough that is migratable has a failover"),
        (f"{PASSTHROUGH}<migratable>false</migratable>{failover(virtio)}", "Only a profile with passthrough"),
        (f"{PASSTHROUGH}{failover(fast)}", "There is no profile without passthrough with the id"),
        (f"{PASSTHROUGH}{failover('x')}", "There is no profile without passthrough with the id x"),
        (f'{PASSTHROUGH}<qos id="{qos}"/>', "neither port mirroring nor a network filter nor a QoS"),
    ):
        refused(client, "POST", "vnicprofiles", body(f"<name>n</name>{inside}"), expected)
    for profile, inside, expected in (
        (fast, failover(fast), "cannot be its own failover"),
        (virtio, "<name>other</name>", "cannot be changed while it is the failover of: fast"),
    ):
        refused(client, "PUT", f"vnicprofiles/{profile}", f"<vnic_profile>{inside}</vnic_profile>", expected)
    refused(client, "DELETE", f"vnicprofiles/{virtio}", "", "cannot be removed while it is the failover of: fast")
    assert counts(engine) == before
    client.put_xml(f"vnicprofiles/{virtio}", client.get(f"vnicprofiles/{virtio}").text)
    with engine.db.write() as tx:
        cluster_id = tx.execute(select(clusters.c.id)).scalar_one()
        rows.add_vnic(tx, rows.add_vm(tx, cluster_id, "web"), fast, "02:00:00:00:00:01")
    refused(
        client,
        "PUT",
        f"vnicprofiles/{fast}",
        "<vnic_profile><failover/></vnic_profile>",
        "failover cannot change while VMs use it: web",
    )

"""QoS, and profiles with QoS and failover, through the API."""

from __future__ import annotations

import ovirtsdk4
import ovirtsdk4.types as t
import pytest
from sqlalchemy import select, update

import rows
from api.served import Client, Engine
from api.test_networks import add as add_network
from netweft.engine.model.clusters import clusters
from netweft.engine.model.events import events
from netweft.engine.model.qos import qoss
from netweft.engine.model.vms import vms
from netweft.engine.model.vnics import vnics

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


def test_limits_are_removed_by_empty_elements_and_by_null(client: Client) -> None:
    path = path_of(client)
    made = f"{path}/{client.post_xml(path, xml_of('calm', **LIMITS)).get('id')}"
    emptied = "".join(f"<{limit}/>" for limit in LIMITS if limit.startswith("inbound"))
    changed = client.put_xml(made, f"<qos>{emptied}</qos>")
    assert [one.tag for one in changed if one.tag in LIMITS] == [one for one in sorted(LIMITS) if one.startswith("out")]
    nothing = {limit: None for limit in LIMITS if limit.startswith("outbound")}
    answer = client.put(made, json=nothing, headers={"Content-Type": "application/json"})
    assert answer.status_code == 200, answer.text
    assert not set(LIMITS) & {one.tag for one in client.xml(made)}
    refused = client.put(made, content="<qos><inbound_peak>1</inbound_peak><inbound_burst/></qos>")
    assert "needs average, peak and burst" in refused.text


def test_qos_that_are_not_there_or_not_whole(engine: Engine, client: Client) -> None:
    path = path_of(client)
    made = client.post_xml(path, xml_of("calm", **LIMITS)).get("id")
    before = stored(engine)
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
    path = path_of(client)
    calm = str(client.post_xml(path, xml_of("calm", **LIMITS)).get("id"))
    with engine.db.write() as tx:
        vm_id = rows.add_vm(tx, tx.execute(select(clusters.c.id)).scalar_one(), "web")
        tx.execute(update(vms).where(vms.c.id == vm_id).values(status="up"))
        vnic_id = rows.add_vnic(tx, vm_id, profile, "02:00:00:00:00:01")
    here = f"vnicprofiles/{profile}"
    changed = client.put_xml(here, f'<vnic_profile><qos id="{calm}"/></vnic_profile>')
    assert changed.find("qos").get("href") == f"/ovirt-engine/api/{path}/{calm}"
    assert client.xml(here, follow="qos").findtext("qos/inbound_average") == "10"
    with engine.db.write() as tx:
        assert tx.scalar(select(vnics.c.synced).where(vnics.c.id == vnic_id)) is False
        tx.execute(update(vnics).values(synced=True))
    client.put_xml(f"{path}/{calm}", "<qos><inbound_average>1</inbound_average></qos>")
    with engine.db.read() as tx:
        assert tx.scalar(select(vnics.c.synced).where(vnics.c.id == vnic_id)) is False
    client.put_xml(here, client.get(here).text)
    assert client.delete(f"{path}/{calm}").status_code == 200
    assert client.xml(here).find("qos") is None


def test_failover_of_passthrough_profiles(client: Client) -> None:
    network = add_network(client, "tenants")
    virtio = client.first_id("vnicprofiles", search="name=tenants")
    inside = f"<name>fast</name><network id='{network}'/>{PASSTHROUGH}<failover id='{virtio}'/>"
    fast = str(client.post_xml("vnicprofiles", f"<vnic_profile>{inside}</vnic_profile>").get("id"))
    assert client.xml(f"vnicprofiles/{fast}").find("failover").get("id") == virtio
    client.put_xml(f"vnicprofiles/{virtio}", client.get(f"vnicprofiles/{virtio}").text)

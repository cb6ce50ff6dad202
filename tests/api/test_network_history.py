"""What was changed of a network, by whom."""

from __future__ import annotations

from typing import Any

from api.served import Client, Engine


def history(engine: Engine, client: Client, network: str, query: str = "", expect: int = 200) -> Any:
    answer = client.get(f"{engine.url}/netweft/v1/networks/{network}/history{query}")
    assert answer.status_code == expect, answer.text
    return answer.json()


def test_each_change_is_told_with_what_it_changed(engine: Engine, client: Client) -> None:
    where = "<data_center><name>Default</name></data_center>"
    center = client.first_id("/datacenters")
    limits = "<outbound_average_linkshare>50</outbound_average_linkshare>"
    body = f"<qos><name>gold</name><type>hostnetwork</type>{limits}</qos>"
    qos = str(client.post_xml(f"/datacenters/{center}/qoss", body).get("id"))
    network = str(client.post_xml("/networks", f"<network><name>blue</name>{where}</network>").get("id"))
    cluster = client.first_id("/clusters")
    client.post_xml(f"/clusters/{cluster}/networks", f"<network id='{network}'><required>false</required></network>")
    client.put_xml(f"/networks/{network}", f"<network><vlan id='20'/><mtu>9000</mtu><qos id='{qos}'/></network>")
    client.put_xml(f"/networks/{network}", "<network><mtu>9000</mtu></network>")  # which changes nothing
    client.post_xml(f"/networks/{network}/networklabels", "<network_label id='red'/>")
    client.put_xml(f"/clusters/{cluster}/networks/{network}", "<network><required>true</required></network>")
    client.delete(f"/clusters/{cluster}/networks/{network}")
    found = history(engine, client, network)
    assert [one["changes"] for one in found[::-1]] == [
        ["added"],
        ["attached to cluster Default"],
        ["vlan none became 20", "mtu 0 became 9000", "qos none became gold"],
        ["label none became red"],
        ["optional became required in cluster Default"],
        ["detached from cluster Default"],
    ]
    assert {one["user"] for one in found} == {"admin@internal"}
    assert [one["changes"] for one in history(engine, client, network, "?max=1")] == [["detached from cluster Default"]]
    moment = found[3]["at"].replace("+", "%2B")
    assert history(engine, client, network, f"?before={moment}") == found[4:]
    assert "is no date" in history(engine, client, network, "?before=noon", expect=400)["detail"]

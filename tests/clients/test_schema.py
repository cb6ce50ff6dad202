"""The strict check itself: it must find what the SDK's reader lets pass."""

from __future__ import annotations

import pytest

from clients.schema import findings, json_findings, schema

GOOD = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<networks>
    <network href="/ovirt-engine/api/networks/1" id="1">
        <link href="/ovirt-engine/api/networks/1/vnicprofiles" rel="vnicprofiles"/>
        <name>a</name>
        <description></description>
        <mtu>1500</mtu>
        <usages>
            <usage>vm</usage>
        </usages>
        <vlan id="10"/>
        <data_center href="/ovirt-engine/api/datacenters/1" id="1"/>
    </network>
</networks>
"""

MUTATIONS = {
    "an unknown element": ("<name>a</name>", "<nane>a</nane>"),
    "an enum value that does not exist": ("<usage>vm</usage>", "<usage>vn</usage>"),
    "a wrong item": ("<usage>vm</usage>", "<use>vm</use>"),
    "a wrong item of a collection": ("network ", "networc "),
    "an id as element": ('<vlan id="10"/>', "<vlan>\n            <id>10</id>\n        </vlan>"),
    "a scalar as attribute": ('id="1">', 'id="1" name="b">'),
    "an element twice": ("<mtu>1500</mtu>", "<mtu>1500</mtu>\n        <mtu>1500</mtu>"),
    "an empty number": ("<mtu>1500</mtu>", "<mtu></mtu>"),
    "a number that is none": ("<mtu>1500</mtu>", "<mtu>many</mtu>"),
    "not self-closed": ('<vlan id="10"/>', '<vlan id="10"></vlan>'),
    "an unknown link": ('rel="vnicprofiles"', 'rel="vnic_profiles"'),
    "not pretty": ("<name>a</name>\n        <desc", "<name>a</name><desc"),
    "wrong indentation": ("        <mtu>", "    <mtu>"),
    "id before href": (
        'href="/ovirt-engine/api/datacenters/1" id="1"',
        'id="1" href="/ovirt-engine/api/datacenters/1"',
    ),
    "an href with a host": ('href="/ovirt-engine/api/datacenters/1"', 'href="http://x/datacenters/1"'),
    "a namespace": ("<networks>", '<networks xmlns:a="b">'),
    "text in a structure": ("<usages>", "<usages>vm"),
    "not XML": ("</networks>", ""),
}


def test_what_is_right_has_no_findings() -> None:
    assert findings(GOOD.encode()) == []


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_what_is_wrong_is_found(mutation: str) -> None:
    before, after = MUTATIONS[mutation]
    assert before in GOOD
    changed = GOOD.replace(before, after)
    if before == "network ":
        changed = changed.replace("</network>", "</networc>")
    assert findings(changed.encode())


def test_the_schema_is_that_of_the_whole_sdk() -> None:
    assert len(schema().kinds) > 200
    assert len(schema().enums) > 100
    assert schema().roots["host_nics"] == ("many", "HostNic")
    assert schema().kinds["Bonding"].items["slaves"] == "host_nic"


def test_json_has_texts_only() -> None:
    assert json_findings(b'{"network": [{"mtu": "1500", "usages": {"usage": ["vm"]}}]}') == []
    assert json_findings(b'{"mtu": 1500}')
    assert json_findings(b'{"usages": ["vm"], "name": "x"}')

"""XML and JSON from the same declarations: what is written is read again, and both say the same."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.walk import filled
from clients import schema
from netweft.api import json_codec, types, xml_codec
from netweft.api.codec import Form, answer_form, request_form
from netweft.api.schema import Entity, Value, fields_of
from netweft.api.types import Host, Link, Network, Option, Vlan
from netweft.core.errors import MalformedError

KINDS = sorted(
    (kind for kind in vars(types).values() if isinstance(kind, type) and issubclass(kind, Value)),
    key=lambda kind: kind.__name__,
)
KINDS = [kind for kind in KINDS if kind not in {Value, Entity, Link, types.Api}]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_type_survives_both_forms(kind: type[Value]) -> None:
    value = filled(kind, depth=2)
    assert xml_codec.read(xml_codec.write_entity(value, ""), kind) == value
    assert json_codec.read(json_codec.write_entity(value, ""), kind) == value


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_type_is_one_of_the_sdks(kind: type[Value]) -> None:
    """Fields, items, enum values and links are what the SDK knows."""
    how, name = schema.schema().roots.get(kind.meta.tag, ("", ""))
    if kind is types.Enabled:
        return  # one type for several of the SDK's; each is checked where it is used
    assert how == ("many" if kind.meta.plural == kind.meta.tag else "one"), kind.meta.tag
    assert schema.schema().roots[kind.meta.plural] == ("many", name)
    known = schema.schema().kinds[name]
    assert set(kind.meta.rels) <= known.rels | schema.ALSO_LINKS.get(name, set())
    for field in fields_of(kind):
        if field.name in {"id", "href"} or field.struct is Link:
            continue
        assert field.name in known.fields, f"{name}.{field.name}"
        how, of = known.fields[field.name]
        assert (how in {"many", "scalars"}) == field.many, f"{name}.{field.name}"
        if field.many:
            assert known.items[field.name] == field.item
        if field.choices and of != "string":  # of an element of our own
            assert set(field.choices) <= schema.schema().enums[of], f"{name}.{field.name}"


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=30)


@given(
    name=TEXTS,
    comment=TEXTS,
    vlan=st.integers(-(2**63) + 1, 2**63 - 1),
    usages=st.lists(st.sampled_from(["vm", "display"])),
)
@settings(max_examples=300)
def test_any_value_survives_both_forms(name: str, comment: str, vlan: int, usages: list[str]) -> None:
    value = Network(id="1", href="/networks/1", name=name, comment=comment, vlan=Vlan(id=vlan), usages=usages)
    assert xml_codec.read(xml_codec.write_entity(value, ""), Network) == value
    assert json_codec.read(json_codec.write_entity(value, ""), Network) == value
    assert schema.findings(xml_codec.write_entity(value, "")) == []


@given(st.binary(max_size=200))
@settings(max_examples=300)
def test_no_bytes_break_a_reader(body: bytes) -> None:
    for read in (xml_codec.read, json_codec.read):
        with contextlib.suppress(MalformedError):
            read(body, Network)


def test_control_characters_never_reach_an_answer() -> None:
    written = xml_codec.write_entity(Option(name="a\x01b\r\nc", value="\ud800"), "")
    assert xml_codec.read(written, Option) == Option(name="a\ufffdb\r\nc", value="\ufffd")


def test_a_reference_has_no_links() -> None:
    written = xml_codec.write_entity(Host(id="1", href="/hosts/1", name="h"), "/api").decode()
    assert "<link" not in written
    assert 'href="/api/hosts/1" id="1"' in written
    full = xml_codec.write_entity(Host(id="1", href="/hosts/1", name="h", address="a"), "/api").decode()
    assert '<link href="/api/hosts/1/nics" rel="nics"/>' in full
    assert '<link href="/api/hosts/1/setupnetworks" rel="setupnetworks"/>' in full


def test_what_is_followed_is_no_link() -> None:
    network = Network(id="1", href="/networks/1", mtu=0, vnic_profiles=[])
    assert 'rel="vnicprofiles"' not in xml_codec.write_entity(network, "").decode()
    tree = json.loads(json_codec.write_entity(network, ""))
    assert [link["rel"] for link in tree["link"]] == ["networklabels", "permissions"]


def test_json_may_bring_scalars_and_bare_lists() -> None:
    body = b'{"mtu": 1500, "stp": true, "usages": ["vm"], "vlan": {"id": 5}}'
    assert json_codec.read(body, Network) == Network(mtu=1500, stp=True, usages=["vm"], vlan=Vlan(id=5))
    with pytest.raises(MalformedError, match=r"network\.usages"):
        json_codec.read(b'{"usages": {"use": ["vm"]}}', Network)


@pytest.mark.parametrize(
    ("body", "means"),
    [
        ('{"vlan": null}', Network(vlan=Vlan())),
        ('{"vlan": {"id": null}}', Network(vlan=Vlan())),
        ('{"comment": null, "usages": null}', Network(comment="", usages=[])),
        ('{"id": null, "status": null, "required": null, "vnic_profiles": null, "ip": null}', Network()),
        ('{"external_provider": null}', Network(external_provider=types.OpenStackNetworkProvider())),
        ('{"data_center": {"id": "1", "local": null}}', Network(data_center=types.DataCenter(id="1"))),
    ],
)
def test_null_is_an_empty_element(body: str, means: Network) -> None:
    """What is derived, ignored or has one value anyway is not asked for by null; nor is any part of a reference."""
    assert json_codec.read(body.encode(), Network) == means


def test_null_and_an_empty_element_remove_a_limit() -> None:
    json_qos = json_codec.read(b'{"outbound_peak": null}', types.Qos)
    xml_qos = xml_codec.read(b"<qos><outbound_peak/></qos>", types.Qos)
    assert json_qos == xml_qos == types.Qos(outbound_peak=None)


@pytest.mark.parametrize(
    ("kind", "body", "named"),
    [
        (Network, '{"mtu": null}', "network.mtu"),
        (Network, '{"data_center": null}', "network.data_center"),
        (types.Cluster, '{"switch_type": null}', "cluster.switch_type"),
        (types.Vm, '{"cpu": {"topology": null}}', "vm.cpu.topology"),
    ],
)
def test_null_of_what_cannot_be_taken_away_is_refused_by_name(kind: type[Value], body: str, named: str) -> None:
    with pytest.raises(MalformedError, match=f"^{named}: null would remove it"):
        json_codec.read(body.encode(), kind)


def test_an_action_is_given_nothing_by_null() -> None:
    body = b'{"host": null, "async": null, "modified_bonds": null, "reason": null}'
    assert json_codec.read(body, types.Action) == types.Action()


def test_dates_have_a_zone() -> None:
    job = xml_codec.read(b"<job><start_time>2026-01-31T12:00:00</start_time></job>", types.Job)
    assert job == types.Job(start_time=datetime(2026, 1, 31, 12, tzinfo=UTC))


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", Form.XML),
        ("*/*", Form.XML),
        ("application/json", Form.JSON),
        ("application/xml, application/json", Form.XML),
        ("application/json, */*;q=0.5", Form.JSON),
        ("application/xml;q=0.1, application/json;q=0.9", Form.JSON),
        ("text/html", Form.XML),
        ("application/json;q=x", Form.XML),
    ],
)
def test_the_form_of_an_answer(accept: str, form: Form) -> None:
    assert answer_form(accept) is form


def test_the_form_of_a_request() -> None:
    assert request_form("application/xml; charset=utf-8") is Form.XML
    assert request_form("application/vnd.x+json") is Form.JSON

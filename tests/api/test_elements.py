"""What becomes of every element that a request may carry: none is dropped without a word."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET

from api.served import Client, Engine
from api.walk import populate
from clients.schema import schema
from netweft.api import nouns, xml_codec
from netweft.api.element_table import ACTION_IGNORED, ACTIONS, ELEMENTS, EVERY_ACTION, FOREIGN, Elements
from netweft.api.elements import is_part, is_within, values_at
from netweft.api.routes import API
from netweft.api.schema import Entity, Value, fields_of
from netweft.api.types import Action, ClusterNetwork, Nic, Snapshot, Template, TemplateNic, Vm

DECISION = Path(__file__).parents[2] / "docs" / "decisions" / "0006-where-we-differ-from-ovirt.md"
ROUTES = [route for route in nouns.router() if route.takes is not None and route.root == API]
CARRIED = [kind for field in fields_of(Action) if (kind := field.struct) is not None and kind in ELEMENTS]
KINDS: list[type[Value]] = sorted(
    {route.takes for route in ROUTES if route.takes is not Action} | set(CARRIED), key=lambda kind: kind.__name__
)


def leaves(kind: type[Value], before: str = "") -> Iterator[str]:
    """The paths of all elements of a type; a reference, or a list of them, is one."""
    for field in fields_of(kind):
        path = f"{before}{field.name}"
        if field.struct is not None and not issubclass(field.struct, Entity):
            yield from leaves(field.struct, f"{path}.")
        else:
            yield path


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_element_has_one_place(kind: type[Value]) -> None:
    known = ELEMENTS[kind]
    places = (known.stored, known.derived, known.ignored, known.collections, " ".join(known.fixed))
    paths = list(leaves(kind))
    wrong = {path: found for path in paths if (found := sum(is_within(path, place) for place in places)) != 1}
    assert wrong == {}, "give each its place in netweft.api.element_table"
    named = [path for place in places for path in place.split()]
    assert [one for one in named if not any(is_within(path, one) for path in paths)] == [], "there are none such"


def test_every_action_takes_what_its_type_has() -> None:
    names = {field.name for field in fields_of(Action)}
    routed = {route.path.rpartition("/")[2] for route in ROUTES if route.takes is Action}
    assert ACTIONS.keys() <= routed
    taken = {name for text in (EVERY_ACTION, ACTION_IGNORED, *ACTIONS.values()) for name in text.split()}
    assert taken <= names
    # What no action takes is there to be refused by its name.
    assert names - taken == {"grace_period", "pause"}


def parts() -> set[type[Value]]:
    """All types that requests carry, but for mere references."""
    found: set[type[Value]] = set()
    waiting: list[type[Value]] = [route.takes for route in ROUTES if route.takes is not None]
    while waiting:
        kind = waiting.pop()
        if kind not in found:
            found.add(kind)
            waiting += [field.struct for field in fields_of(kind) if field.struct and is_part(kind, field)]
    return found


def test_what_ovirt_has_and_we_have_not_is_refused_by_name() -> None:
    theirs = schema()
    roots = {tag: name for tag, (how, name) in theirs.roots.items() if how == "one"}
    gaps = {}
    for kind in parts():
        other = theirs.kinds.get(kind.__name__) or theirs.kinds.get(roots.get(kind.meta.tag, ""))
        if other is not None:
            missing = set(other.fields) - {field.name for field in fields_of(kind)}
            if missing != set(FOREIGN.get(kind, "").split()):
                gaps[kind.__name__] = sorted(missing)
    assert gaps == {}


def line_of(kind: type[Value], known: Elements) -> str:
    """How decision 6 tells what is read and left of a type."""
    where = "`network` below a cluster" if kind is ClusterNetwork else f"`{kind.meta.tag}`"
    return f"{where}: " + ", ".join(f"`{name}`" for name in known.ignored.split())


def test_decision_6_names_what_is_ignored() -> None:
    text = " ".join(DECISION.read_text().split()) + " "  # wherever its lines are broken
    lines = [line_of(kind, known) for kind, known in ELEMENTS.items() if known.ignored]
    lines.append("`action`: " + ", ".join(f"`{name}`" for name in ACTION_IGNORED.split()))
    assert [line for line in lines if f"- {line} " not in text] == []


@pytest.fixture
def populated(engine: Engine) -> Engine:
    populate(engine)
    return engine


WHERE = {Vm: "/vms", Template: "/templates", Nic: "/vms/{vm}/nics"}


def other_than(kind: type[Value], path: str, only: str) -> Any:
    """A value of the type that says something else at the path."""
    value = kind()
    name, _, rest = path.partition(".")
    field = next(field for field in fields_of(kind) if field.name == name)
    if field.struct is None:
        one = next((choice for choice in field.choices if choice != only), None)
        one = one or {"boolean": only != "true", "integer": 77, "decimal": 7.0}.get(field.kind, "another")
    elif issubclass(field.struct, Entity):
        one = field.struct(id="another")
    else:
        one = other_than(field.struct, rest, only)
    setattr(value, field.attribute, [one] if field.many else one)
    return value


@pytest.mark.usefixtures("populated")
def test_another_value_of_a_fixed_element_is_refused_by_name(client: Client) -> None:
    wrong = []
    for route in ROUTES:
        if route.method != "POST" or route.takes is Action or "{" in route.path:
            continue
        for path, only in ELEMENTS[route.takes].fixed.items():
            body = xml_codec.write_entity(other_than(route.takes, path, only), API)
            answer = client.post(route.path, content=body)
            if answer.status_code != 409 or f"{route.takes.meta.tag}.{path} cannot be" not in answer.text:
                wrong.append(f"{route.path} {path}: {answer.status_code} {answer.text}")
    assert wrong == []


def test_what_is_shown_of_fixed_elements_is_their_only_value(populated: Engine, client: Client) -> None:
    assert populated
    wrong = []
    for route in nouns.router():
        kind = getattr(route.gives, "of", None)
        if route.method != "GET" or route.root != API or kind not in ELEMENTS or "{" in route.path:
            continue
        for entity in client.xml(route.path):
            shown = xml_codec.read(b"<?xml version='1.0'?>" + _text(entity), kind)
            for path, only in ELEMENTS[kind].fixed.items():
                wrong += [f"{route.path} {path}: {said}" for said in values_at(shown, path) if said not in {only, ""}]
    assert wrong == []


def _text(entity: Any) -> bytes:
    from lxml import etree  # noqa: PLC0415 - of this one function

    return etree.tostring(entity)


ASKED = """<vm><name>asked</name><description>d</description><comment>c</comment><cluster><name>Default</name></cluster>
<memory>536870912</memory><console><enabled>true</enabled></console><delete_protected>true</delete_protected>
<stateless>true</stateless><type>desktop</type>
<cpu><mode>host_model</mode><topology><cores>2</cores><sockets>3</sockets><threads>1</threads></topology></cpu>
<custom_properties><custom_property><name>machine</name><value>q35</value></custom_property></custom_properties>
<os><boot><devices><device>network</device><device>hd</device></devices></boot><cmdline>quiet</cmdline>
<initrd>/i</initrd><kernel>/k</kernel><type>rhel_9x64</type></os>
<initialization><authorized_ssh_keys>ssh-ed25519 AAAA</authorized_ssh_keys><custom_script>runcmd: [ls]</custom_script>
<dns_search>example.com</dns_search><dns_servers>192.0.2.53</dns_servers><domain>example.com</domain>
<host_name>web.example.com</host_name><regenerate_ssh_keys>true</regenerate_ssh_keys><timezone>Etc/GMT</timezone>
<user_name>root</user_name><nic_configurations><nic_configuration><boot_protocol>static</boot_protocol>
<ip><address>192.0.2.7</address><gateway>192.0.2.1</gateway><netmask>255.255.255.0</netmask><version>v4</version></ip>
<name>nic1</name><on_boot>true</on_boot></nic_configuration></nic_configurations></initialization></vm>"""


def test_all_that_a_machine_is_asked_to_be_is_shown_again(client: Client) -> None:
    asked = xml_codec.read(ASKED.encode(), Vm)
    told = [path for path in leaves(Vm) if is_within(path, ELEMENTS[Vm].stored) and list(values_at(asked, path))]
    inside = "initialization.nic_configurations."
    assert len([path for path in told if path.startswith(inside)]) == 7
    unsaid = {path for path in leaves(Vm) if is_within(path, ELEMENTS[Vm].stored) and not path.startswith(inside)}
    assert unsaid - set(told) == set(), "the request above says all of them"
    added = client.post("/vms", content=ASKED.encode())
    assert added.status_code == 201, added.text
    for shown in (added, client.get(f"/vms/{xml_codec.read(added.content, Vm).id}")):
        found = xml_codec.read(shown.content, Vm)
        lost = [p for p in told if p != "cluster" and list(values_at(found, p)) != list(values_at(asked, p))]
        assert lost == []


def test_a_change_of_one_element_leaves_the_others(client: Client) -> None:
    vm_id = xml_codec.read(client.post("/vms", content=ASKED.encode()).content, Vm).id
    before = client.get(f"/vms/{vm_id}").text
    said = "<vm><initialization><host_name>db.example.com</host_name></initialization><type>server</type></vm>"
    client.put_xml(f"/vms/{vm_id}", said)
    after = client.get(f"/vms/{vm_id}").text
    assert after == before.replace("web.example.com", "db.example.com").replace("<type>desktop<", "<type>server<")


def test_a_template_and_what_is_made_from_it_have_it_too(client: Client) -> None:
    plain = ASKED.replace("<vm>", "<template>").replace("</vm>", "</template>")
    start, end = plain.index("<initialization>"), plain.index("</initialization>") + len("</initialization>")
    asked = xml_codec.read((plain[:start] + plain[end:]).encode(), Template)
    added = client.post("/templates", content=xml_codec.write_entity(asked, API))
    assert added.status_code == 201, added.text
    told = [path for path in leaves(Template) if is_within(path, ELEMENTS[Template].stored) and path != "cluster"]
    found = xml_codec.read(added.content, Template)
    assert [path for path in told if list(values_at(found, path)) != list(values_at(asked, path))] == []
    body = "<vm><name>child</name><cluster><name>Default</name></cluster><template><name>asked</name></template></vm>"
    child = xml_codec.read(client.post("/vms", content=body.encode()).content, Vm)
    own = {"name", "description", "comment"}
    assert [p for p in told if p not in own and list(values_at(child, p)) != list(values_at(asked, p))] == []


def test_a_clone_is_made_from_blank_and_remembers_what_it_was_cloned_from(client: Client) -> None:
    home = "<cluster><name>Default</name></cluster>"
    template = client.post_xml("/templates", f"<template><name>gold</name>{home}</template>").get("id")
    client.post_xml(f"/templates/{template}/nics", "<nic><name>nic1</name></nic>")
    body = f"<vm><name>one</name>{home}<template id='{template}'/></vm>"
    vm = client.post_xml("/vms?clone=true", body)
    blank = client.first_id("/templates", search="name=Blank")
    assert (vm.find("template").get("id"), vm.find("original_template").get("id")) == (blank, template)
    assert [nic.findtext("name") for nic in client.xml(f"/vms/{vm.get('id')}/nics")] == ["nic1"]
    assert client.delete(f"/templates/{template}").status_code == 200, "nothing depends on it"
    assert client.xml(f"/vms/{vm.get('id')}").find("original_template").get("id") == blank


def test_the_architecture_of_a_cluster_is_kept_and_its_machines_have_it(client: Client) -> None:
    cluster = client.first_id("/clusters")
    shown = client.put_xml(f"/clusters/{cluster}", "<cluster><cpu><architecture>x86_64</architecture></cpu></cluster>")
    assert shown.findtext("cpu/architecture") == "x86_64"
    body = f"<vm><name>one</name><cluster id='{cluster}'/><cpu><architecture>x86_64</architecture></cpu></vm>"
    assert client.post_xml("/vms", body).findtext("cpu/architecture") == "x86_64"
    new = "<cluster><name>racks</name><cpu><architecture>ppc64</architecture></cpu>"
    new += "<data_center><name>Default</name></data_center></cluster>"
    assert client.post_xml("/clusters", new).findtext("cpu/architecture") == "ppc64"


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/vms", "<vm><usb><enabled>true</enabled></usb></vm>", "vm.usb is not supported"),
        ("/vms", "<vm><initialization><root_password>x</root_password></initialization></vm>", "root_password is not"),
        ("/vms/x/start", "<action><volatile>true</volatile></action>", "action.volatile is not supported"),
        ("/vms/x/start", "<action><pause>true</pause></action>", "action.pause is not supported"),
        ("/vms/x/start", "<action><vm><memory>5</memory></vm></action>", "action.vm.memory is not supported"),
        ("/vms/x/stop", "<action><restore_memory>true</restore_memory></action>", "action.restore_memory is not"),
    ],
)
def test_what_is_not_done_is_refused_by_name(client: Client, path: str, body: str, words: str) -> None:
    answer = client.post(path, content=body.encode())
    assert answer.status_code == 409
    assert words in answer.text


def test_what_asks_for_nothing_is_no_reason_to_refuse(client: Client) -> None:
    home = "<cluster><name>Default</name></cluster>"
    nothing = "<usb/><sso><methods/></sso><tunnel_migration>false</tunnel_migration><disk_attachments href='/x'/>"
    client.post_xml("/vms", f"<vm><name>one</name>{nothing}{home}</vm>")
    tree = b'{"name": "two", "cluster": {"name": "Default"}, "usb": {}, "tunnel_migration": "false", "lease": null}'
    answer = client.post("/vms", content=tree, headers={"Content-Type": "application/json"})
    assert answer.status_code == 201, answer.text
    lease = tree.replace(b"null", b'{"storage_domain": {"id": "x"}}').replace(b"two", b"three")
    answer = client.post("/vms", content=lease, headers={"Content-Type": "application/json"})
    assert (answer.status_code, "vm.lease is not supported" in answer.text) == (409, True)


def test_the_table_is_of_types_that_requests_carry() -> None:
    assert set(ELEMENTS) == set(KINDS)
    assert set(FOREIGN) <= parts()
    assert {Snapshot, TemplateNic} <= set(ELEMENTS)
    assert values_at is not UNSET


def test_a_template_has_the_architecture_of_its_cluster(client: Client) -> None:
    cpu = "<cpu><architecture>ppc64</architecture></cpu>"
    body = f"<template><name>gold</name>{cpu}<cluster><name>Default</name></cluster></template>"
    assert "Cluster Default has 'undefined'" in client.post("/templates", content=body.encode()).text
    plain = client.post_xml("/templates", body.replace(cpu, "")).get("id")
    answer = client.put(f"/templates/{plain}", content=f"<template>{cpu}</template>".encode())
    assert (answer.status_code, "cannot be 'ppc64'" in answer.text) == (409, True)

"""Following links: what is put in place, and that the number of queries does not grow with the answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ovirtsdk4
import pytest
from sqlalchemy import event

from api.served import Client, Engine
from api.walk import populate
from netweft.engine.db import Database

FOLLOWED = {
    "networks": "vnic_profiles,data_center",
    "vms": "nics.vnic_profile,cluster",
    "hosts": "nics.network_attachments,network_attachments,cluster",
}


@contextmanager
def statements(db: Database) -> Iterator[list[str]]:
    """The SQL that is sent meanwhile."""
    seen: list[str] = []

    def remember(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    event.listen(db._reader, "before_cursor_execute", remember)
    try:
        yield seen
    finally:
        event.remove(db._reader, "before_cursor_execute", remember)


def test_links_and_references_are_put_in_place(engine: Engine, sdk: ovirtsdk4.Connection, client: Client) -> None:
    populate(engine)
    network = sdk.system_service().networks_service().list(follow="vnic_profiles,datacenter")[0]
    assert (network.vnic_profiles[0].name, network.data_center.name) == ("ovirtmgmt", "Default")
    vm = sdk.system_service().vms_service().list(follow="nics.vnic_profile")[0]
    assert vm.nics[0].vnic_profile.name == "ovirtmgmt"
    assert client.xml("vnicprofiles", follow="permissions.role")[0].findtext("permissions/permission/role/name")
    with engine.client(Filter="true") as filtered:
        assert filtered.xml("vms", follow="nics")[0].find("nics/nic") is not None


@pytest.mark.parametrize("noun", FOLLOWED)
def test_the_number_of_queries_does_not_grow(engine: Engine, client: Client, noun: str) -> None:
    populate(engine)
    counts = []
    for number in range(2, 5):
        with statements(engine.db) as seen:
            client.xml(noun, follow=FOLLOWED[noun])
        counts.append(len(seen))
        for copy in range(3):
            grow(client, noun, f"{number}{copy}")
    assert len(set(counts)) == 1, counts


def grow(client: Client, noun: str, name: str) -> None:
    if noun == "networks":
        client.post_xml(noun, f"<network><name>n{name}</name><data_center><name>Default</name></data_center></network>")
    elif noun == "vms":
        cluster = "<cluster><name>Default</name></cluster><template><name>Blank</name></template>"
        client.post_xml(noun, f"<vm><name>vm{name}</name>{cluster}</vm>")
    else:
        cluster = "<cluster><name>Default</name></cluster>"
        client.post_xml(noun, f"<host><name>host{name}</name><address>192.0.2.{name}</address>{cluster}</host>")

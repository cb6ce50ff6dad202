"""Several clients make vNICs at once: nothing is lost, no MAC address is given twice."""

from __future__ import annotations

import pytest

from api.served import Client, Engine
from many_vnics import make_vnics
from vnic_books import check_books

pytestmark = pytest.mark.both_databases

COUNT, CLIENTS, MACHINES = 400, 8, 16


def test_vnics_by_concurrent_clients_are_neither_lost_nor_doubled(engine: Engine, client: Client) -> None:
    home = "<cluster><name>Default</name></cluster>"
    machines = [
        str(client.post_xml("/vms", f"<vm><name>vm{number}</name>{home}</vm>").get("id")) for number in range(MACHINES)
    ]
    token = client.headers["Authorization"].removeprefix("Bearer ")
    address = engine.url.removeprefix("http://")
    names = make_vnics(address, token, client.first_id("/vnicprofiles"), machines, COUNT, CLIENTS)
    assert len(names) == COUNT
    with engine.db.read() as tx:
        check_books(tx, names)

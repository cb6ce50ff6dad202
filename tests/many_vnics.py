"""Many vNICs made through HTTP by several clients at once, for tests and benchmarks."""

from __future__ import annotations

import http.client
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

AT_ONCE = 5
"""vNICs that one machine gets in a row, each by another client."""


def make_vnics(
    address: str, token: str, profile: str, machines: Sequence[str], count: int, clients: int, first: int = 0
) -> list[str]:
    """Add so many vNICs, numbered from ``first``, to the machines, each client over a connection of its own; returns
    their names.

    Several clients are at each machine at once, so that they are in each other's way.
    """

    def work(client: int) -> list[str]:
        connection = http.client.HTTPConnection(address, timeout=60)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Accept": "application/json"}
        names = []
        for number in range(first + client, first + count, clients):
            names.append(f"nic{number}")
            machine = machines[number // AT_ONCE % len(machines)]
            body = json.dumps({"name": names[-1], "vnic_profile": {"id": profile}})
            connection.request("POST", f"/ovirt-engine/api/vms/{machine}/nics", body, headers)
            answer = connection.getresponse()
            content = answer.read()
            assert answer.status == 201, content
        connection.close()
        return names

    with ThreadPoolExecutor(clients) as pool:
        return list(chain.from_iterable(pool.map(work, range(clients))))

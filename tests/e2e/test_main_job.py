"""Networks are set up on two hosts, guests communicate over them, and isolation holds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from e2e.site import CLUSTER, Site

NETWORKS = {"storage": 100, "tenants": 200}


@pytest.fixture
def guests(whole: Site) -> Iterator[dict[str, str]]:
    """Ids of guests by name: one per host and network, with addresses in one subnet."""
    client = whole.client
    for network, vlan in NETWORKS.items():
        whole.add_network(network, vlan)
    for host in whole.place.hosts:
        assert whole.outcome(whole.attach(*NETWORKS, host=host))["status"] == "finished"
    made: dict[str, str] = {}
    for host in whole.place.hosts:
        for network in NETWORKS:
            name = f"{network}-{host}"
            body = {"name": name, "cluster": {"name": CLUSTER}, "template": {"name": "Blank"}}
            made[name] = client.add("vms", body)["id"]
            profile = client.find("vnicprofiles", network)["id"]
            client.add(f"vms/{made[name]}/nics", {"name": "nic1", "vnic_profile": {"id": profile}})
            client.action(f"vms/{made[name]}/start", {"vm": {"placement_policy": {"hosts": [{"name": host}]}}})
            address = f"192.0.2.{len(made)}/24"
            assert whole.place.run_in_guest(made[name], "ip", "address", "add", address, "dev", "nic1").returncode == 0
    yield made
    for guest in made.values():
        client.action(f"vms/{guest}/stop")
        client.remove(f"vms/{guest}")
    for host in whole.place.hosts:
        whole.detach(*NETWORKS, host=host)


def pings(whole: Site, source: str, target: int) -> bool:
    """Whether guest ``source`` reaches the guest with that number; several tries, as the switch learns."""
    done = whole.place.run_in_guest(source, "ping", "-c", "3", "-i", "0.2", "-W", "1", f"192.0.2.{target}")
    return done.returncode == 0


def test_guests_communicate_within_a_network_only(whole: Site, guests: dict[str, str]) -> None:
    names = list(guests)
    for source in names:
        for number, target in enumerate(names, 1):
            if source != target:
                same = source.split("-")[0] == target.split("-")[0]
                assert pings(whole, guests[source], number) == same, f"{source} -> {target}"


def test_a_vnic_is_unplugged_and_plugged_while_the_guest_runs(whole: Site, guests: dict[str, str]) -> None:
    guest = guests["storage-alpha"]
    nics = f"vms/{guest}/nics"
    nic = whole.client.list(nics)[0]["id"]
    whole.client.action(f"{nics}/{nic}/deactivate")
    assert "nic1" not in whole.place.run_in_guest(guest, "ip", "-br", "link").stdout
    assert whole.client.get(f"{nics}/{nic}")["plugged"] == "false"
    whole.client.action(f"{nics}/{nic}/activate")
    assert whole.place.run_in_guest(guest, "ip", "address", "add", "192.0.2.1/24", "dev", "nic1").returncode == 0
    assert pings(whole, guest, 3)


def test_a_network_in_use_is_not_detached(whole: Site, guests: dict[str, str]) -> None:
    from netweft.client import ApiError  # noqa: PLC0415 (only this test expects a refusal)

    with pytest.raises(ApiError, match="storage-alpha"):
        whole.detach("storage")
    assert "storage" in whole.attached()
    assert guests

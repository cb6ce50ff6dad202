"""The addresses of vNICs: given, kept, taken back, never given twice."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from itertools import chain
from typing import Any

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

import rows
from databases import ON_POSTGRESQL
from meanwhile import meanwhile
from netweft.core.errors import BusyError, ValidationError
from netweft.core.guest_protocol import Lease
from netweft.engine import seed as bootstrap
from netweft.engine.actor import SYSTEM
from netweft.engine.commands import snapshots
from netweft.engine.commands.cluster_networks import AttachNetwork, attach_network
from netweft.engine.commands.clusters import AddCluster, add_cluster
from netweft.engine.commands.networks import AddNetwork, add_network
from netweft.engine.commands.subnets import AddSubnet, UpdateSubnet, add_subnet, remove_subnet, update_subnet
from netweft.engine.commands.templates import AddTemplate, add_template
from netweft.engine.commands.vms import AddVm, UpdateVm, add_vm, remove_vm, update_vm
from netweft.engine.commands.vnics import AddVnic, UpdateVnic, add_vnic, remove_vnic, update_vnic
from netweft.engine.db import Database, Tx
from netweft.engine.model.clusters import clusters
from netweft.engine.model.events import events
from netweft.engine.model.snapshots import snapshot_vnics
from netweft.engine.model.subnets import AddressPool, HostRoute, vnic_addresses
from netweft.engine.model.vnic_profiles import vnic_profiles
from netweft.engine.operations import vnic_addresses as operations
from netweft.engine.queries import subnets as queries
from netweft.engine.queries.references import Ref
from statements_seen import statements_in


def pools(*ranges: tuple[str, str]) -> tuple[AddressPool, ...]:
    return tuple(AddressPool(first=first, last=last) for first, last in ranges)


@dataclass
class Site:
    """Networks in the default cluster, and machines on them."""

    db: Database
    profiles: dict[str, str] = field(default_factory=dict)
    networks: dict[str, str] = field(default_factory=dict)

    def network(self, name: str) -> str:
        with self.db.write() as tx:
            network_id = add_network(tx, SYSTEM, AddNetwork(name=name, data_center=Ref(name="Default"))).id
            cluster_id = tx.execute(sa.select(clusters.c.id)).scalar_one()
            spec = AttachNetwork(cluster_id=cluster_id, network=Ref(id=network_id), required=False)
            attach_network(tx, SYSTEM, spec)
            profile = sa.select(vnic_profiles.c.id).where(vnic_profiles.c.network_id == network_id)
            self.profiles[name] = tx.execute(profile).scalar_one()
        self.networks[name] = network_id
        return network_id

    def subnet(self, cidr: str, network: str = "tenants", **more: Any) -> str:
        spec = AddSubnet(network_id=self.networks[network], name=cidr, cidr=cidr, **more)
        return self.db.run(add_subnet, SYSTEM, spec)

    def vm(self, name: str = "web", **more: Any) -> str:
        return self.db.run(add_vm, SYSTEM, AddVm(name=name, cluster=Ref(name="Default"), **more))

    def vnic(self, vm_id: str, name: str = "nic1", network: str | None = "tenants", **more: Any) -> str:
        profile_id = self.profiles[network] if network else None
        return self.db.run(add_vnic, SYSTEM, AddVnic(vm_id=vm_id, name=name, profile_id=profile_id, **more)).vnic_id

    def change(self, vm_id: str, vnic_id: str, **values: Any) -> None:
        self.db.run(update_vnic, SYSTEM, UpdateVnic(vm_id=vm_id, id=vnic_id, **values))

    def addresses(self, vnic_id: str) -> list[str]:
        with self.db.read() as tx:
            return [row.address for row in queries.of_vnics(tx, (vnic_id,))[vnic_id]]

    def taken(self) -> list[str]:
        with self.db.read() as tx:
            return sorted(tx.scalars(sa.select(vnic_addresses.c.address)))


def leases(site: Site, *vnic_ids: str) -> dict[str, tuple[Lease, ...]]:
    with site.db.read() as tx:
        return queries.leases_of(tx, vnic_ids)


@pytest.fixture
def site(db: Database) -> Site:
    with db.write() as tx:
        rows.add_roles(tx)
        bootstrap.seed(tx, SYSTEM)
    site = Site(db)
    site.network("tenants")
    site.network("lab")
    return site


def refusal(act: Callable[[], object]) -> ValidationError:
    with pytest.raises(ValidationError) as refused:
        act()
    return refused.value


def test_a_vnic_gets_an_address_of_each_version(site: Site) -> None:
    site.subnet("192.0.2.0/29", gateway="192.0.2.1")
    site.subnet("2001:db8::/64")
    vnic_id = site.vnic(site.vm())
    four, six = site.addresses(vnic_id)
    assert ip_address(four) in ip_network("192.0.2.0/29")
    assert four not in {"192.0.2.0", "192.0.2.1", "192.0.2.7"}
    assert ip_address(six) in ip_network("2001:db8::/64")


def test_what_has_no_subnet_gives_no_address(site: Site) -> None:
    site.subnet("192.0.2.0/29", "lab")
    vm_id = site.vm()
    assert site.addresses(site.vnic(vm_id)) == []
    assert site.addresses(site.vnic(vm_id, "nic2", None)) == []


def test_an_exhausted_pool_is_told_by_name_and_the_next_subnet_goes_on(site: Site) -> None:
    site.subnet("192.0.2.0/24", allocation_pools=pools(("192.0.2.10", "192.0.2.11"), ("192.0.2.20", "192.0.2.20")))
    vm_id = site.vm()
    given = [site.addresses(site.vnic(vm_id, f"nic{number}")) for number in range(3)]
    assert sorted(chain.from_iterable(given)) == ["192.0.2.10", "192.0.2.11", "192.0.2.20"]
    refused = refusal(lambda: site.vnic(vm_id, "more"))
    assert refused.code == "SUBNET_EXHAUSTED"
    assert "subnets of network 'tenants': 192.0.2.0/24" in refused.text
    assert site.addresses(site.vnic(vm_id, "bare", addresses=())) == []
    assert site.addresses(site.vnic(vm_id, "requested", addresses=("192.0.2.99",))) == ["192.0.2.99"]
    site.subnet("198.51.100.0/30")
    assert site.addresses(site.vnic(vm_id, "nic3"))[0] in {"198.51.100.1", "198.51.100.2"}


def test_a_large_pool_is_used_to_its_last_address(site: Site) -> None:
    """When no address that is tried is free the database is asked for all that are taken."""
    subnet_id = site.subnet("192.0.2.0/26")
    vm_id = site.vm()
    for number in range(20):
        site.vnic(vm_id, f"nic{number}")
    others = site.vm("db")
    for number in range(20):
        site.vnic(others, f"nic{number}")
    more = site.vm("more")
    for number in range(22):
        site.vnic(more, f"nic{number}")
    assert len(set(site.taken())) == 62
    assert refusal(lambda: site.vnic(more, "one too many")).code == "SUBNET_EXHAUSTED"
    with site.db.read() as tx:
        assert queries.used(tx, (subnet_id,)) == {subnet_id: 62}


def test_requested_addresses(site: Site) -> None:
    site.subnet("192.0.2.0/24", gateway="192.0.2.1", allocation_pools=pools(("192.0.2.10", "192.0.2.19")))
    site.subnet("2001:db8::/64")
    vm_id = site.vm()
    vnic_id = site.vnic(vm_id, addresses=("2001:DB8::00ff", "192.0.2.200", "192.0.2.200"))
    assert site.addresses(vnic_id) == ["192.0.2.200", "2001:db8::ff"]
    for address, code in (
        ("192.0.2.200", "VNIC_ADDRESS_IN_USE"),
        ("192.0.2.1", "VNIC_ADDRESS_RESERVED"),
        ("192.0.2.0", "VNIC_ADDRESS_RESERVED"),
        ("198.51.100.1", "VNIC_ADDRESS_OUTSIDE"),
        ("192.0.2.7/24", "VNIC_ADDRESS_INVALID"),
    ):
        refused = refusal(lambda address=address: site.vnic(vm_id, "nic2", addresses=(address,)))  # type: ignore[misc]
        assert refused.code == code
    assert "web/nic1" in refusal(lambda: site.vnic(vm_id, "nic2", addresses=("192.0.2.200",))).text
    assert refusal(lambda: site.vnic(vm_id, "nic2", None, addresses=("192.0.2.9",))).code == "VNIC_ADDRESS_OUTSIDE"
    assert site.taken() == ["192.0.2.200", "2001:db8::ff"], "what was refused left nothing"


def test_addresses_go_with_their_vnic(site: Site) -> None:
    site.subnet("192.0.2.0/30")
    vm_id, other = site.vm(), site.vm("db")
    first, second = site.vnic(vm_id), site.vnic(other)
    assert len(site.taken()) == 2
    site.db.run(remove_vnic, SYSTEM, vm_id, first)
    assert site.taken() == site.addresses(second)
    site.db.run(remove_vm, SYSTEM, other)
    assert site.taken() == []


def test_addresses_change_with_the_network(site: Site) -> None:
    site.subnet("192.0.2.0/24")
    site.subnet("198.51.100.0/24", "lab")
    vm_id = site.vm()
    vnic_id = site.vnic(vm_id)
    before = site.addresses(vnic_id)
    site.change(vm_id, vnic_id, name="renamed", plugged=False)
    assert site.addresses(vnic_id) == before
    site.change(vm_id, vnic_id, profile_id=site.profiles["lab"])
    assert ip_address(site.addresses(vnic_id)[0]) in ip_network("198.51.100.0/24")
    site.change(vm_id, vnic_id, profile_id=None)
    assert site.taken() == []
    site.change(vm_id, vnic_id, profile_id=site.profiles["tenants"], addresses=("192.0.2.9",))
    assert site.addresses(vnic_id) == ["192.0.2.9"]
    site.change(vm_id, vnic_id, addresses=("192.0.2.10",))
    assert site.addresses(vnic_id) == ["192.0.2.10"]
    site.change(vm_id, vnic_id, addresses=())
    assert site.taken() == []
    site.change(vm_id, vnic_id, addresses="auto")
    assert len(site.addresses(vnic_id)) == 1


def test_addresses_move_with_their_machine_to_another_cluster(site: Site) -> None:
    site.subnet("192.0.2.0/24")
    vm_id = site.vm()
    vnic_id = site.vnic(vm_id)
    before = site.addresses(vnic_id)
    spec = AddCluster(name="edge", data_center=Ref(name="Default"))
    cluster_id = site.db.run(add_cluster, SYSTEM, spec)
    attached = AttachNetwork(cluster_id=cluster_id, network=Ref(name="tenants"), required=False)
    site.db.run(attach_network, SYSTEM, attached)
    site.db.run(update_vm, SYSTEM, UpdateVm(id=vm_id, cluster=Ref(name="edge")))
    assert site.addresses(vnic_id) == before


def test_another_profile_of_the_network_changes_nothing(site: Site) -> None:
    site.subnet("192.0.2.0/24")
    with site.db.write() as tx:
        profile = tx.execute(sa.select(vnic_profiles).where(vnic_profiles.c.id == site.profiles["tenants"])).one()
        values = {**profile._asdict(), "id": "another", "name": "another", "is_default": False}
        tx.execute(sa.insert(vnic_profiles), values)
    vm_id = site.vm()
    with_one, without = site.vnic(vm_id), site.vnic(vm_id, "nic2", addresses=())
    before = site.addresses(with_one)
    for vnic_id in (with_one, without):
        site.change(vm_id, vnic_id, profile_id="another")
    assert (site.addresses(with_one), site.addresses(without)) == (before, [])


def test_templates_take_none_and_what_is_made_of_them_does(site: Site) -> None:
    site.subnet("192.0.2.0/24")
    vm_id = site.vm()
    site.vnic(vm_id)
    site.vnic(vm_id, "nic2", None)
    template_id = site.db.run(add_template, SYSTEM, AddTemplate(name="gold", vm=Ref(id=vm_id)))
    assert len(site.taken()) == 1
    for name in ("a", "b"):
        site.vm(name, template=Ref(id=template_id))
    assert len(set(site.taken())) == 3


def test_a_snapshot_gives_addresses_back_while_they_are_free(site: Site) -> None:
    site.subnet("192.0.2.0/24")
    vm_id, other = site.vm(), site.vm("db")
    kept, gone, bare = site.vnic(vm_id), site.vnic(vm_id, "nic2"), site.vnic(vm_id, "nic3", addresses=())
    before = {vnic_id: site.addresses(vnic_id) for vnic_id in (kept, gone, bare)}
    spec = snapshots.AddSnapshot(vm_id=vm_id, description="then")
    snapshot_id = site.db.run(snapshots.add_snapshot, SYSTEM, spec)
    site.db.run(remove_vnic, SYSTEM, vm_id, gone)
    site.change(vm_id, bare, addresses="auto")
    site.db.run(snapshots.restore_snapshot, SYSTEM, vm_id, snapshot_id)
    assert {vnic_id: site.addresses(vnic_id) for vnic_id in before} == before
    site.db.run(remove_vnic, SYSTEM, vm_id, gone)
    thief = site.vnic(other, addresses=tuple(before[gone]))
    site.db.run(snapshots.restore_snapshot, SYSTEM, vm_id, snapshot_id)
    assert site.addresses(kept) == before[kept]
    assert site.addresses(thief) == before[gone]
    assert len(site.addresses(gone)) == 1, "another one"
    with site.db.read() as tx:
        told = list(tx.scalars(sa.select(events.c.description).where(events.c.code == operations.LOST)))
    assert told == [f"Address {before[gone][0]} of network tenants is in use by vNIC db/nic1 and cannot be reassigned."]


def test_snapshots_from_before_addresses_leave_them_as_they_are(site: Site) -> None:
    site.subnet("192.0.2.0/24")
    vm_id = site.vm()
    vnic_id = site.vnic(vm_id)
    before = site.addresses(vnic_id)
    spec = snapshots.AddSnapshot(vm_id=vm_id, description="then")
    snapshot_id = site.db.run(snapshots.add_snapshot, SYSTEM, spec)
    with site.db.write() as tx:
        tx.execute(sa.update(snapshot_vnics).values(addresses=sa.null()))
    site.db.run(snapshots.restore_snapshot, SYSTEM, vm_id, snapshot_id)
    assert site.addresses(vnic_id) == before


def test_a_subnet_in_use_stays_and_its_pools_may_change(site: Site) -> None:
    subnet_id = site.subnet("192.0.2.0/24")
    vm_id = site.vm()
    vnic_id = site.vnic(vm_id, addresses=("192.0.2.5",))
    assert refusal(lambda: site.db.run(remove_subnet, SYSTEM, subnet_id)).code == "SUBNET_IN_USE"
    changed = UpdateSubnet(id=subnet_id, allocation_pools=pools(("192.0.2.10", "192.0.2.10")))
    site.db.run(update_subnet, SYSTEM, changed)
    assert site.addresses(vnic_id) == ["192.0.2.5"]
    assert site.addresses(site.vnic(vm_id, "nic2")) == ["192.0.2.10"]
    for vnic in (vnic_id,):
        site.db.run(remove_vnic, SYSTEM, vm_id, vnic)
    site.db.run(remove_vm, SYSTEM, vm_id)
    site.db.run(remove_subnet, SYSTEM, subnet_id)


@ON_POSTGRESQL
def test_a_subnet_of_which_an_address_is_taken_meanwhile_stays(site: Site) -> None:
    """The rule has looked, and sees nothing that is not committed; the reference waits. SQLite has one writer."""
    subnet_id = site.subnet("192.0.2.0/24")
    spec = AddVnic(vm_id=site.vm(), name="nic1", profile_id=site.profiles["tenants"])
    removed = meanwhile(site.db, lambda tx: add_vnic(tx, SYSTEM, spec), lambda tx: remove_subnet(tx, SYSTEM, subnet_id))
    with pytest.raises(BusyError):
        removed.result()
    assert len(site.taken()) == 1


@ON_POSTGRESQL
def test_a_subnet_that_is_removed_while_a_vnic_comes_gives_it_no_address(site: Site) -> None:
    subnet_id = site.subnet("192.0.2.0/24")
    spec = AddVnic(vm_id=site.vm(), name="nic1", profile_id=site.profiles["tenants"])
    added = meanwhile(site.db, lambda tx: remove_subnet(tx, SYSTEM, subnet_id), lambda tx: add_vnic(tx, SYSTEM, spec))
    with pytest.raises(BusyError):
        added.result()


def test_what_was_read_of_a_subnet_that_is_gone_is_told(site: Site) -> None:
    site.subnet("192.0.2.0/24")
    vm_id = site.vm()
    with site.db.read() as tx:
        (read,) = queries.of_profiles(tx, (site.profiles["tenants"],))[site.profiles["tenants"]]
    gone = replace(read, subnet_id="gone")
    vnic_id = site.vnic(vm_id, addresses=())
    with pytest.raises(BusyError):
        site.db.run(operations.give, "Cannot edit Interface.", vnic_id, (gone,))
    assert refusal(lambda: site.vnic(vm_id, "nic1")).code == "NETWORK_INTERFACE_NAME_ALREADY_IN_USE"


def test_networks_without_subnet_cost_nothing_and_those_with_one_statement(site: Site) -> None:
    vm_id = site.vm()

    def cost(name: str) -> list[str]:
        spec = AddVnic(vm_id=vm_id, name=name, profile_id=site.profiles["tenants"])
        with site.db.write() as tx, statements_in(tx) as seen:
            add_vnic(tx, SYSTEM, spec)
        return seen

    cost("warm")
    without = cost("nic1")
    assert without
    assert not any("vnic_addresses" in text for text in without)
    site.subnet("192.0.2.0/24")
    assert len(cost("nic2")) == len(without) + 1
    site.subnet("2001:db8::/64")
    assert len(cost("nic3")) == len(without) + 1


def test_each_address_that_is_tried_is_looked_up_by_itself(site: Site) -> None:
    """However many of its subnet are taken: no plan goes through them."""
    subnet_id, vnic_id = site.subnet("10.0.0.0/20"), site.vnic(site.vm())
    with site.db.write() as tx:
        taken = [f"10.0.{number // 250}.{number % 250 + 1}" for number in range(2000)]
        there = set(tx.scalars(sa.select(vnic_addresses.c.address)))
        new = [{"subnet_id": subnet_id, "address": one, "vnic_id": vnic_id} for one in taken if one not in there]
        tx.execute(sa.insert(vnic_addresses), new)
    spec = AddVnic(vm_id=site.vm("db"), name="nic1", profile_id=site.profiles["tenants"])
    with site.db.write() as tx, statements_in(tx) as seen:
        add_vnic(tx, SYSTEM, spec)
    draw = next(text for text in seen if text.startswith("INSERT INTO vnic_addresses"))
    with site.db.write() as tx:
        if tx.dialect.name == "sqlite":
            plan = [row.detail for row in tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {draw}")]
        else:
            values = {"subnet_4": subnet_id, "addresses_4": ["10.0.9.1"], "subnet_6": "", "addresses_6": []}
            explained = tx.connection.driver_connection.execute(f"EXPLAIN {draw}", {**values, "vnic_id": vnic_id})
            plan = [row[0] for row in explained]
    looks = [line for line in plan if re.search(r"subnet_id\b.*=.* AND \(?\(?address\b.*=", line)]
    assert len(looks) == 2, "\n".join(plan)
    assert not any("Join" in line or "SCAN vnic_addresses" in line for line in plan), "\n".join(plan)


COUNT, CLIENTS = 2000, 8


def test_addresses_by_concurrent_clients_are_never_given_twice(site: Site) -> None:
    """Every seventh transaction is rolled back, and some vNICs go meanwhile."""
    site.subnet("10.0.0.0/20", gateway="10.0.0.1")

    class RolledBackError(Exception):
        pass

    def fail(tx: Tx, spec: AddVnic) -> None:
        add_vnic(tx, SYSTEM, spec)
        raise RolledBackError

    def work(client: int) -> int:
        done, vm_id = 0, ""
        for number in range(COUNT // CLIENTS):
            if number % 20 == 0:
                vm_id = site.vm(f"vm-{client}-{number}")
            spec = AddVnic(vm_id=vm_id, name=f"nic{number}", profile_id=site.profiles["tenants"])
            if number % 7 == 0:
                with pytest.raises(RolledBackError):
                    site.db.run(fail, spec)
            added = site.db.run(add_vnic, SYSTEM, spec)
            done += 1
            if number % 11 == 0:
                site.db.run(remove_vnic, SYSTEM, vm_id, added.vnic_id)
                done -= 1
        return done

    with ThreadPoolExecutor(CLIENTS) as pool:
        done = sum(pool.map(work, range(CLIENTS)))
    taken = site.taken()
    assert len(taken) == len(set(taken)) == done
    assert all(ip_address(address) in ip_network("10.0.0.0/20") for address in taken)
    assert not {"10.0.0.0", "10.0.0.1", "10.0.15.255"} & set(taken)


def test_what_dhcp_tells_of_addresses(site: Site) -> None:
    route = HostRoute(destination="10.0.0.0/8", next_hop="192.0.2.9")
    four = site.subnet("192.0.2.0/24", gateway="192.0.2.1", dns_servers=("192.0.2.53",), dhcp=True)
    site.db.run(update_subnet, SYSTEM, UpdateSubnet(id=four, host_routes=(route,)))
    site.subnet("2001:db8::/64", gateway="fe80::1", dns_servers=("2001:db8::53",), dhcp=True)
    site.subnet("198.51.100.0/24")
    vm_id = site.vm()
    served = site.vnic(vm_id, addresses=("192.0.2.7", "198.51.100.7", "2001:db8::7"))
    bare = site.vnic(vm_id, "nic2", addresses=("198.51.100.8",))
    assert leases(site, served, bare) == {
        served: (
            Lease(
                address="192.0.2.7/24",
                server="192.0.2.2",
                gateway="192.0.2.1",
                dns_servers=("192.0.2.53",),
                routes=(("10.0.0.0/8", "192.0.2.9"),),
            ),
            Lease(address="2001:db8::7/64", dns_servers=("2001:db8::53",)),
        )
    }


def test_the_address_of_the_dhcp_server_is_not_given_out(site: Site) -> None:
    subnet = site.subnet("192.0.2.0/29", allocation_pools=pools(("192.0.2.1", "192.0.2.3")))
    vm_id = site.vm()
    first = site.vnic(vm_id, addresses=("192.0.2.1",))
    site.db.run(update_subnet, SYSTEM, UpdateSubnet(id=subnet, dhcp=True))
    with site.db.read() as tx:
        assert queries.get(tx, subnet).dhcp_server == "192.0.2.2"
    last = site.vnic(vm_id, "nic2")
    assert [site.addresses(one) for one in (first, last)] == [["192.0.2.1"], ["192.0.2.3"]]
    with pytest.raises(ValidationError, match="No IPv4 address is left"):
        site.vnic(vm_id, "nic3")

"""Tags and snapshots as the official SDK's users work with them, and what else they read: active slaves, ``max=-1``."""

from __future__ import annotations

import time
from typing import Any

import ovirtsdk4
import pytest
from ovirtsdk4 import types as t

pytestmark = pytest.mark.usefixtures("strict")


def add_vm(sdk: ovirtsdk4.Connection, name: str) -> Any:
    vms = sdk.system_service().vms_service()
    vm = vms.add(t.Vm(name=name, cluster=t.Cluster(name="Default"), template=t.Template(name="Blank")))
    return vms.vm_service(vm.id)


def add_nic(sdk: ovirtsdk4.Connection, vm: Any, name: str) -> Any:
    profile = sdk.system_service().vnic_profiles_service().list()[0]
    return vm.nics_service().add(t.Nic(name=name, vnic_profile=t.VnicProfile(id=profile.id)))


def test_tags_and_what_has_them(sdk: ovirtsdk4.Connection) -> None:
    """add_tag, add_tag_to_vm, list_tags, search tag=."""
    system = sdk.system_service()
    tags = system.tags_service()
    web = tags.add(t.Tag(name="web", description="what people see"))
    shop = tags.add(t.Tag(name="shop", parent=t.Tag(id=web.id)))
    found = {tag.name: tag for tag in tags.list()}
    assert set(found) == {"root", "web", "shop"}
    assert sdk.follow_link(found["shop"].parent).name == "web"
    assert sdk.follow_link(found["web"].parent).name == "root"
    vm = add_vm(sdk, "tagged")
    vm.tags_service().add(t.Tag(name="shop"))
    vm.tags_service().add(t.Tag(id=shop.id))
    assert [tag.name for tag in vm.tags_service().list()] == ["shop"]
    vms = system.vms_service()
    assert [one.name for one in vms.list(search="tag=shop")] == ["tagged"]
    assert [one.name for one in vms.list(search="tag=web")] == ["tagged"], "what has a tag below it is found, too"
    assert vms.list(search="tag=root") == vms.list(search="tag!=shop and name=tagged") == []
    (one,) = vms.list(search="name=tagged", follow="tags.parent")
    assert [(tag.name, tag.parent.name) for tag in one.tags] == [("shop", "web")]
    tags.tag_service(shop.id).update(t.Tag(name="store", parent=t.Tag(name="root")))
    assert sdk.follow_link(tags.tag_service(shop.id).get().parent).name == "root"
    host = system.hosts_service().list(search="name=sim-1")[0]
    hosts_tags = system.hosts_service().host_service(host.id).tags_service()
    hosts_tags.add(t.Tag(name="web"))
    assert [one.name for one in system.hosts_service().list(search="tag=web")] == ["sim-1"]
    hosts_tags.tag_service(web.id).remove()
    assert hosts_tags.list() == []
    templates = system.templates_service()
    blank = templates.list(search="name=Blank")[0]
    templates.template_service(blank.id).tags_service().add(t.Tag(name="web"))
    assert [one.name for one in templates.list(search="tag=web")] == ["Blank"]
    tags.tag_service(web.id).remove()
    tags.tag_service(shop.id).remove()
    assert vm.tags_service().list() == templates.template_service(blank.id).tags_service().list() == []
    vm.remove()


def test_snapshots_of_a_machine(sdk: ovirtsdk4.Connection) -> None:
    """add_vm_snapshot, list_vm_snapshots, and going back to one."""
    vm = add_vm(sdk, "kept")
    nic = add_nic(sdk, vm, "nic1")
    service = vm.snapshots_service()
    (active,) = service.list()
    assert (active.description, active.snapshot_type) == ("Active VM", t.SnapshotType.ACTIVE)
    assert [one.mac.address for one in service.snapshot_service(active.id).nics_service().list()] == [nic.mac.address]
    added = service.add(t.Snapshot(description="before", persist_memorystate=False))
    one = service.snapshot_service(added.id)
    assert (one.get().snapshot_status, one.get().snapshot_type) == (t.SnapshotStatus.OK, t.SnapshotType.REGULAR)
    assert one.get().date.tzinfo is not None
    (saved,) = one.nics_service().list()
    assert (saved.id, saved.name, saved.mac.address) == (nic.id, "nic1", nic.mac.address)
    assert sdk.follow_link(saved).id == nic.id
    vm.nics_service().nic_service(nic.id).remove()
    add_nic(sdk, vm, "nic2")
    vm.preview_snapshot(snapshot=t.Snapshot(id=added.id), restore_memory=False)
    assert one.get().snapshot_status == t.SnapshotStatus.IN_PREVIEW
    assert [n.name for n in vm.nics_service().list()] == ["nic1"]
    vm.undo_snapshot()
    assert [n.name for n in vm.nics_service().list()] == ["nic2"]
    one.restore()
    assert [(n.name, n.mac.address) for n in vm.nics_service().list()] == [("nic1", nic.mac.address)]
    (shown,) = sdk.system_service().vms_service().list(search="name=kept", follow="snapshots")
    assert [s.description for s in shown.snapshots] == ["before", "Active VM"]
    one.remove()
    assert [s.description for s in service.list()] == ["Active VM"]
    vm.remove()


def test_the_active_slave_of_a_bond(sdk: ovirtsdk4.Connection) -> None:
    hosts = sdk.system_service().hosts_service()
    host = hosts.host_service(hosts.list(search="name=sim-2")[0].id)
    options = [t.Option(name="mode", value="1"), t.Option(name="primary", value="eth3")]
    slaves = [t.HostNic(name="eth2"), t.HostNic(name="eth3")]
    bond = t.HostNic(name="bond7", bonding=t.Bonding(options=options, slaves=slaves))
    host.setup_networks(modified_bonds=[bond])
    deadline = time.monotonic() + 60
    while not (
        found := [nic for nic in host.nics_service().list() if nic.name == "bond7" and nic.bonding.active_slave]
    ):
        assert time.monotonic() < deadline, "nothing tells which slave is active"
        time.sleep(0.05)
    assert sdk.follow_link(found[0].bonding.active_slave).name == "eth3"
    host.setup_networks(removed_bonds=[t.HostNic(name="bond7")])


def test_no_limit_is_said_with_minus_one(sdk: ovirtsdk4.Connection) -> None:
    system = sdk.system_service()
    assert len(system.clusters_service().list(max=-1)) == 1
    assert len(system.events_service().list(max=-1)) > 2
    assert len(system.tags_service().list(max=-1)) == 1

"""What real engines always send, we send too, or say here why not: clients dereference without asking."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree

from api.served import Client, serving
from api.walk import populate
from databases import database_url, databases, db, new_database, postgresql, pytest_generate_tests, sqlite
from netweft.engine.db import Database

__all__ = [
    "database_url", "databases", "db", "new_database", "postgresql", "pytest_generate_tests", "sqlite",
]  # fmt: skip

# Elements and links in every sample of real engines (oVirt 4.x), by where one is found here.
ALWAYS = {
    "datacenters": """local name quota_mode status supported_versions version description
        @clusters @networks @permissions @qoss @storagedomains""",
    "clusters": """ballooning_enabled cpu custom_scheduling_policy_properties description error_handling fencing_policy
        firewall_type gluster_service ha_reservation ksm mac_pool memory_policy migration name required_rng_sources
        scheduling_policy switch_type threads_as_cores trusted_service tunnel_migration version virt_service data_center
        comment @networkfilters @networks @permissions""",
    "networks": "data_center description mtu name stp usages comment @networklabels @permissions @vnicprofiles",
    "vnicprofiles": "name network pass_through port_mirroring @permissions",
    "macpools": "name ranges allow_duplicates default_pool @permissions",
    "hosts": """address auto_numa_status cluster cpu device_passthrough external_status hardware_information iscsi
        kdump_status ksm libvirt_version max_scheduling_memory memory name numa_supported os port power_management
        protocol se_linux spm ssh status summary transparent_hugepages type update_available version comment
        @networkattachments @nics @permissions @statistics @tags @unmanagednetworks""",
    "vms": """name description comment bios console cpu cpu_shares creation_time delete_protected display
        high_availability memory memory_policy migration multi_queues_enabled origin os placement_policy start_paused
        stateless time_zone type status cluster original_template template
        @affinitylabels @diskattachments @nics @numanodes @permissions @reporteddevices @statistics @tags""",
    "vms/*/nics": """interface linked mac name plugged vm vnic_profile
        @networkfilterparameters @reporteddevices @statistics""",
    "templates": """name description comment console cpu creation_time memory memory_policy os type status version
        @nics @permissions @tags @diskattachments""",
    "events": "description code correlation_id index origin severity time",
    "users": "name last_name user_name principal namespace domain department @permissions @roles",
    "roles": "name description administrative mutable @permits",
}

# What clients dereference deeper down.
DEEPER = {
    "clusters": """ksm/enabled ksm/merge_across_nodes fencing_policy/skip_if_sd_active
        fencing_policy/skip_if_connectivity_broken error_handling/on_error migration/auto_converge
        migration/compressed migration/encrypted migration/bandwidth/assignment_method
        memory_policy/over_commit/percent""",
    "vnicprofiles": "pass_through/mode",
    "hosts": "spm/status spm/priority",
    "vms": "cpu/topology/cores cpu/topology/sockets cpu/topology/threads os/type console/enabled",
    "templates": "version/version_number",
    "vms/*/nics": "mac/address",
}


@pytest.fixture
def client(db: Database, tmp_path: Path) -> Iterator[Client]:
    with serving(db, tmp_path) as engine:
        populate(engine)
        with engine.client() as client:
            yield client


def first(client: Client, path: str) -> etree._Element:
    collection, _, below = path.partition("/*/")
    entity = client.xml(collection)[0]
    return client.xml(f"{collection}/{entity.get('id')}/{below}")[0] if below else entity


def test_what_real_engines_always_send_is_there(client: Client) -> None:
    missing = {}
    for path, names in ALWAYS.items():
        entity = first(client, path)
        there = {child.tag for child in entity} | {f"@{link.get('rel')}" for link in entity.iterfind("link")}
        deeper = {name for name in DEEPER.get(path, "").split() if entity.find(name) is None}
        if gap := (set(names.split()) - there) | deeper:
            missing[path] = sorted(gap)
    assert missing == {}

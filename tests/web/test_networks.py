"""Networks: added, changed, attached to clusters, synchronized, removed; their hosts and roles."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from web.conftest import HOSTS, Opened, Site, Window, heading


def cluster_id(site: Site, name: str = "Default") -> str:
    return str(site.client.find("clusters", name)["id"])


def row(page: Page, text: str) -> Any:
    return page.get_by_role("row").filter(has_text=text)


def test_a_list_is_sorted_and_narrowed(site: Site, window: Window) -> None:
    site.add_network("listed", "sim-1", "sim-2")
    page = window.open("networks")
    expect(row(page, "listed")).to_contain_text("2/2 in sync")
    page.get_by_role("button", name="Hosts").click()
    expect(page.get_by_role("columnheader", name="Hosts")).to_have_attribute("aria-sort", "ascending")
    page.get_by_role("button", name="Hosts").click()
    expect(page.get_by_role("row").nth(1)).to_contain_text("ovirtmgmt")
    expect(page).to_have_url(re.compile(r"sort=hosts(\+|%20)desc"))
    page.get_by_label("Show").select_option("For hosts only")
    expect(heading(page, "No such network")).to_be_visible()
    page.get_by_role("button", name="Show all networks").click()
    expect(row(page, "listed")).to_be_visible()


def test_a_network_is_added_with_its_attachments_and_profile(site: Site, window: Window) -> None:
    page = window.open("networks")
    page.get_by_role("link", name="New network").click()
    page.get_by_label("Name", exact=True).fill("bond-x")
    page.get_by_label("VLAN").fill("710")
    page.get_by_role("button", name="Create the network").click()
    expect(page.get_by_role("alert")).to_contain_text("begins with 'bond'")
    page.get_by_label("Name", exact=True).fill("made here")
    page.get_by_label("MTU").fill("9000")
    page.get_by_label("DNS servers of hosts").fill("192.0.2.53, 192.0.2.54")
    page.get_by_label("Label").fill("blue")
    page.get_by_label("Default", exact=True).check()
    page.get_by_text("Subnet", exact=True).click()
    page.get_by_label("Addresses").fill("198.51.100.0/24")
    page.get_by_text("Same as API call or command").click()
    command = page.get_by_role("region", name="Command")
    expect(command).to_contain_text("netweft network add 'made here' --vlan 710 --mtu 9000 --dns 192.0.2.53")
    expect(command).to_contain_text("netweft cluster attach Default 'made here' --optional")
    page.get_by_role("button", name="Create the network").click()
    expect(heading(page, "made here")).to_be_visible()
    expect(page.get_by_label("MTU")).to_have_value("9000")
    expect(page.get_by_role("button", name="Label blue…")).to_be_visible()
    network = site.client.find("networks", "made here")
    assert network["vlan"]["id"] == "710"
    assert [one["id"] for one in site.client.list(f"networks/{network['id']}/networklabels")] == ["blue"]
    assert network["dns_resolver_configuration"]["name_servers"] == ["192.0.2.53", "192.0.2.54"]
    assert site.client.addition("GET", f"networks/{network['id']}/subnets")[0]["cidr"] == "198.51.100.0/24"
    page.get_by_role("link", name="Clusters").nth(1).click()
    expect(row(page, "Default")).to_contain_text("optional")


def test_a_refusal_after_a_network_was_added_is_reported(window: Window) -> None:
    page = window.open("networks/new")
    page.get_by_label("Name", exact=True).fill("half made")
    page.get_by_text("Subnet", exact=True).click()
    page.get_by_label("Addresses").fill("198.51.100.7/24")
    page.get_by_role("button", name="Create the network").click()
    expect(heading(page, "The network is there, but not all of it was done")).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text("198.51.100")
    page.get_by_role("link", name="Go to the network").click()
    expect(heading(page, "half made")).to_be_visible()


def test_concurrent_changes_of_others_are_kept(site: Site, window: Window) -> None:
    network = site.add_network("of two")
    page = window.open(f"networks/{network}")
    description = page.get_by_label("Description")
    description.fill("x")
    description.fill("")
    with page.expect_response(re.compile(rf"/networks/{network}\b")):
        site.client.update(f"networks/{network}", {"description": "from another browser"})
    page.get_by_label("MTU").fill("9000")
    with page.expect_request("**/requestplans") as planned:
        page.get_by_role("button", name="Plan the change").click()
    assert json.loads(planned.value.post_data or "")["body"] == {"mtu": "9000"}
    page.get_by_role("button", name="Change the network").click()
    expect(description).to_have_value("from another browser")


def test_only_differences_are_sent(site: Site, window: Window) -> None:
    network = site.add_network("edited", "sim-1")
    page = window.open(f"networks/{network}")
    page.get_by_role("button", name="Plan the change").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing differs")
    page.get_by_label("Description").fill("for the web")
    page.get_by_label("MTU").fill("9000")
    page.get_by_role("button", name="Plan the change").click()
    expect(page.get_by_text("1 of 1 host would change.")).to_be_visible()
    with page.expect_request(f"**/networks/{network}") as sent:
        page.get_by_role("button", name="Change the network").click()
    assert json.loads(sent.value.post_data or "") == {"description": "for the web", "mtu": "9000"}
    expect(page.get_by_role("status").filter(has_text="The network has changed.").first).to_be_visible()
    page.get_by_role("link", name="History").click()
    expect(row(page, "mtu")).to_contain_text("9000")


def test_a_network_is_synchronized_where_it_differs(site: Site, window: Window) -> None:
    network = site.add_network("strayed", *HOSTS)
    host = site.host("sim-2")
    site.simulate("sim-2", host=host.with_link(replace(host.bridges["strayed"], mtu=1400)))
    page = window.open(f"networks/{network}/hosts")
    expect(row(page, "sim-2")).to_contain_text("mtu is 1400, should be 1500")
    expect(page.get_by_text("2/3 in sync")).to_be_visible()
    row(page, "sim-2").get_by_role("button", name="Sync…").click()
    page.get_by_role("button", name="Sync", exact=True).click()
    page.get_by_role("button", name="Sync and change the hosts").click()
    expect(page.get_by_text("3/3 in sync")).to_be_visible()
    assert site.host("sim-2").bridges["strayed"].mtu == 1500


def test_a_network_is_attached_with_a_role_and_detached(site: Site, window: Window) -> None:
    network = site.add_network("roles")
    page = window.open(f"networks/{network}/clusters")
    page.get_by_role("button", name="Change roles in Default").click()
    page.get_by_role("menuitem", name="Change…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Gluster").check()
    dialog.get_by_role("button", name="Change", exact=True).click()
    expect(row(page, "Default")).to_contain_text("Gluster")
    page.get_by_role("button", name="Change roles in Default").click()
    page.get_by_role("menuitem", name="Detach…").click()
    dialog.get_by_role("button", name="Detach").click()
    expect(row(page, "Default")).to_contain_text("not attached")
    found = site.client.list(f"clusters/{cluster_id(site)}/networks")
    assert network not in {one["id"] for one in found}


def test_users_of_a_network_are_listed_before_it_is_removed(site: Site, window: Window) -> None:
    network = site.add_network("doomed", "sim-1")
    page = window.open(f"networks/{network}")
    page.get_by_role("button", name="Remove…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("definition").filter(has_text="sim-1")).to_be_visible()
    dialog.get_by_label("Take it off").check()
    dialog.get_by_role("button", name="Remove the network").click()
    dialog.get_by_role("button", name="Remove the network and change the hosts").click()
    expect(heading(page, "Networks")).to_be_visible()
    expect(row(page, "doomed")).to_have_count(0)
    assert "doomed" not in site.carried("sim-1")
    page = window.open(f"networks/{site.client.find('networks', 'ovirtmgmt')['id']}")
    page.get_by_role("button", name="Remove…").click()
    dialog.get_by_label("Take it off").check()
    dialog.get_by_role("button", name="Remove the network").click()
    expect(dialog.get_by_role("alert")).to_contain_text("management network")


def test_vnics_and_profiles_of_a_network(site: Site, window: Window) -> None:
    network = site.client.find("networks", "ovirtmgmt")["id"]
    page = window.open(f"networks/{network}/profiles")
    expect(row(page, "ovirtmgmt")).to_be_visible()
    page.get_by_role("link", name="vNICs").click()
    expect(heading(page, "No vNICs")).to_be_visible()


def test_the_settings_of_a_cluster_are_changed(site: Site, window: Window) -> None:
    page = window.open("clusters")
    page.get_by_role("link", name="Default", exact=True).click()
    page.get_by_label("Canaries").fill("2")
    page.get_by_label("Synced by itself").select_option("what costs no traffic")
    page.get_by_role("button", name="Plan the change").click()
    page.get_by_text("Same as API call or command").click()
    options = "netweft cluster set Default --drift-healing harmless --rollout-canaries 2"
    expect(page.get_by_role("region", name="Command")).to_have_text(options)
    page.get_by_role("button", name="Change the cluster").click()
    expect(page.get_by_role("status").filter(has_text="The cluster has changed.").first).to_be_visible()
    cluster = site.client.get(f"clusters/{cluster_id(site)}")
    assert (cluster["rollout_canaries"], cluster["drift_healing"]) == ("2", "harmless")
    site.client.update(f"clusters/{cluster['id']}", {"rollout_canaries": 1, "drift_healing": "off"})
    page.get_by_role("link", name="Networks").nth(1).click()
    expect(row(page, "ovirtmgmt")).to_contain_text("required")


@pytest.fixture(scope="module")
def racks(site: Site) -> list[str]:
    """Clusters without hosts."""
    center = site.client.find("datacenters", "Default")["id"]
    names = ["racks-a", "racks-b"]
    for name in names:
        site.client.add("clusters", {"name": name, "data_center": {"id": center}})
    return names


@pytest.mark.usefixtures("racks")
def test_the_matrix_is_changed_by_keys_and_applied(site: Site, window: Window) -> None:
    network = site.add_network("in a matrix")
    page = window.open("matrix?networks=in a matrix&clusters=racks-")
    expect(page.get_by_role("gridcell")).to_have_count(2)
    page.get_by_role("gridcell").first.focus()
    page.keyboard.press("Space")
    expect(page.get_by_role("gridcell", name="attached, optional, changed")).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("r")
    page.keyboard.press("Enter")
    page.get_by_role("dialog").get_by_label("Display").check()
    page.get_by_role("button", name="Take over").click()
    expect(page.get_by_role("gridcell", name="attached, required, display, changed")).to_be_focused()
    page.reload()
    expect(page.get_by_text("to racks-b: required, display")).to_be_visible()
    page.get_by_role("button", name="Review").click()
    expect(page.get_by_text("no host has to do anything")).to_have_count(2)
    page.get_by_role("button", name="Apply 2 changes").click()
    expect(heading(page, "Changes")).to_have_count(0)
    (there,) = [
        one for one in site.client.list(f"clusters/{cluster_id(site, 'racks-b')}/networks") if one["id"] == network
    ]
    assert (there["required"], sorted(there["usages"])) == ("true", ["display", "vm"])


@pytest.mark.usefixtures("racks")
def test_many_cells_are_filled_at_once(site: Site, window: Window) -> None:
    for number in (1, 2):
        site.add_network(f"filled-{number}")
    page = window.open("matrix?networks=filled-&clusters=racks")
    cells = page.get_by_role("gridcell")
    optional = page.get_by_role("gridcell", name="attached, optional, changed")
    required = page.get_by_role("gridcell", name="attached, required, changed")
    cells.first.click()
    cells.last.click(modifiers=["Shift"])
    expect(optional).to_have_count(4)
    page.keyboard.press("Control+z")
    expect(optional).to_have_count(1)
    cells.first.focus()
    page.keyboard.press("r")
    page.keyboard.press("Control+a")
    expect(required).to_have_count(2)
    page.keyboard.press("c")
    expect(required).to_have_count(3)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+Space")
    expect(required).to_have_count(4)
    for left in (3, 2, 1):
        page.keyboard.press("Control+z")
        expect(required).to_have_count(left)
    page.get_by_role("button", name="Discard").click()
    expect(page.get_by_role("gridcell", name="changed")).to_have_count(0)
    page.get_by_role("searchbox").first.fill("filled-2")  # the cell that was changed last is not shown any more
    expect(cells).to_have_count(2)
    cells.last.click(modifiers=["Shift"])
    expect(optional).to_have_count(1)


@pytest.mark.usefixtures("racks")
def test_a_refused_change_of_the_matrix_stays_in_the_basket(site: Site, opened: Opened) -> None:
    site.grant(site.add_user("eve"), "ReadOnlyAdmin")
    site.add_network("not eve's")
    window = opened()
    page = window.open("matrix?networks=not eve&clusters=racks-a")
    window.log_in("eve")
    page.get_by_role("gridcell").click()
    page.get_by_role("button", name="Review").click()
    expect(page.get_by_role("alert")).to_contain_text("not authorized")
    expect(page.get_by_role("gridcell", name="attached, optional, changed")).to_be_visible()
    page.get_by_role("button", name="Undo: Attach").click()
    expect(heading(page, "Changes")).to_have_count(0)
    page.get_by_role("button", name="As a table").click()
    expect(row(page, "not eve's")).to_contain_text("not attached")


def test_roles_of_a_network_are_shown_side_by_side(window: Window) -> None:
    page = window.open("networks")
    row = page.get_by_role("row").filter(has_text="ovirtmgmt")
    boxes = [row.get_by_text(role, exact=True).bounding_box() for role in ("Management", "Display", "Migration")]
    for one, other in pairwise(boxes):
        assert one is not None
        assert other is not None
        assert other["x"] >= one["x"] + one["width"] or other["y"] >= one["y"] + one["height"] - 4, boxes

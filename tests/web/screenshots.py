"""``make screenshots``: the pictures of docs/web.md, of an engine with simulated hosts and some data."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from playwright.sync_api import Page, ViewportSize

from browser import chromium
from engine_process import PASSWORD, EngineProcess
from netweft.client import Client
from web.conftest import heading

PLACE: Final = Path(__file__).parents[2] / "docs" / "web"
SIZE: Final[ViewportSize] = {"width": 1280, "height": 760}
HOSTS = 6
NETWORKS: Final = {"storage": 100, "migration": 110, "tenants-red": 200, "tenants-blue": 201, "backup": 300}
CARRIED: Final = {"storage": "eth3", "migration": "eth3", "tenants-red": "bond0", "tenants-blue": "bond0"}
GUESTS: Final = {"web-1": "tenants-red", "web-2": "tenants-red", "mail": "tenants-blue"}


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        EngineProcess(Path(folder), options=("--simulated-hosts", str(HOSTS))) as engine,
        engine.client() as client,
        chromium() as browser,
    ):
        host = _fill(client)
        page = browser.new_page(ignore_https_errors=True, viewport=SIZE, reduced_motion="reduce", color_scheme="light")
        page.goto(f"{engine.url}/ui/")
        page.get_by_label("User name").fill("admin")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        _shoot(page, "overview", heading(page, "Last changes").wait_for)
        page.goto(f"{engine.url}/ui/hosts/{host}")
        page.get_by_role("button", name="backup").first.click()
        page.keyboard.press("1")
        _shoot(page, "setup", page.get_by_text("No VM and no host service loses traffic.").wait_for)
        page.goto(f"{engine.url}/ui/hosts/{host}/topology")
        page.get_by_role("button", name="web-1").click()
        _shoot(page, "topology", heading(page, "sim-1").wait_for)
        page.goto(f"{engine.url}/ui/matrix")
        _shoot(page, "matrix", page.get_by_role("gridcell").first.wait_for)


def _shoot(page: Page, name: str, wait_for: Callable[[], object]) -> None:
    wait_for()
    page.mouse.move(0, 0)
    page.evaluate("document.fonts.ready")
    page.screenshot(path=PLACE / f"{name}.png")
    sys.stdout.write(f"{PLACE.name}/{name}.png\n")


def _fill(client: Client) -> str:
    """Networks on all hosts, and guests on the first, whose id it returns."""
    while len(hosts := client.list("hosts", search="status=up")) < HOSTS:
        time.sleep(0.1)
    cluster = client.find("clusters", "Default")
    client.add("clusters", {"name": "Edge", "switch_type": "ovs", "data_center": {"id": cluster["data_center"]["id"]}})
    for name, vlan in NETWORKS.items():
        body = {"name": name, "vlan": {"id": vlan}, "data_center": {"id": cluster["data_center"]["id"]}}
        network = client.add("networks", body)
        client.add(f"clusters/{cluster['id']}/networks", {"id": network["id"], "required": False})
    bond = {
        "name": "bond0",
        "bonding": {"options": [{"name": "mode", "value": "4"}], "slaves": [{"name": "eth1"}, {"name": "eth2"}]},
    }
    attachments = [{"network": {"name": name}, "host_nic": {"name": nic}} for name, nic in CARRIED.items()]
    body = {"modified_bonds": [bond], "modified_network_attachments": attachments, "commit_on_success": True}
    for host in hosts[:-1]:
        client.action(f"hosts/{host['id']}/setupnetworks", body)
    first = next(host for host in hosts if host["name"] == "sim-1")
    for name, network in GUESTS.items():
        vm = client.add("vms", {"name": name, "cluster": {"name": "Default"}, "template": {"name": "Blank"}})
        profile = client.find("vnicprofiles", network)["id"]
        client.add(f"vms/{vm['id']}/nics", {"name": "nic1", "vnic_profile": {"id": profile}})
        client.action(f"vms/{vm['id']}/start", {"host": {"id": first["id"]}})
    return str(first["id"])


if __name__ == "__main__":
    main()

"""docs/install.md, followed to its end for engine and agent; then a new version, removal, and purge."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from doc_blocks import ROOT, blocks
from installation.conftest import Site
from installation.machines import WITHIN, Machine

pytestmark = pytest.mark.timeout(3 * WITHIN)
UNITS = ("netweft-engine", "netweft-agent")


def follow(site: Site) -> str:
    """The commands of docs/install.md on both machines, in their order, and what was said."""
    exported, said = "", ""
    for block in blocks(ROOT / "docs" / "install.md"):
        if block.place == "engine-machine":
            said += site.engine.type(exported + block.text)
            exported += "".join(line for line in block.text.splitlines(keepends=True) if line.startswith("export "))
            if (join := site.engine.root / "root/join").exists():
                shutil.move(join, site.host.root / "root/join")
        elif block.place == "host-machine":
            said += site.host.type(block.text)
    return said


def as_administrator(site: Site, commands: str) -> str:
    engine = "https://engine.example.com:8443"
    folder = "/var/lib/netweft-engine"
    variables = f"NETWEFT_URL={engine} NETWEFT_CA={folder}/ca.pem NETWEFT_PASSWORD_FILE={folder}/admin-password"
    return site.engine.type(f"export {variables}\n{commands}")


def next_version(one: Machine, package: str, folder: Path) -> None:
    """Put a package of a higher version beside the one that is there, the same otherwise."""
    (present,) = (one.root / "root").glob(f"{package}_*.deb")
    subprocess.run(["dpkg-deb", "--raw-extract", present, folder], check=True)
    control = folder / "DEBIAN" / "control"
    control.write_text(control.read_text().replace("-1\n", "-2\n", 1))
    build = ["dpkg-deb", "--root-owner-group", "-Znone", "--build", folder, one.root / "root"]
    subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
    present.unlink()


def pid(one: Machine, unit: str) -> str:
    return one.type(f"systemctl show --property MainPID --value {unit}").split()[-1]


def test_installed_used_upgraded_removed_and_purged(site: Site, tmp_path: Path) -> None:
    assert "ovirtmgmt" in follow(site)
    for one, unit, user, state in (
        (site.engine, "netweft-engine", "netweft-engine", "netweft-engine"),
        (site.host, "netweft-agent", "root", "netweft"),
    ):
        assert one.type(f"systemd-analyze verify {unit}.service").splitlines()[2:] == []
        assert one.type(f"stat -c %U /proc/{pid(one, unit)}").split()[-1] == user
        assert one.type(f"stat -c '%a %U' /var/lib/{state}").splitlines()[-1] == f"700 {user}"
    site.host.type("ip link show ovirtmgmt; ping -c 1 engine.example.com")

    as_administrator(site, "netweft network add kept")
    before = {unit: pid(one, unit) for one, unit in ((site.engine, UNITS[0]), (site.host, UNITS[1]))}
    for one, unit in ((site.engine, UNITS[0]), (site.host, UNITS[1])):
        next_version(one, unit, tmp_path / unit)
        one.type(f"apt-get install --yes --no-install-recommends ./{unit}_*.deb; dpkg -s {unit} | grep -- -2$")
        assert pid(one, unit) not in {before[unit], "0"}
    site.engine.type("grep NETWEFT_LISTEN=0.0.0.0:8443 /etc/default/netweft-engine")
    as_administrator(site, "netweft wait host1; netweft network show kept")
    site.host.type("ip link show ovirtmgmt")

    for one, unit, state in ((site.engine, UNITS[0], "netweft-engine"), (site.host, UNITS[1], "netweft")):
        one.type(f"apt-get remove --yes {unit}; if systemctl is-active {unit}; then exit 1; fi")
        one.type(f'test -n "$(ls -A /var/lib/{state})"; test -e /etc/default/{unit}; {gone(*programs(unit))}')
        one.type(f"apt-get install --yes --no-install-recommends ./{unit}_*.deb")
        one.type(f"systemctl is-active {unit}")
    as_administrator(site, "netweft wait host1; netweft network show kept")

    kept = ("/var/lib/netweft", "/etc/default/netweft-agent")
    site.host.type(f"apt-get purge --yes netweft-agent; {gone(*kept, *programs('netweft-agent'))}")
    site.host.type("ip link show ovirtmgmt; ping -c 1 engine.example.com")
    kept = ("/var/lib/netweft-engine", "/etc/default/netweft-engine")
    site.engine.type(f"apt-get purge --yes netweft-engine; {gone(*kept, *programs('netweft-engine'))}")
    site.engine.type("if id netweft-engine; then exit 1; fi")


def programs(package: str) -> tuple[str, ...]:
    return (f"/usr/lib/{package}", f"/lib/systemd/system/{package}.service", "/usr/bin/netweft")


def gone(*paths: str) -> str:
    return "; ".join(f"test ! -e {path}" for path in paths)

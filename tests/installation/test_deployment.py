"""docs/install.md where the engine installs the agent: by root's password, over a real SSH server, with the real
package, on a machine that has nothing of Netweft.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from doc_blocks import ROOT, blocks, scripts
from installation.conftest import Site
from installation.machines import WITHIN, machine, network

pytestmark = pytest.mark.timeout(3 * WITHIN)
PASSWORD = "root's own, with spaces and a $dollar"


@pytest.fixture
def bare(dist: Path, tmp_path: Path) -> Iterator[Site]:
    """An engine's machine with both packages as files, and a machine whose root may log in with a password."""
    with (
        network() as spaces,
        machine("engine.example.com", tmp_path / "engine", spaces["engine.example.com"]) as engine,
        machine("host1", tmp_path / "host", spaces["host1"]) as host,
    ):
        for package in dist.glob("*.deb"):
            shutil.copy(package, engine.root / "root")
        (host.root / "root/password").write_text(f"root:{PASSWORD}\n")
        host.type("chpasswd <password; rm password; echo PermitRootLogin yes >/etc/ssh/sshd_config.d/root.conf")
        host.type("systemctl restart ssh")
        yield Site(engine, host)


def test_a_machine_becomes_a_host_by_its_root_password(bare: Site) -> None:
    begin = next(block.text for block in blocks(ROOT / "docs" / "install.md") if block.place == "engine-machine")
    bare.engine.type(begin)
    exported = "".join(line for line in begin.splitlines(keepends=True) if line.startswith("export "))
    (bare.engine.root / "root/root-password").write_text(f"{PASSWORD}\n")
    said = bare.engine.type(exported + scripts("deploying")["docs/install.md"])
    assert "ovirtmgmt" in said
    bare.host.type("ip link show ovirtmgmt; systemctl is-enabled netweft-agent; test ! -e /var/cache/netweft/*.deb")
    shown = bare.engine.type(f"{exported}netweft host show host1")
    known = bare.host.type("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub")
    assert known.split()[-4] in shown

    bare.engine.type("if grep -ra 'and a $dollar' /var/lib/netweft-engine; then exit 1; fi")
    bare.engine.type("if journalctl --unit netweft-engine | grep 'and a $dollar'; then exit 1; fi")

    (bare.engine.root / "root/wrong").write_text("another\n")
    again = "netweft host install host1 --root-password-file"
    said = bare.engine.type(f"{exported}netweft host deactivate host1\nif {again} wrong; then exit 1; fi")
    assert "refuses root login with root's password" in said
    bare.host.type("rm -r /etc/ssh/ssh_host_*; dpkg-reconfigure openssh-server; systemctl restart ssh")
    said = bare.engine.type(f"{exported}if {again} root-password; then exit 1; fi")
    assert "presents another host key than expected" in said
    bare.engine.type(f"{exported}netweft host set host1 --ssh-fingerprint ''\n{again} root-password")
    bare.engine.type(f"{exported}netweft wait host1 --timeout 300")

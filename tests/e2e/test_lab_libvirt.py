"""Hosts of a lab with a libvirt each, and their complete removal."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import libvirt
import pytest

from libvirt_host import console, tiny_guest
from netweft import lab
from netweft.agent.guests.libvirt_xml import domain
from netweft.lab import state
from netweft.lab.processes import inside_namespace

FILE = """
name: virtual
guests: libvirt
engine: {{address: 10.{net}.1/24}}
hosts:
  alpha: {{address: 10.{net}.11/24, nics: {{eth0: {{access: 4094}}}}}}
  beta: {{address: 10.{net}.12/24, nics: {{eth0: {{access: 4094}}}}}}
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="nl"))  # sockets in it need a short name
    yield folder
    if (folder / "lab" / state.FILE).exists():
        lab.down(folder / "lab")
    shutil.rmtree(folder)


def test_each_host_runs_its_own_vms_which_end_with_the_lab(folder: Path) -> None:
    file = folder / "lab.yaml"
    file.write_text(FILE.format(net=f"{128 + secrets.randbelow(128)}.{secrets.randbelow(256)}"))
    place = lab.up(file, folder / "lab")
    spec = tiny_guest()
    uris = {name: place.libvirt_uri(name) for name in ("alpha", "beta")}
    connections = {name: libvirt.open(uri) for name, uri in uris.items()}
    connections["alpha"].createXML(domain(spec, "qemu", frozenset()))
    with console(uris["alpha"], spec) as line:
        assert line.run("hostname").output == "tiny"
    assert {name: len(one.listAllDomains()) for name, one in connections.items()} == {"alpha": 1, "beta": 0}
    namespaces = [Path("/run/netns") / host.namespace for host in place.hosts.values()]
    # Handles on the namespaces, by which processes in them are found also after the names were removed.
    handles = [path.open() for path in namespaces]
    for connection in connections.values():
        connection.close()
    place.down()
    assert [inside_namespace(Path(f"/proc/self/fd/{handle.fileno()}")) for handle in handles] == [[], []]
    for handle in handles:
        handle.close()

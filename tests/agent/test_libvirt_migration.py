"""Live migration of guests, by mutual TLS."""

from __future__ import annotations

import re
import stat
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Event, Thread

import libvirt
import pytest

import waiting
from agent.rig import Authority, Engine, RefusedError
from libvirt_host import Console, console, private_libvirt, tiny_guest
from netweft.agent.guests import GuestError
from netweft.agent.guests.libvirt import LibvirtGuests
from netweft.agent.guests.libvirt_tls import LIBVIRT_FILES, QEMU_FILES, LibvirtTls, TlsError
from netweft.agent.identity import Identity
from netweft.core.guest_protocol import GuestNic, GuestSpec, GuestState, Migration
from netweft.lab.agents import run_inside
from netweft.lab.libvirt import PORT, pki, uri
from netweft.lab.namespaces import ip
from ovs_host import entered, namespace

SECONDS = 30.0
UNTRUSTED = r"(?s)stays on this host.*(TLS|certificate)"
"""The refused end only sees a closed connection."""


@dataclass
class End:
    """A host: its address towards the other one, its bridge, and its driver, which works in its namespace.

    ``state``: where its agent keeps its keys and certificates.
    """

    name: str
    state: Path
    address: str
    bridge: str
    uri: str
    driver: LibvirtGuests


@pytest.fixture
def ends(tmp_path: Path, authority: Authority) -> Iterator[tuple[End, End]]:
    """Two hosts with a cable between them, for the frames of guests and for migrations."""
    with ExitStack() as stack:
        names = [stack.enter_context(namespace()) for _ in range(2)]
        ip("", "link", "add", "eth0", "netns", names[0], "type", "veth", "peer", "name", "eth0", "netns", names[1])
        found = []
        for number, name in enumerate(names, 1):
            bridge, address = f"br{number}", f"198.51.100.{number}"
            # As on a real host its address is its own: else it takes that of a tap if that is lower, and what the other
            # host sends from the same address, which its end of the tap has, is dropped.
            ip(name, "link", "add", bridge, "address", f"02:ff:00:00:00:0{number}", "up", "type", "bridge")
            ip(name, "link", "set", "eth0", "up", "master", bridge)
            ip(name, "address", "add", f"{address}/24", "dev", bridge)
            identity = authority.issue(tmp_path / f"state-{name}", name, address)

            def publish(folder: Path, identity: Identity = identity) -> None:
                LibvirtTls(identity, pki(folder), uri(folder)).publish("<capabilities/>")

            daemon = stack.enter_context(private_libvirt(name, before=publish, listen=True))
            tls = LibvirtTls(identity, pki(daemon.folder), daemon.uri)
            driver = LibvirtGuests(tmp_path / name, None, daemon.uri, "", tls)
            stack.callback(driver.close)
            stack.callback(stop_all, name, driver)
            with entered(name):
                driver.watch(lambda _guest: None)  # its thread stays in this namespace
            found.append(End(name, identity.folder, address, bridge, daemon.uri, driver))
        yield found[0], found[1]


def stop_all(name: str, driver: LibvirtGuests) -> None:
    with entered(name):
        for state in driver.list():
            driver.stop(state.id)


eventually = partial(waiting.eventually, seconds=SECONDS)


def guest_on(end: End, number: int) -> GuestSpec:
    mac = f"02:00:00:00:00:{number:02x}"
    nic = GuestNic(id=str(uuid.uuid4()), name="nic1", mac=mac, bridge=end.bridge)
    spec = tiny_guest(nic, addresses=(f"192.0.2.{number}/24",))
    with entered(end.name):
        end.driver.start(spec)
    return spec


def to(end: End, spec: GuestSpec, **fields: object) -> Migration:
    there = replace(spec, nics=(replace(spec.nics[0], bridge=end.bridge),))
    migration = Migration(target=f"qemu+tls://{end.address}/system", name=end.name, spec=there)
    return replace(migration, **fields)  # type: ignore[arg-type] # the tests name real fields


@contextmanager
def watched(ends: tuple[End, End], spec: GuestSpec) -> Iterator[list[bool]]:
    """Poll the hosts for a guest; the list has the result of each poll: whether one of the hosts had it running."""
    sights: list[bool] = []
    over = Event()

    def poll() -> None:
        while not over.is_set():
            states = [state for end in ends for state in end.driver.list() if state.id == spec.id]
            sights.append(any(state.status == "up" for state in states))

    watcher = Thread(target=poll)
    watcher.start()
    try:
        yield sights
    finally:
        over.set()
        watcher.join()


def pings_answered(line: Console) -> int:
    """The number of ping replies that a guest has received."""
    return int(line.run("grep -c 'bytes from' /tmp/pings").output)


def test_a_guest_migrates_under_traffic(ends: tuple[End, End], record_property: Callable[[str, object], None]) -> None:
    here, there = ends
    spec, other = guest_on(here, 1), guest_on(here, 2)
    migration = to(there, spec, bandwidth=1000)
    with console(here.uri, other) as line:
        assert eventually(lambda: line.run("ping -c 1 -W 1 192.0.2.1").status == 0)
        line.run("ping -i 0.1 192.0.2.1 >/tmp/pings & echo $! >/tmp/ping")
        with entered(here.name), watched(ends, spec) as sights:
            here.driver.migrate(spec.id, migration)
        assert all(sights)
        assert [state.id for state in here.driver.list()] == [other.id]
        assert eventually(lambda: [state.id for state in there.driver.list()] == [spec.id])
        assert there.driver.list()[0].nics == migration.spec.nics
        before = pings_answered(line)
        assert eventually(lambda: pings_answered(line) >= before + 10)
        line.run("kill -INT $(cat /tmp/ping); until grep -q transmitted /tmp/pings; do sleep 0.1; done")
        summary = line.run("grep transmitted /tmp/pings").output
        assert line.run("ping -c 3 -W 1 192.0.2.1").status == 0
    record_property("pings", summary)
    sent, received = map(int, re.findall(r"(\d+) packets", summary))
    assert received > sent / 2, summary
    with console(there.uri, spec) as line:
        line.send("poweroff -f\n")
        assert eventually(lambda: there.driver.list()[0].status == "down")


def test_a_migration_is_retried_when_its_connection_breaks(ends: tuple[End, End]) -> None:
    here, there = ends
    spec = guest_on(here, 1)
    broken: list[str] = []

    def break_line() -> None:
        """Once, while memory is transferred."""
        connection = libvirt.open(here.uri)
        domain = connection.lookupByUUIDString(spec.id)
        assert eventually(lambda: domain.jobStats().get("memory_processed", 0) > 0)
        cut = run_inside(here.name, ("ss", "-K", "-H", "-t", "dport", "=", f":{PORT}"))
        broken.extend(cut.stdout.splitlines())
        connection.close()

    breaker = Thread(target=break_line)
    breaker.start()
    with entered(here.name), watched(ends, spec) as sights:
        here.driver.migrate(spec.id, to(there, spec, bandwidth=20))
    breaker.join()
    assert len(broken) == 1
    assert all(sights)
    assert here.driver.list() == []
    assert eventually(lambda: [state.id for state in there.driver.list()] == [spec.id])


def test_a_host_with_a_foreign_certificate_is_refused_by_either_end(
    ends: tuple[End, End], authority: Authority
) -> None:
    here, there = ends
    spec = guest_on(here, 1)
    foreign = Authority("Somebody else's authority")

    def stays(end: End, **others: Authority) -> None:
        """With foreign certificates on one end, which itself accepts the other end, the guest stays."""
        authority.issue(end.state, end.name, end.address, **others)
        end.driver.certificate_changed()
        with entered(here.name), pytest.raises(GuestError, match=UNTRUSTED):
            here.driver.migrate(spec.id, to(there, spec))
        assert [(state.id, state.status, state.migrating) for state in here.driver.list()] == [(spec.id, "up", False)]
        assert there.driver.list() == []
        authority.issue(end.state, end.name, end.address)
        end.driver.certificate_changed()

    for purpose in ("libvirt", "qemu"):
        for end in (there, here):
            stays(end, **{purpose: foreign})
    imposter = replace(to(there, spec), name=here.name)
    with entered(here.name), pytest.raises(GuestError, match=UNTRUSTED):
        here.driver.migrate(spec.id, imposter)

    with entered(here.name):
        here.driver.migrate(spec.id, to(there, spec))
    assert eventually(lambda: [state.id for state in there.driver.list()] == [spec.id])


def test_libvirt_and_qemu_get_a_key_pair_each_and_foreign_files_stay(tmp_path: Path, authority: Authority) -> None:
    identity = authority.issue(tmp_path / "state", "h1")
    root = tmp_path / "pki"
    label = "<baselabel type='kvm'>+64055:+104</baselabel>"
    capabilities = f"<capabilities><host><secmodel><model>dac</model>{label}</secmodel></host></capabilities>"
    tls = LibvirtTls(identity, root, f"qemu+unix:///system?socket={tmp_path}/libvirt-sock")
    for _ in range(2):
        authority.issue(tmp_path / "state", "h1")
        tls.publish(capabilities)
        for folder, files in ((root / "libvirt", LIBVIRT_FILES), (root / "qemu", QEMU_FILES)):
            found = {name: (folder / name).read_bytes() for name in files}
            assert found == {name: (identity.current / ours).read_bytes() for name, ours in files.items()}
    for purpose, group in (("libvirt", 0), ("qemu", 104)):
        folder = (root / purpose / "netweft").resolve()
        copies = {path.name: path.stat() for path in folder.iterdir()}
        assert set(copies) == {f"{purpose}{ending}" for ending in (".key", ".pem", "-ca.pem")}
        assert {(stat.S_IMODE(one.st_mode), one.st_uid, one.st_gid) for one in copies.values()} == {(0o640, 0, group)}
        assert (stat.S_IMODE(folder.stat().st_mode), folder.stat().st_gid) == (0o750, group)
        assert len(list((root / purpose).glob("netweft-*"))) == 1

    others = tmp_path / "others" / "CA"
    others.mkdir(parents=True)
    (others / "cacert.pem").write_text("somebody's")
    with pytest.raises(TlsError, match=r"CA/cacert\.pem was not created by Netweft"):
        LibvirtTls(identity, others.parent, "qemu:///system").publish(capabilities)
    assert (others / "cacert.pem").read_text() == "somebody's"
    assert not (others.parent / "libvirt").exists()


def test_a_guest_that_cannot_migrate_stays_as_it_was(ends: tuple[End, End]) -> None:
    here, there = ends
    spec = guest_on(here, 1)
    lost = to(there, spec)
    lost = replace(lost, spec=replace(lost.spec, nics=(replace(lost.spec.nics[0], bridge="nowhere"),)))
    with entered(here.name), pytest.raises(GuestError, match=r"stays on this host.*nowhere"):
        here.driver.migrate(spec.id, lost)
    assert [(state.id, state.status, state.migrating) for state in here.driver.list()] == [(spec.id, "up", False)]
    assert there.driver.list() == []


def test_the_reason_of_a_failed_migration_is_reported(engine: Engine) -> None:
    spec = GuestSpec(id=str(uuid.uuid4()), name="web", driver="simulated", memory=1 << 20)
    engine.ask(GuestState, "PUT", f"/v1/guests/{spec.id}", spec)
    migration = Migration(target="qemu+tls://elsewhere.example/system", name="elsewhere", spec=spec)
    assert engine.ask(GuestState, "POST", f"/v1/guests/{spec.id}/migrate", migration).migrating
    assert eventually(lambda: any(event.kind == "migration" for event in engine.events().events))
    (told,) = [event for event in engine.events().events if event.kind == "migration"]
    assert (told.subject, "stays on this host" in told.detail) == (spec.id, True)
    with pytest.raises(RefusedError, match="does not run on this host"):
        engine.ask(GuestState, "POST", f"/v1/guests/{uuid.uuid4()}/migrate", migration)

"""The files in which the agent stores the specifications of libvirt's guests."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from netweft.agent.guests.libvirt_store import GuestStore
from netweft.core.guest_protocol import GuestSpec


def test_several_threads_store_a_guest_concurrently(tmp_path: Path) -> None:
    """The thread of a request, and the one that handles reconnects of libvirt."""
    store = GuestStore(tmp_path)
    specs = [GuestSpec(id="one", name="n" * number, driver="libvirt", memory=1) for number in range(1, 200)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(store.save, specs))
    assert store.load("one") in specs
    last = replace(specs[0], memory=2)
    store.save(last)
    assert store.all() == {"one": last}
    assert [file.name for file in tmp_path.iterdir()] == ["one.json"]

"""The files in which the agent keeps what libvirt's guests were asked to be."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from netweft.agent.guests.libvirt_store import GuestStore
from netweft.core.guest_protocol import GuestSpec


def test_several_threads_store_a_guest_concurrently(tmp_path: Path) -> None:
    """Who gives an order, and who hears that libvirt is back."""
    store = GuestStore(tmp_path)
    specs = [GuestSpec(id="one", name="n" * number, driver="libvirt", memory=1) for number in range(1, 200)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(store.save, specs))
    assert store.load("one") in specs
    last = replace(specs[0], memory=2)
    store.save(last)
    assert store.all() == {"one": last}
    assert [file.name for file in tmp_path.iterdir()] == ["one.json"]

"""Registered fabrics: the engine as a program, and two emulated UCS Managers."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from doc_blocks import like_a_clone, scripts
from netweft.lab import state
from processes import CONTAINED
from providers.ucsm import PASSWORD, USER, Emulator

PATIENCE = 60.0


@pytest.fixture(scope="module")
def emulators() -> Iterator[tuple[Emulator, Emulator]]:
    with Emulator() as one, Emulator() as two:
        yield one, two


class Additions:
    """Netweft's own part of the API."""

    def __init__(self, api: httpx.Client) -> None:
        self._api, self._root = api, str(api.base_url).replace("/ovirt-engine/api/", "/netweft/v1")

    def __call__(self, method: str, path: str, **body: Any) -> Any:
        answer = self._api.request(method, f"{self._root}/{path}", json=body if method in {"POST", "PUT"} else None)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def add(self, name: str, emulator: Emulator) -> str:
        login = {"username": USER, "password": PASSWORD}
        return str(self("POST", "configurationproviders", name=name, type="ucsm", url=emulator.url, **login)["id"])

    def until_idle(self, provider_id: str) -> None:
        """Wait until it has applied the desired state."""
        deadline = time.monotonic() + PATIENCE
        while any(one["provision"]["state"] != "ok" for one in self.objects(provider_id)):
            assert time.monotonic() < deadline, self.objects(provider_id)
            time.sleep(0.2)

    def objects(self, provider_id: str) -> list[dict[str, Any]]:
        return list(self("GET", f"configurationproviders/{provider_id}/objects"))


@pytest.fixture
def additions(api: httpx.Client) -> Additions:
    return Additions(api)


def test_the_page(emulators: tuple[Emulator, Emulator], terminal: Callable[..., str]) -> None:
    emulator = emulators[0]
    before = emulator.view()
    # The fabric releases the network shortly afterwards.
    remove = "until netweft configuration-provider remove ucs --yes; do sleep 0.5; done"
    end = f"netweft network remove blue --yes\ntimeout {PATIENCE} bash -c '{remove}'\n"
    page = scripts("ucsm")["docs/configuration-providers.md"]
    wrote = terminal(page + end, UCS=emulator.url, UCS_PASSWORD=PASSWORD)
    for said in ("gold", "9216", "best-effort", "host1", "admin@internal", "error"):
        assert said in wrote
    assert PASSWORD not in wrote
    assert [one for one in emulator.view() if one not in before] == [
        one for one in emulator.view() if "class-best-effort" in one
    ]


def test_the_page_of_a_lab() -> None:
    script = f"export PATH=$PWD/.venv/bin:$PATH\n{scripts('fabric-lab')['docs/ucs-lab.md']}"
    with like_a_clone() as folder:
        (folder / "var").mkdir()
        done = subprocess.run(
            [*CONTAINED, "bash", "-euxc", f"ip link set lo up\n{script}"],
            cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=280,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
        assert not list(folder.glob(f"var/*/{state.FILE}"))
    for said in (
        "does not have these networks: blue",
        "implements these networks differently: blue (",
        "has 2 free dynamic vNICs for the 3 vNICs on networks of its fabric",
        "best-effort",
    ):
        assert said in done.stdout, done.stdout


def test_a_network_of_two_fabrics_one_of_which_fails_intermittently(
    emulators: tuple[Emulator, Emulator], api: httpx.Client, additions: Additions
) -> None:
    before = [emulator.view() for emulator in emulators]
    ids = [additions.add(f"ucs{number}", emulator) for number, emulator in enumerate(emulators)]
    made = []
    for number in range(6):
        emulators[1].control(faults=[{"kind": "close", "times": 10**6}] if number % 2 else [])
        body = {"name": f"net{number}", "vlan": {"id": 500 + number}, "data_center": {"name": "Default"}}
        network = api.post("/networks", json=body)
        assert network.status_code == 201, network.text
        made.append(network.json()["id"])
        began = time.monotonic()
        profiles = [additions("POST", f"networks/{made[-1]}/portprofiles", provider_id=one) for one in ids]
        assert time.monotonic() - began < 30
        assert profiles[0]["provision"]["state"] == "ok"
        assert profiles[1]["provision"]["state"] == ("error" if number % 2 else "ok")
        if number % 3 == 2:
            assert api.put(f"/networks/{made[0]}", json={"vlan": {"id": 600 + number}}).status_code == 200
    emulators[1].mend()
    assert (
        additions("POST", f"configurationproviders/{ids[1]}/test")["status"] == "ok"
    )  # and everything is retried at once
    for one in ids:
        additions.until_idle(one)
    ours = [sorted(one["id"] for one in additions.objects(provider_id)) for provider_id in ids]
    assert ours == [sorted(made), sorted(made)]
    vlans = [
        sorted(int(one["id"]) for one in emulator.objects().values() if one["class"] == "fabricVlan")
        for emulator in emulators
    ]
    assert vlans[0] == vlans[1] == [1, 501, 502, 503, 504, 505, 605]
    for network_id in made:
        emulators[1].fail("lose", "configConfMos")
        assert api.delete(f"/networks/{network_id}").status_code == 200
    emulators[1].mend()
    additions("POST", f"configurationproviders/{ids[1]}/test")
    for one in ids:
        additions.until_idle(one)
        additions("DELETE", f"configurationproviders/{one}")
    assert [emulator.view() for emulator in emulators] == before

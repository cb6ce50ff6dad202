"""The page's models of a host's networks: golden cases, run in the browser.

``NETWEFT_GOLDEN=write`` writes the results into ``models/expected.yaml``, to be reviewed. Each
request is also compared with what the command line makes of the file that the page shows beside it.
"""

from __future__ import annotations

import os
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.sync_api import Page

from netweft.cli import setup_file
from web.conftest import Opened

FOLDER = Path(__file__).parent / "models"
HOST = yaml.safe_load((FOLDER / "host.yaml").read_text())
CASES: dict[str, Any] = yaml.safe_load((FOLDER / "cases.yaml").read_text())
OPTIONS = {"seconds": 60, "commit": False}
OF_ALL = {"check_connectivity": True, "connectivity_timeout": 60, "commit_on_success": False}

RUN = """async ([base, steps, options]) => {
    const model = await import(new URL('model/setup.js', document.querySelector('script[src]').src));
    const merged = (was, now) => now === null || typeof now !== 'object' || Array.isArray(now) ? now
        : Object.fromEntries(Object.entries({...was, ...now}).map(([key, value]) =>
            [key, key in now ? merged(was?.[key], value) : value]).filter(([key]) => now[key] !== null));
    let host = base;
    let draft = model.draftOf(host);
    const special = {
        configure: (id, parts) => model.configure(host, draft, id, {...model.configured(host, draft, id), ...parts}),
        label: (uplink, labels) => model.label(host, draft, uplink, labels),
        undo: (key) => model.undoOne(host, draft, model.changes(host, draft).find((one) => one.key === key)),
        meanwhile: (patch) => {
            const after = merged(host, patch);
            const next = model.rebase(host, after, draft);
            host = after;
            return next;
        },
    };
    for (const step of steps) {
        for (const [name, said] of Object.entries(step)) {
            const given = Array.isArray(said) ? said : [said];
            draft = special[name]?.(...given) ?? model[name](draft, ...given);
        }
    }
    return {
        changes: model.changes(host, draft).map((one) => `${one.verb} ${one.what}: ${one.how}`),
        request: model.request(host, draft, options),
        file: model.file(host, draft, options),
        attachments: Object.fromEntries(Object.entries(host.attachments).map(([name, one]) => [name, one.id])),
    };
}"""

OBSTACLES = [
    (["lab"], "eth4", None),
    (["storage"], "bond0", "Already here"),
    (["lab"], "bond0", "VLAN 100 in use by storage"),
    (["plain"], "eth0", "Untagged slot taken by ovirtmgmt"),
    (["lab", "storage"], "eth4", "VLAN 100 in use by lab"),
    (["cloud"], "eth4", "cloud is carried by its provider"),
    (["backup"], "eth4", "backup goes with the label red"),
]


@pytest.fixture(scope="module")
def expected() -> Any:
    path = FOLDER / "expected.yaml"
    known = yaml.safe_load(path.read_text()) if path.exists() else {}
    yield known
    if os.environ.get("NETWEFT_GOLDEN") == "write":
        path.write_text(yaml.safe_dump({name: known[name] for name in CASES}, sort_keys=False, width=110))


@pytest.fixture
def page(opened: Opened) -> Page:
    return opened().open("")


def test_cases(page: Page, expected: Any) -> None:
    for name, case in CASES.items():
        found = page.evaluate(RUN, [HOST, case["steps"], OPTIONS])
        text, attachments = found.pop("file"), found.pop("attachments")
        assert {name: found["request"].pop(name) for name in OF_ALL} == OF_ALL
        if os.environ.get("NETWEFT_GOLDEN") == "write":
            expected[name] = found
        assert found == expected[name], name
        by_command = setup_file.read(text.encode(), attachments)
        said = {key: value for key, value in by_command.items() if key not in OF_ALL}
        assert plain(said) == plain(named(found["request"], attachments)), name


def named(request: Any, attachments: dict[str, str]) -> Any:
    """A request with networks by name, and lists without the names of their items, as the command line makes them."""
    names = {**{key: name for name, key in attachments.items()}, **{one["uuid"]: one["id"] for one in HOST["networks"]}}
    body = deepcopy(request)
    for one in body.get("modified_network_attachments", {}).get("network_attachment", []):
        one["network"] = {"name": names[one["id"] if "id" in one else one["network"]["id"]]}
    return body


def plain(value: Any) -> Any:
    """Without the names of items of lists, and with scalars as texts, as the engine reads both."""
    if isinstance(value, dict):
        if len(value) == 1 and isinstance(items := next(iter(value.values())), list) and set(value) <= ITEMS:
            return plain(items)
        return {key: found for key, item in value.items() if (found := plain(item)) != [] and found != ""}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return str(value)


ITEMS = {
    "host_nic", "ip_address_assignment", "name_server", "network_attachment", "network_label", "option", "property",
}  # fmt: skip


def test_obstacles_are_named(page: Page) -> None:
    found = page.evaluate(
        """async ([host, asked]) => {
            const model = await import(new URL('model/setup.js', document.querySelector('script[src]').src));
            return asked.map(([ids, uplink]) => model.obstacle(host, model.draftOf(host), ids, uplink));
        }""",
        [HOST, [[ids, uplink] for ids, uplink, _ in OBSTACLES]],
    )
    assert found == [why for _, _, why in OBSTACLES]

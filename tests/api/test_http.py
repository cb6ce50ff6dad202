"""What holds of every endpoint: waiting for jobs, statuses, and faults for whatever goes wrong in a handler."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from api.served import Client, serving
from netweft.api.routes import LOGIN, Call, Later, Router, Routes
from netweft.api.types import Action, Network
from netweft.core.errors import BusyError, DeniedError, HostError, MalformedError, Problem, ValidationError
from netweft.engine import claims, queue
from netweft.engine.access.roles import ActionGroup
from netweft.engine.db import Database, Tx

KIND = "test"
ERRORS = {
    "malformed": MalformedError("m"),
    "denied": DeniedError("d"),
    "busy": BusyError("b"),
    "host": HostError("h"),
    "rule": ValidationError("Cannot do.", (Problem("A", "It is bad."), Problem("B", "So is that."))),
    "unforeseen": RuntimeError("secret detail"),
    "overflow": OverflowError("x"),
}
GROUP = ActionGroup.CREATE_STORAGE_POOL_NETWORK

routes = Routes("networks")


def enqueue(tx: Tx, call: Call[Network] | Call[Action]) -> str:
    return queue.enqueue(tx, call.actor, KIND, "key", "a test", {})


@routes.post("/networks", Network, needs=GROUP)
def post_network(call: Call[Network]) -> Later:
    """Add when the job has ended."""
    return Later(call.run(enqueue, call), lambda: Network(id="1", href="/networks/1", mtu=0))


@routes.action("/networks/{network_id}/go", needs=GROUP)
def go(call: Call[Action]) -> Later:
    """Go when the job has ended."""
    return Later(call.run(enqueue, call))


@routes.get("/networks/{network_id}", Network, needs=LOGIN)
def get_network(call: Call[None]) -> Network:
    """Fail as asked."""
    raise ERRORS[call.ids["network_id"]]


@routes.action("/networks/{network_id}/fail", needs=GROUP)
def fail(call: Call[Action]) -> None:
    """Fail as asked."""
    raise ERRORS[call.ids["network_id"]]


@pytest.fixture
def client(db: Database, tmp_path: Path) -> Iterator[Client]:
    with serving(db, tmp_path, router=Router(routes.table)) as engine, engine.client() as client:
        yield client


def work(db: Database, error: str = "") -> threading.Thread:
    """Does one job, once there is one."""

    def run() -> None:
        while (job := claims.claim_next(db, "replica", frozenset({KIND}))) is None:
            time.sleep(0.01)
        db.run(queue.fail, job, error, "SOME_CODE") if error else db.run(queue.finish, job)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_answers_wait_for_their_job(db: Database, client: Client) -> None:
    worker = work(db)
    assert client.post_xml("networks", "<network/>").get("id") == "1"
    worker.join()
    worker = work(db)
    done = client.action("networks/1/go")
    worker.join()
    job = done.find("job")
    assert job is not None
    assert (done.findtext("status"), job.get("href")) == ("complete", f"/ovirt-engine/api/jobs/{job.get('id')}")


def test_jobs_that_fail_are_faults(db: Database, client: Client) -> None:
    worker = work(db, "The host took it back.")
    answer = client.post("networks/1/go", content="<action/>")
    worker.join()
    assert answer.status_code == 409
    assert "<action>" in answer.text
    assert "[The host took it back.]" in answer.text
    assert answer.headers["Netweft-Code"] == "SOME_CODE"
    worker = work(db, "The host took it back.")
    answer = client.post("networks", content="<network/>")
    worker.join()
    assert (answer.status_code, "<fault>" in answer.text) == (409, True)


def test_clients_that_do_not_wait(client: Client) -> None:
    answer = client.post("networks/1/go", content="<action><async>true</async></action>")
    assert (answer.status_code, "<status>pending</status>" in answer.text, "<job " in answer.text) == (202, True, True)
    assert client.post("networks?async=true", content="<network/>").status_code == 202
    assert client.post("networks", content="<network/>", headers={"Expect": "202-accepted"}).status_code == 202


def test_nobody_waits_for_ever(db: Database, tmp_path: Path) -> None:
    with serving(db, tmp_path, router=Router(routes.table), wait_max=0.1) as engine, engine.client() as client:
        assert client.post("networks/1/go", content="<action/>").status_code == 202


def test_who_waits_when_the_engine_ends_is_answered(db: Database, tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as asking:
        with serving(db, tmp_path, router=Router(routes.table)) as engine:
            client = engine.client()
            answer = asking.submit(client.post, "networks/1/go", content="<action/>")
            while claims.claim_next(db, "replica", frozenset({KIND})) is None:
                time.sleep(0.01)
        assert answer.result().status_code == 202
        client.close()


def test_every_error_is_a_fault(client: Client) -> None:
    expected = {
        "malformed": 400,
        "denied": 403,
        "busy": 409,
        "host": 409,
        "rule": 409,
        "unforeseen": 500,
        "overflow": 400,
    }
    for name, status in expected.items():
        answer = client.get(f"networks/{name}")
        assert (answer.status_code, "<detail>[" in answer.text) == (status, True), name
        answer = client.post(f"networks/{name}/fail", content="<action/>")
        assert (answer.status_code, "<action>" in answer.text) == (status, True), name
    refused = client.get("networks/rule")
    assert "[Cannot do. It is bad. So is that.]" in refused.text
    assert refused.headers["Netweft-Code"] == "A, B"


def test_unforeseen_errors_tell_nothing_but_where_to_look(client: Client) -> None:
    answer = client.get("networks/unforeseen", headers={"Correlation-Id": "look-here"})
    assert "secret" not in answer.text
    assert "look-here" in answer.text


def test_faults_in_json(client: Client) -> None:
    answer = client.get("networks/rule", headers={"Accept": "application/json"})
    assert answer.json() == {"reason": "Operation Failed", "detail": "[Cannot do. It is bad. So is that.]"}

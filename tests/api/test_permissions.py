"""Every endpoint, called by users who have nothing: by nobody, and by one without any role."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from api.served import PASSWORD, Client, Engine, check
from api.walk import READS, ROUTES, body_of, name_of, path_of, populate, stored, url_of
from netweft.api.routes import ADDITIONS, LOGIN, PUBLIC, READ, Route
from netweft.engine.access.objects import ObjectRef, ObjectType
from netweft.engine.access.roles import ActionGroup

OWN = [route for route in ROUTES if route.url in {"/netweft/v1/users/{user_id}/password", "/netweft/v1/requestplans"}]
"""Changes of what is the caller's own, for which no role is needed; and a plan, which takes the role that its request
does (tests/api/test_request_plans.py).
"""


@dataclass
class World:
    engine: Engine
    admin: Client
    poor: Client
    filtered: Client


@pytest.fixture
def world(engine: Engine, client: Client) -> Iterator[World]:
    populate(engine)
    engine.add_user("nobody@internal")
    with engine.client("nobody@internal") as poor, engine.client("nobody@internal", Filter="true") as filtered:
        yield World(engine, client, poor, filtered)


def call(world: World, client: Client, route: Route) -> httpx.Response:
    path = path_of(world.admin, route)
    body = body_of(world.admin, route, path) if route.takes is not None else None
    media = "application/json" if route.root == ADDITIONS else "application/xml"
    request = client.build_request(
        route.method, url_of(world.engine, route, path), content=body, headers={"Content-Type": media}
    )
    if route.media == "text/event-stream":
        answer = client.send(request, stream=True)
        answer.close()
        return answer
    return client.send(request)


def test_whoever_has_no_role_changes_nothing_and_reads_only_what_is_for_all(world: World) -> None:
    before = stored(world.engine)
    for route in ROUTES:
        status = call(world, world.poor, route).status_code
        if route.needs is PUBLIC:
            assert status < 500, name_of(route)
        elif route in OWN:
            assert status == 400, f"{name_of(route)}: {status}"  # an empty body is refused before anything is looked at
        elif route.needs is LOGIN:
            assert status in {200, 404}, f"{name_of(route)}: {status}"
        else:
            assert status == 403, f"{name_of(route)}: {status}"
    assert stored(world.engine) == before


def test_the_own_view_of_whoever_has_no_role_shows_nobody_elses_things(world: World) -> None:
    for route in READS:
        if route.needs is READ and not route.media:
            answer = call(world, world.filtered, route)
            assert answer.status_code in {200, 404}, f"{name_of(route)}: {answer.status_code} {answer.text}"
    assert len(world.filtered.xml("hosts")) == 0
    assert len(world.filtered.xml("vms")) == 0


def test_users_are_told_what_they_may_do(engine: Engine, client: Client) -> None:
    every = client.get(f"{engine.url}/netweft/v1/rights").json()
    assert every == [{"name": str(group), "everywhere": True} for group in sorted(ActionGroup)]
    network, _ = client.add_network("blue", 100)
    engine.add_user("ann@internal", "NetworkAdmin", ObjectRef(ObjectType.NETWORK, network))
    with engine.client("ann@internal") as ann:
        told = {one["name"]: one["everywhere"] for one in ann.get(f"{engine.url}/netweft/v1/rights").json()}
        assert told["configure_storage_pool_network"] is False
        assert "create_host" not in told
    engine.add_user("bob@internal")
    with engine.client("bob@internal") as bob:
        told = {one["name"] for one in bob.get(f"{engine.url}/netweft/v1/rights").json()}
        assert "configure_storage_pool_network" not in told


def test_nobody_gets_anything(world: World) -> None:
    with httpx.Client() as http:
        for route in ROUTES:
            if route.needs is not PUBLIC:
                answer = http.request(route.method, url_of(world.engine, route, path_of(world.admin, route)))
                assert (answer.status_code, answer.content) == (401, b""), name_of(route)


def test_every_change_names_an_action_group() -> None:
    for route in ROUTES:
        if route.method != "GET":
            assert isinstance(route.needs, ActionGroup) or route.needs is PUBLIC or route in OWN, name_of(route)


def test_wrong_passwords_make_the_next_try_wait(engine: Engine) -> None:
    url, form = f"{engine.url}/ovirt-engine/sso/oauth/token", {"grant_type": "password", "username": "admin@internal"}
    told = ""
    for _ in range(5):  # on a machine that pauses, the wait of seconds may be over
        answers = [httpx.post(url, data={**form, "password": "wrong"}) for _ in range(6)]
        assert {answer.status_code for answer in answers} == {400}
        told = (
            httpx.post(url, data={**form, "password": PASSWORD, "scope": "other"}).json().get("error_description", "")
        )
        if told:
            break
    assert "Retry-After" in answers[-1].headers
    assert "try again" in told
    assert check(answers[0]) == []

"""Users through the API: as the SDK adds and removes them, and their passwords by our addition."""

from __future__ import annotations

import httpx
import ovirtsdk4
import ovirtsdk4.types as t
import pytest

from api.served import PASSWORD, Client, Engine

OTHER = "another good password"


def add_ann(client: Client) -> str:
    body = f"<user><user_name>ann@internal</user_name><password>{PASSWORD}</password></user>"
    return str(client.post_xml("users", body).get("id"))


def put_password(engine: Engine, client: Client, user_id: str, **body: str) -> httpx.Response:
    headers = {"Authorization": client.headers["Authorization"]}
    return httpx.put(f"{engine.url}/netweft/v1/users/{user_id}/password", json=body, headers=headers)


def test_the_sdk_adds_and_removes_users(sdk: ovirtsdk4.Connection) -> None:
    service = sdk.system_service().users_service()
    for said in (
        t.User(user_name="ann@internal-authz", domain=t.Domain(name="internal-authz"), principal="ann", namespace="*"),
        t.User(
            user_name="bob", domain=t.Domain(name="internal"), name="Robert", last_name="Roe", email="bob@example.org"
        ),
    ):
        service.add(said)
    ann, bob = (service.list(search=f"usrname={name}@internal")[0] for name in ("ann", "bob"))
    assert (ann.user_name, ann.principal, ann.namespace, ann.domain.name) == ("ann@internal", "ann", "*", "internal")
    assert (bob.user_name, bob.name, bob.last_name, bob.email) == ("bob@internal", "Robert", "Roe", "bob@example.org")
    assert ann.password is None
    for user in (ann, bob):
        service.user_service(user.id).remove()
    assert service.list(search="usrname=ann@internal") == []
    with pytest.raises(ovirtsdk4.NotFoundError):
        service.user_service(ann.id).get()
    with pytest.raises(ovirtsdk4.Error, match="There are no users from 'example"):
        service.add(t.User(user_name="ann@example.org"))


def test_who_is_removed_is_out_at_once(engine: Engine, client: Client) -> None:
    user_id = add_ann(client)
    client.post_xml(
        "permissions", f'<permission><role><name>SuperUser</name></role><user id="{user_id}"/></permission>'
    )
    with engine.client("ann@internal") as ann:
        assert ann.get("networks").status_code == 200
        refused = ann.delete(f"users/{user_id}")
        assert (refused.status_code, "logged in as ann@internal" in refused.text) == (409, True)
        assert client.delete(f"users/{user_id}").status_code == 200
        assert ann.get("networks").status_code == 401
    with httpx.Client() as http:
        assert http.get(f"{engine.url}/ovirt-engine/api", auth=("ann@internal", PASSWORD)).status_code == 401


def test_bad_users_are_refused_with_a_reason(client: Client) -> None:
    for body, status, text in (
        ("<user/>", 400, "User [userName] required"),
        ("<user><user_name>ann@internal</user_name><password>short</password></user>", 409, "at least 12 characters"),
        ("<user><user_name>a b@internal</user_name></user>", 409, "contains a blank"),
        ("<user><user_name>admin@internal</user_name></user>", 409, "There is a user admin@internal already"),
    ):
        answer = client.post("users", content=body)
        assert (answer.status_code, text in answer.text) == (status, True), answer.text
        assert "short" not in answer.text.replace("too short", "")


def test_passwords(engine: Engine, client: Client) -> None:
    user_id = add_ann(client)
    with engine.client("ann@internal") as ann:
        assert put_password(engine, ann, user_id, password=OTHER).status_code == 403, "the present one is missing"
        assert put_password(engine, ann, user_id, password=OTHER, current="wrong").status_code == 403
        assert put_password(engine, ann, user_id, password="short", current=PASSWORD).status_code == 409
        assert put_password(engine, ann, user_id).status_code == 400
        admin_id = client.xml("users", search="usrname=admin@internal")[0].get("id")
        assert put_password(engine, ann, str(admin_id), password=OTHER).status_code == 403
        answer = put_password(engine, ann, user_id, password=OTHER, current=PASSWORD)
        assert (answer.status_code, answer.json()) == (200, {"user_name": "ann@internal"})
        assert ann.get("").status_code == 401, "what the old password opened has ended"
    engine.client("ann@internal", OTHER).close()
    assert put_password(engine, client, user_id, password=PASSWORD).status_code == 200
    engine.client("ann@internal").close()

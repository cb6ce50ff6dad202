"""The nouns of the system itself: entry point, jobs, events, users, roles, and what is constant."""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx
import ovirtsdk4
import ovirtsdk4.types as t
import pytest

from api.served import ADMIN, PASSWORD, Client, Engine


def test_the_entry_point_says_what_clients_decide_by(sdk: ovirtsdk4.Connection) -> None:
    api = sdk.system_service().get()
    assert (api.product_info.version.major, api.product_info.version.minor) == (4, 5)
    assert api.summary.users.total == 1
    assert api.special_objects.blank_template.id == "00000000-0000-0000-0000-000000000000"


def test_events_are_never_empty_and_newest_first(sdk: ovirtsdk4.Connection) -> None:
    service = sdk.system_service().events_service()
    last = service.list(max=1)[0]
    service.add(t.Event(description="a fire", origin="the alarm", severity=t.LogSeverity.ALERT, custom_id=7))
    found = service.list(from_=int(last.id))
    assert [(e.description, e.code, e.custom_id) for e in found] == [("a fire", 9804, 7)]
    assert service.event_service(found[0].id).get().origin == "the alarm"
    assert [e.description for e in service.list(search="severity=alert and message=*fire*")] == ["a fire"]
    service.event_service(found[0].id).remove()
    assert service.list(from_=int(last.id)) == []


_FIT = "<description>x</description><origin>x</origin><severity>normal</severity>"


REFUSED = [
    ("<event><description>x</description><origin>oVirt</origin><severity>normal</severity></event>", 409),
    ("<event><description>x</description><origin/><severity>normal</severity></event>", 409),
    ("<event><description> </description><origin>x</origin><severity>normal</severity></event>", 409),
    ("<event><description>x</description><origin>x</origin><severity>great</severity></event>", 400),
    ("<event><description>x</description><origin>x</origin></event>", 400),
    (f"<event>{_FIT}<custom_id>3000000000</custom_id></event>", 409),
]


def test_events_that_are_refused(client: Client) -> None:
    before = client.xml("events", max=1)[0].get("id")
    for body, code in REFUSED:
        answer = client.post("events", content=body)
        assert answer.status_code == code, answer.text
    assert client.xml("events", max=1)[0].get("id") == before


def test_jobs_of_other_systems(sdk: ovirtsdk4.Connection, client: Client) -> None:
    service = sdk.system_service().jobs_service()
    job = service.add(t.Job(description="backup", external=True, auto_cleared=False))
    steps = service.job_service(job.id).steps_service()
    step = steps.add(t.Step(description="copy", type=t.StepEnum.EXECUTING, status=t.StepStatus.STARTED, external=True))
    assert [s.description for s in steps.list()] == ["copy"]
    steps.step_service(step.id).end(succeeded=True)
    assert steps.step_service(step.id).get().status == t.StepStatus.FINISHED
    assert service.job_service(job.id).get(follow="steps").steps[0].description == "copy"
    service.job_service(job.id).end(succeeded=False)
    assert service.job_service(job.id).get().status == t.JobStatus.FAILED
    assert client.post(f"jobs/{job.id}/end", content="<action/>").status_code == 400
    service.job_service(job.id).clear()
    assert client.get(f"jobs/{job.id}").status_code == 404


def test_users_and_roles(sdk: ovirtsdk4.Connection) -> None:
    system = sdk.system_service()
    (admin,) = system.users_service().list(search='usrname="admin@internal-authz"')
    assert admin.user_name == ADMIN
    roles = system.users_service().user_service(admin.id).roles_service().list()
    assert "SuperUser" in [role.name for role in roles]
    role = next(role for role in system.roles_service().list() if role.name == "VnicProfileUser")
    permits = system.roles_service().role_service(role.id).permits_service().list()
    assert "configure_vm_network" in [permit.name for permit in permits]


def test_constant_collections(sdk: ovirtsdk4.Connection) -> None:
    system = sdk.system_service()
    assert "vdsm-no-mac-spoofing" in [f.name for f in system.network_filters_service().list()]
    assert system.openstack_network_providers_service().list(search='name="x"') == []
    assert [p.name for p in system.scheduling_policies_service().list()] == ["none"]
    assert [tag.name for tag in system.tags_service().list()] == ["root"]


def test_the_event_stream_resumes(engine: Engine, client: Client) -> None:
    last = int(str(client.xml("events", max=1)[0].get("id")))
    body = "<event><description>one</description><origin>x</origin><severity>normal</severity></event>"
    client.post_xml("events", body)
    headers = {"Authorization": client.headers["Authorization"], "Last-Event-ID": str(last)}
    with httpx.stream("GET", f"{engine.url}/netweft/v1/events", headers=headers, timeout=20) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.iter_lines()
        first = json.loads(next(line for line in lines if line.startswith("data:"))[5:])
        assert (first["id"], first["description"]) == (last + 1, "one")
        client.post_xml("events", body.replace("one", "two"))
        second = json.loads(next(line for line in lines if line.startswith("data:"))[5:])
        assert (second["id"], second["description"]) == (last + 2, "two")


def test_progress_of_a_job(engine: Engine, client: Client) -> None:
    job = client.post_xml("jobs", "<job><description>x</description></job>")
    headers = {"Authorization": client.headers["Authorization"]}
    progress = httpx.get(f"{engine.url}/netweft/v1/jobs/{job.get('id')}", headers=headers).json()
    assert (progress["status"], progress["description"], progress["progress"]) == ("started", "x", {})


def test_logging_in_and_out(engine: Engine) -> None:
    url = f"{engine.url}/ovirt-engine/sso/oauth/token"
    form = {"grant_type": "password", "scope": "ovirt-app-api", "username": ADMIN, "password": "wrong"}
    refused = httpx.post(url, data=form)
    assert refused.headers["content-type"] == "application/json"
    assert refused.json()["error_code"] == "access_denied"
    with pytest.raises(ovirtsdk4.AuthError):
        engine.sdk(password="wrong").authenticate()
    token = httpx.post(url, data={**form, "password": PASSWORD}).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{engine.url}/ovirt-engine/api", headers=headers).status_code == 200
    assert httpx.post(f"{engine.url}/ovirt-engine/services/sso-logout", data={"token": token}).json() == {}
    ended = httpx.get(f"{engine.url}/ovirt-engine/api", headers=headers)
    assert (ended.status_code, ended.content) == (401, b"")
    assert ended.headers["www-authenticate"] == 'Basic realm="RESTAPI"'


def test_basic_and_sessions(engine: Engine) -> None:
    with httpx.Client(base_url=f"{engine.url}/ovirt-engine/api") as http:
        assert http.get("/datacenters", auth=(ADMIN, PASSWORD)).status_code == 200
        assert "set-cookie" not in http.get("/datacenters", auth=(ADMIN, PASSWORD)).headers
        first = http.get("/datacenters", auth=(ADMIN, PASSWORD), headers={"Prefer": "persistent-auth"})
        assert "HttpOnly" in first.headers["set-cookie"]
        assert http.get("/datacenters", headers={"Prefer": "persistent-auth"}).status_code == 200
        assert http.get("/datacenters").status_code == 200, "the last request of the session"
        assert http.get("/datacenters").status_code == 401
        assert http.get("/datacenters", headers={"Authorization": "Basic !"}).status_code == 401


def test_giving_and_taking_roles(engine: Engine, sdk: ovirtsdk4.Connection) -> None:
    engine.add_user("ann@internal")
    system = sdk.system_service()
    network = system.networks_service().list(search="name=ovirtmgmt")[0]
    (ann,) = system.users_service().list(search="usrname=ann@internal")
    service = system.networks_service().network_service(network.id).permissions_service()
    given = service.add(t.Permission(role=t.Role(name="NetworkAdmin"), user=t.User(id=ann.id)))
    again = service.add(t.Permission(role=t.Role(name="NetworkAdmin"), user=t.User(id=ann.id)))
    assert given.id == again.id
    assert given.id in [p.id for p in service.list()]
    assert [p.role.id for p in system.users_service().user_service(ann.id).permissions_service().list()] == [
        given.role.id
    ]
    with engine.client("ann@internal") as anns:
        put = anns.put(f"networks/{network.id}", content="<network><description>mine</description></network>")
        assert put.status_code == 200, put.text
        body = f'<permission><role><name>SuperUser</name></role><user id="{ann.id}"/></permission>'
        too_much = anns.post(f"networks/{network.id}/permissions", content=body)
        assert (too_much.status_code, "You cannot grant the role SuperUser" in too_much.text) == (409, True)
        service.permission_service(given.id).remove()
        put = anns.put(f"networks/{network.id}", content="<network><description>mine</description></network>")
        assert put.status_code == 403
    texts = {event.description.partition(" the role ")[2] for event in system.events_service().list(max=20)}
    assert {
        "NetworkAdmin on network ovirtmgmt to ann@internal.",
        "NetworkAdmin on network ovirtmgmt from ann@internal.",
    } <= texts


def test_the_last_super_user_stays(client: Client) -> None:
    mine = client.xml("permissions")
    assert len(mine) == 1
    answer = client.delete(f"permissions/{mine[0].get('id')}")
    assert (answer.status_code, "last super user" in answer.text) == (409, True)


def test_the_openapi_document_is_whole(engine: Engine) -> None:
    document = httpx.get(f"{engine.url}/ovirt-engine/api/openapi.json").json()
    text = json.dumps(document)
    references = set(re.findall(r"#/components/schemas/(\w+)", text))
    assert references <= set(document["components"]["schemas"])
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names))
    assert all(operation["summary"] and operation["x-needs"] for operation in operations)
    assert "/netweft/v1/enroll" in document["paths"]
    assert all(
        "Netweft-Code" in o["responses"]["default"]["headers"] for o in operations if "default" in o["responses"]
    )


def test_the_openapi_document_is_the_one_that_is_kept(engine: Engine) -> None:
    served = httpx.get(f"{engine.url}/ovirt-engine/api/openapi.json").content
    kept = Path(__file__).parents[2] / "docs" / "openapi.json"
    is_kept = served == kept.read_bytes()
    assert is_kept, (
        "the API is not what docs/openapi.json says: 'make openapi' writes it anew, 'git diff' shows what changed"
    )


def test_health_and_figures(engine: Engine, client: Client) -> None:
    client.xml("networks")
    assert httpx.get(f"{engine.url}/health").json() == {"status": "ok"}
    assert (
        'netweft_requests_total{method="GET",noun="networks",status="200"}' in httpx.get(f"{engine.url}/metrics").text
    )

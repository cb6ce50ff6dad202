"""Orders of an engine that hung, whose job another engine has taken over, are refused as outdated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from netweft.core.guest_protocol import GuestSpec, GuestState, Migration
from netweft.core.protocol import ORDER_HEADER, Refusal

if TYPE_CHECKING:
    import httpx

    from agent.rig import Engine

SPEC = GuestSpec(id="g1", name="web", driver="simulated", memory=2**20)


def ask(engine: Engine, method: str, order: int | str | None, verb: str = "", body: object = None) -> httpx.Response:
    path = f"/v1/guests/{SPEC.id}{verb}"
    headers = {} if order is None else {ORDER_HEADER: str(order)}
    return engine.client.request(method, path, headers=headers, content=body and msgspec.json.encode(body))


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, msgspec.json.decode(answer.content, type=Refusal).code


def running(engine: Engine) -> list[str]:
    return [guest.id for guest in engine.ask(list[GuestState], "GET", "/v1/guests") if guest.status == "up"]


def test_a_late_start_does_not_start_a_guest_again(engine: Engine) -> None:
    """Otherwise it would run here and on the host where it was started since."""
    assert ask(engine, "PUT", 20, body=SPEC).status_code == 200
    assert ask(engine, "DELETE", 30).status_code == 204
    assert code_of(ask(engine, "PUT", 10, body=SPEC)) == (409, "superseded")
    assert running(engine) == []
    assert ask(engine, "PUT", 40, body=SPEC).status_code == 200


def test_a_late_order_does_not_change_a_running_guest(engine: Engine) -> None:
    assert ask(engine, "PUT", 20, body=SPEC).status_code == 200
    migration = Migration(spec=SPEC, target="sim-2", name="sim-2")
    late = [
        ask(engine, "DELETE", 10),
        ask(engine, "POST", 10, "/suspend"),
        ask(engine, "POST", 10, "/shutdown"),
        ask(engine, "POST", 10, "/reboot"),
        ask(engine, "POST", 10, "/migrate", migration),
    ]
    assert [code_of(answer) for answer in late] == [(409, "superseded")] * len(late)
    assert running(engine) == [SPEC.id]


def test_repeated_orders_and_orders_without_number_are_accepted(engine: Engine) -> None:
    for order in (20, 20, None):
        assert ask(engine, "PUT", order, body=SPEC).status_code == 200
    assert ask(engine, "DELETE", 20).status_code == 204


def test_an_invalid_order_number_is_refused(engine: Engine) -> None:
    for order in ("soon", "-1", "9" * 19):
        assert code_of(ask(engine, "PUT", order, body=SPEC)) == (400, "malformed")
    assert running(engine) == []

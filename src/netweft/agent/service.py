"""The routes of core.protocol for one host."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from netweft.agent.guests import GuestError
from netweft.agent.host_guests import Guests
from netweft.agent.networking import NetworkingError
from netweft.agent.store import StoreError
from netweft.agent.wire import BROKEN, CONFLICT, MALFORMED, MISSING, RefusalError, decode, encode, tag_of
from netweft.core.functions import find_function, nics_by_address, why_in_use
from netweft.core.guest_protocol import GuestNic, GuestSpec, Migration
from netweft.core.interface_cards import why_not_assignable
from netweft.core.protocol import EVENT_HEADER, ChangeRequest, FunctionsRequest, GenerationRef, HostReport, Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from netweft.agent.change import Changes
    from netweft.agent.events import Events
    from netweft.agent.networking import Networking
    from netweft.core.host import Host
    from netweft.core.neighbours import Neighbours
    from netweft.core.protocol import Capabilities

log = logging.getLogger(__name__)

LONGEST_POLL = 60.0
"""Longest wait of a long poll in seconds, whatever the request says."""

OK, ACCEPTED, NO_CONTENT, NOT_MODIFIED, NOT_ALLOWED = 200, 202, 204, 304, 405


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request, without HTTP. ``opened``: when its connection was accepted (time.monotonic); ``known``: the tag
    of the client's copy; ``order``: see core.protocol.ORDER_HEADER, 0 for none.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    opened: float
    known: str = ""
    order: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, without HTTP; an empty body for none."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


Answer: TypeAlias = tuple[int, object] | Reply


class HostService:
    """One host behind the agent's listener."""

    def __init__(
        self,
        *,
        capabilities: Callable[[], Capabilities],
        driver: Networking,
        changes: Changes,
        guests: Guests,
        events: Events,
        neighbours: Callable[[], Neighbours | None],
    ) -> None:
        self.capabilities = capabilities
        self.driver = driver
        self.changes = changes
        self.guests = guests
        self.events = events
        self.neighbours = neighbours

    def answer(self, request: Request) -> Reply | None:
        """Execute a request. None: the connection is closed without an answer (by a fault of a simulated host)."""
        try:
            answer = self._route(request)
        except RefusalError as error:
            return Reply(error.status, encode(error.refusal))
        except (NetworkingError, GuestError, StoreError) as error:
            return Reply(BROKEN, encode(RefusalError(BROKEN, "failed", str(error)).refusal))
        if isinstance(answer, Reply):
            return answer
        status, value = answer
        return Reply(status, b"" if value is None else encode(value))

    def report(self) -> HostReport:
        """The report of ``GET /v1/host``, without its tag. Raises NetworkingError, StoreError."""
        worked = self.guests.work_done()
        host = self.driver.observe()
        report = HostReport(
            capabilities=self.capabilities(),
            host=host,
            generation=self.changes.generation,
            dirty=self.changes.is_dirty(host),
            change=self.changes.current(),
            guests=tuple(self.guests.list()),
            guest_addresses=self.guests.addresses(),
            neighbours=_of_nics(host, self.neighbours()),
            host_tag=tag_of(encode(host)),
        )
        return replace(report, is_settled=worked is not None and worked == self.guests.work_done())

    def certificate_changed(self) -> None:
        """Use the host's new keys and certificates. Raises GuestError."""
        self.guests.certificate_changed()

    def close(self, patience: float) -> None:
        """Roll back an unconfirmed change, waiting up to ``patience`` seconds, and stop; all else on the host stays."""
        self.changes.close(patience)
        self.events.close()
        self.guests.close()

    def _route(self, request: Request) -> Answer:
        match request.path.strip("/").split("/"):
            case ["v1", "guests", guest_id] if guest_id:
                return self._guest(request, guest_id)
            case ["v1", "guests", guest_id, "migrate"] if guest_id and request.method == "POST":
                return ACCEPTED, self.guests.migrate(guest_id, decode(Migration, request.body), request.order)
            case ["v1", "guests", guest_id, "suspend"] if guest_id and request.method == "POST":
                return ACCEPTED, self.guests.suspend(guest_id, request.order)
            case ["v1", "guests", guest_id, ("shutdown" | "reboot") as verb] if guest_id and request.method == "POST":
                return OK, self.guests.shut_down(guest_id, request.order, again=verb == "reboot")
        routes = ROUTES.get(request.path)
        if routes is None:
            raise RefusalError(MISSING, "unknown", f"There is no {request.path} on this host.")
        route = routes.get(request.method)
        if route is None:
            raise RefusalError(NOT_ALLOWED, "unknown", f"{request.path} supports only {' and '.join(routes)}.")
        return route(self, request)

    def _guest(self, request: Request, guest_id: str) -> Answer:
        if request.method == "PUT":
            spec = decode(GuestSpec, request.body)
            if spec.id != guest_id:
                raise RefusalError(
                    MALFORMED, "malformed", f"The guest in the body is {spec.id!r}, that in the path {guest_id!r}."
                )
            self._check_functions(spec)
            return OK, self.guests.put(spec, request.order)
        if request.method == "DELETE":
            self.guests.stop(guest_id, request.order)
            return NO_CONTENT, None
        raise RefusalError(NOT_ALLOWED, "unknown", f"{request.path} supports only PUT and DELETE.")

    def _check_functions(self, spec: GuestSpec) -> None:
        """Raises RefusalError if the guest requests a virtual function, or a dynamic vNIC of a virtual interface card,
        that is in use: libvirt would take it from its user on the host.
        """
        requested = {nic.function: nic for nic in spec.nics if nic.function}
        if not requested:
            return
        has = {nic.function for state in self.guests.list() if state.id == spec.id for nic in state.nics}
        host = self.driver.observe()
        nics = nics_by_address(host)
        for address in sorted(requested.keys() - has):
            function = find_function(host, address)
            if requested[address].guid:
                reason = self._why_not_of_infiniband(requested[address])
            elif requested[address].profile:
                reason = why_not_assignable(nics, address)
            else:
                reason = why_in_use(host, function, nics) if function else "is not there"
            if reason:
                what = "Dynamic vNIC" if requested[address].profile else "Virtual function"
                text = f"{what} {address} cannot be given to guest {spec.name}: it {reason}."
                raise RefusalError(CONFLICT, "failed", text)

    def _why_not_of_infiniband(self, nic: GuestNic) -> str:
        """Why an InfiniBand function cannot be given to a guest, completing "it ..."; empty if it can."""
        functions = [one for card in self.capabilities().interface_cards if card.guid for one in card.dynamic]
        function = next((one for one in functions if one.pci_address == nic.function), None)
        if function is None:
            return "is not a function of an InfiniBand adapter of this host"
        if not function.is_free:
            return "is in use by another guest, or has no GUID"
        return "" if function.guid == nic.guid else f"has the GUID {function.guid}, not {nic.guid}"


def _of_nics(host: Host, neighbours: Neighbours | None) -> Neighbours | None:
    """Without those of other links, such as the ports of guests."""
    return None if neighbours is None else {name: neighbours[name] for name in host.nics if name in neighbours}


def _put_functions(service: HostService, request: Request) -> Answer:
    functions = decode(FunctionsRequest, request.body)
    with service.guests.halted():  # no guest may get a function that is about to be removed
        service.driver.set_functions(functions.nic, functions.count)
    return OK, functions


def _host(service: HostService, request: Request) -> Answer:
    boot, event = service.events.newest()  # read before the host, so that no event is missed
    body = encode(service.report())
    tag = f'"{tag_of(body)}"'
    headers = {"ETag": tag, EVENT_HEADER: f"{boot} {event}"}
    return Reply(NOT_MODIFIED, b"", headers) if request.known == tag else Reply(OK, body, headers)


def _counters(service: HostService, _request: Request) -> Answer:
    return OK, service.driver.statistics()


def _progress(service: HostService, request: Request) -> Answer:
    generation, wait = _number(request, "generation"), _number(request, "wait")
    if wait:
        service.changes.await_news(int(generation), request.query.get("phase", ""), min(wait, LONGEST_POLL))
    return OK, Progress(generation=service.changes.generation, change=service.changes.current())


def _put_host(service: HostService, request: Request) -> Answer:
    return ACCEPTED, service.changes.put(decode(ChangeRequest, request.body))


def _confirm(service: HostService, request: Request) -> Answer:
    return OK, service.changes.confirm(decode(GenerationRef, request.body).generation, request.opened)


def _roll_back(service: HostService, request: Request) -> Answer:
    return OK, service.changes.roll_back(decode(GenerationRef, request.body).generation)


def _commit(service: HostService, _request: Request) -> Answer:
    return OK, service.changes.commit()


def _events(service: HostService, request: Request) -> Answer:
    after, wait = _number(request, "after"), _number(request, "wait")
    return OK, service.events.page(int(after), min(wait, LONGEST_POLL))


def _guests(service: HostService, _request: Request) -> Answer:
    return OK, service.guests.list()


ROUTES: Mapping[str, Mapping[str, Callable[[HostService, Request], Answer]]] = {
    "/v1/host": {"GET": _host, "PUT": _put_host},
    "/v1/host/change": {"GET": _progress},
    "/v1/counters": {"GET": _counters},
    "/v1/host/confirm": {"POST": _confirm},
    "/v1/host/rollback": {"POST": _roll_back},
    "/v1/host/commit": {"POST": _commit},
    "/v1/events": {"GET": _events},
    "/v1/functions": {"PUT": _put_functions},
    "/v1/guests": {"GET": _guests},
}


def _number(request: Request, name: str) -> float:
    """A number of the query, at least 0; 0 when it is absent."""
    text = request.query.get(name, "0")
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise RefusalError(MALFORMED, "malformed", f"{name} must be a number from 0, not {text!r}.")
    return number

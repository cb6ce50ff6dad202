"""A session with Cisco's UCS Manager: its XML API, one document to each request, and what its errors mean.

"Cisco UCS Manager XML API Programmer's Guide": methods, sessions, errors. An account may have only a few sessions at a
time, so each is logged out.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import Self

from lxml import etree

from netweft.providers.contract import Account, LoginError, MissingError, ProviderError, RefusedError
from netweft.providers.management_http import ManagementHttp

_PATH = "/nuova"
_TYPE = {"Content-Type": "application/x-www-form-urlencoded"}
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
_REFRESH_AT = 0.5
"""The part of a session's time after which it is refreshed."""

Object = Mapping[str, str]
"""The attributes of a managed object, with its class as ``class``."""

LOGIN_FAILED, NOT_LOGGED_IN, SESSION_GONE = "551", "552", "555"
NOT_THERE, THERE_ALREADY = "102", "103"
TOO_MANY_SESSIONS = frozenset({"554", "572"})
SUBORDINATE = frozenset({"2001", "ERR-secondary-node"})


class UcsmError(Exception):
    """What the UCS Manager answered instead of doing it. ``code``: its own; ``text``: in its words."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text

    def as_provider_error(self) -> ProviderError:
        """The contract's error for it."""
        if self.code == LOGIN_FAILED:
            return LoginError("The UCS Manager refused the login: the user or the password is wrong.")
        if self.code in TOO_MANY_SESSIONS:
            text = "The account has as many sessions as the UCS Manager allows. End some, or allow more of them."
            return ProviderError(text)
        if self.code in SUBORDINATE:
            text = (
                "This is the subordinate fabric interconnect. Give the address of the cluster, or of the primary one."
            )
            return ProviderError(text)
        if self.code == NOT_THERE:
            return MissingError(f"The UCS Manager does not have it: {self.text}")
        return RefusedError(f"The UCS Manager refused: {self.text} (code {self.code})")


class Session:
    """One session. For one thread. Its methods raise UcsmError, ProviderError."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._http = ManagementHttp(account)
        self._cookie = ""
        self._refresh_at = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Log out, as sessions are limited; one that cannot be logged out expires."""
        if self._cookie:
            with suppress(UcsmError, ProviderError):
                self._post("aaaLogout", {"inCookie": self._cookie})
            self._cookie = ""

    def resolve(self, *dns: str) -> dict[str, Object]:
        """The objects with these distinguished names, as far as they are there."""
        request = etree.Element("configResolveDns", inHierarchical="false")
        names = etree.SubElement(request, "inDns")
        for dn in dns:
            etree.SubElement(names, "dn", value=dn)
        return {str(one.get("dn")): attributes(one) for one in _objects(self._ask(request))}

    def resolve_class(self, class_id: str, **values: str) -> list[Object]:
        """All objects of a class, or those with these values."""
        request = etree.Element("configResolveClass", classId=class_id, inHierarchical="false")
        chosen = etree.SubElement(request, "inFilter")
        for name, value in values.items():
            etree.SubElement(chosen, "eq", {"class": class_id, "property": name, "value": value})
        return [attributes(one) for one in _objects(self._ask(request))]

    def children(self, dn: str, class_id: str) -> list[Object]:
        """The objects of a class that are below one; none where there is no such one."""
        request = etree.Element("configResolveChildren", inDn=dn, classId=class_id, inHierarchical="false")
        return [attributes(one) for one in _objects(self._ask(request))]

    def tree(self, dn: str, class_id: str) -> list[tuple[Object, list[Object]]]:
        """The same with all that is directly below each."""
        request = etree.Element("configResolveChildren", inDn=dn, classId=class_id, inHierarchical="true")
        return [(attributes(one), [attributes(child) for child in one]) for one in _objects(self._ask(request))]

    def change(self, *objects: etree._Element) -> None:
        """Make, change or remove objects (``status``), all or none."""
        request = etree.Element("configConfMos", inHierarchical="false")
        configs = etree.SubElement(request, "inConfigs")
        for one in objects:
            pair = etree.SubElement(configs, "pair", key=str(one.get("dn")))
            pair.append(one)
        self._ask(request)

    def _ask(self, request: etree._Element) -> etree._Element:
        """One method, in a session. A session that has ended meanwhile is begun anew, once: then nothing was done."""
        if not self._cookie:
            self._log_in()
        elif time.monotonic() >= self._refresh_at:
            self._refresh()
        try:
            return self._send(request)
        except UcsmError as error:
            if error.code != NOT_LOGGED_IN:
                raise
        self._log_in()
        return self._send(request)

    def _send(self, request: etree._Element) -> etree._Element:
        request.set("cookie", self._cookie)
        return self._transmit(request)

    def _log_in(self) -> None:
        self._cookie = ""
        login = {"inName": self._account.username, "inPassword": self._account.password}
        self._begin(self._post("aaaLogin", login))

    def _refresh(self) -> None:
        """The session gets another name, and lives on; one that has ended is begun anew."""
        login = {"inName": self._account.username, "inPassword": self._account.password, "inCookie": self._cookie}
        try:
            self._begin(self._post("aaaRefresh", login))
        except UcsmError as error:
            if error.code not in {NOT_LOGGED_IN, SESSION_GONE}:
                raise
            self._log_in()

    def _begin(self, answer: etree._Element) -> None:
        self._cookie = str(answer.get("outCookie") or "")
        period = str(answer.get("outRefreshPeriod") or "")
        if not self._cookie or not period.isdecimal():
            raise ProviderError("This is not a UCS Manager: its answer to a login has no session.")
        self._refresh_at = time.monotonic() + _REFRESH_AT * int(period)

    def _post(self, method: str, attributes: Mapping[str, str]) -> etree._Element:
        return self._transmit(etree.Element(method, dict(attributes)))

    def _transmit(self, request: etree._Element) -> etree._Element:
        answer = self._http.request("POST", _PATH, etree.tostring(request), _TYPE)
        if HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST:
            raise ProviderError(f"The provider redirects to {answer.location[:200]}. Use that address.")
        if answer.status != HTTPStatus.OK:
            raise ProviderError(f"The provider answered with HTTP status {answer.status}.")
        try:
            root = etree.fromstring(answer.body, _PARSER)
        except etree.XMLSyntaxError as error:
            raise ProviderError("The provider's answer is not XML, or incomplete.") from error
        if (code := root.get("errorCode")) and code != "0":
            raise UcsmError(code, " ".join(str(root.get("errorDescr") or "").split())[:500])
        if root.tag != request.tag:
            raise ProviderError(f"This is not a UCS Manager: it answers {str(root.tag)[:60]} to {request.tag}.")
        return root


def _objects(answer: etree._Element) -> list[etree._Element]:
    """The managed objects of an answer. Raises ProviderError for one without a name."""
    found = [one for configs in answer.iterchildren("outConfigs") for one in configs.iterchildren()]
    if any(one.get("dn") is None for one in found):
        raise ProviderError("The provider's answer has objects without a name.")
    return found


def attributes(one: etree._Element) -> Object:
    """A managed object as it is read."""
    return {str(name): str(value) for name, value in one.items()} | {"class": str(one.tag)}


@contextmanager
def translated_errors() -> Iterator[None]:
    """The block raises the contract's errors."""
    try:
        yield
    except UcsmError as error:
        raise error.as_provider_error() from error


def managed(class_id: str, dn: str, status: str, **values: str) -> etree._Element:
    """A managed object as a request has it. ``status``: ``created``, ``modified``, both (with a comma), ``deleted``."""
    return etree.Element(class_id, {"dn": dn, "status": status, **values})

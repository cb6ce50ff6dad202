"""What everything that Netweft does in a Neutron stands on: the connection, our project, and our marks.

A mark is the end of a description: ``text [netweft:ID]``. Tags would be meant for it, but Neutron takes no tag in the
request that creates, so that one whose answer was lost would not be found again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from ipaddress import ip_address, ip_network
from typing import Any

from keystoneauth1.session import Session
from openstack.connection import Connection

from netweft.providers.contract import RefusedError
from netweft.providers.neutron_errors import translated

DESCRIPTION_MAX = 255
"""Characters of a description (neutron-lib: DESCRIPTION_FIELD_SIZE)."""
_MARK = re.compile(r"(?s)(.*?) ?\[netweft:([^\[\]\s]+)\]")


def marked(text: str, owner: str) -> str:
    """A description with the mark of an owner. A long text is cut, as the mark has to fit."""
    mark = f"[netweft:{owner}]"
    return f"{text[: DESCRIPTION_MAX - len(mark) - 1]} {mark}" if text else mark


def split_mark(description: str | None) -> tuple[str, str]:
    """A description without the mark, and the owner, empty when there is no mark."""
    found = _MARK.fullmatch(description or "")
    return (found[1], found[2]) if found else (description or "", "")


_COMPARED: Mapping[str, Callable[[Any], object]] = {
    "gateway_ip": lambda address: address and ip_address(address),
    "allocation_pools": lambda pools: {(ip_address(one["start"]), ip_address(one["end"])) for one in pools},
    "host_routes": lambda routes: {(ip_network(one["destination"]), ip_address(one["nexthop"])) for one in routes},
    "dns_nameservers": lambda servers: [ip_address(one) for one in servers],
    "fixed_ips": lambda addresses: {ip_address(one["ip_address"]) for one in addresses},
    "security_group_ids": set,
}
"""In which form two values mean the same when they are equal; of all others as they are."""


def changes(found: object, values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the values that an object has otherwise."""

    def differs(name: str, value: object) -> bool:
        compared = _COMPARED.get(name, _as_it_is)
        return compared(getattr(found, name)) != compared(value)

    return {name: value for name, value in values.items() if differs(name, value)}


def _as_it_is(value: object) -> object:
    return value


def on_network(network_id: str, found: Sequence[Any]) -> Sequence[Any]:
    """Those subnets or ports that are on a network."""
    return [one for one in found if one.network_id == network_id]


class NeutronApi:
    """One Neutron, by the library that OpenStack publishes. ``root``: the address of its API, without a version.

    ``project``: what everything is made for when there is no Keystone, which would say. What another project has is
    never ours, whatever mark it bears.
    """

    def __init__(self, connection: Connection, session: Session, root: str, project: str) -> None:
        self._connection = connection
        self._session = session
        self._root = root
        self._without_keystone = project

    @cached_property
    def _network(self) -> Any:  # noqa: ANN401 - a type that the library keeps to itself
        """Neutron's part of the library. Raises ProviderError.

        The library looks for versions first, and reports whatever goes wrong in that as a missing document: so what
        answers there is asked before.
        """

        def reached() -> Any:  # noqa: ANN401 - the same
            self._session.get(f"{self._root}/", authenticated=False)
            return self._connection.network

        return translated(reached)

    @cached_property
    def _project(self) -> str:
        """The project that everything is made for. Raises ProviderError."""
        return translated(self._session.get_project_id) or self._without_keystone

    @cached_property
    def _extensions(self) -> frozenset[str]:
        """What it does beyond the core of the API. Raises ProviderError."""
        return frozenset(one.alias for one in self._list(self._network.extensions))

    def _list(self, listing: Callable[..., Any], **query: object) -> list[Any]:
        """All that a query finds, page by page and each once: Neutron begins with the first page again when the last
        object of a page is gone before the next one is asked for. Raises ProviderError.
        """
        found = translated(lambda: {one.id: one for one in listing(**query)})
        return list(found.values())

    def _ours(self, listing: Callable[..., Any], owner: str, **query: object) -> list[Any]:
        """What bears the mark of an owner, the oldest first. Whatever filters are worth there, others' is left out."""
        found = self._list(listing, project_id=self._project, **query)
        ours = [one for one in found if owner and self._owner(one) == owner]
        return sorted(ours, key=lambda one: (one.created_at or "", one.id))

    def _owner(self, one: Any) -> str:  # noqa: ANN401 - the same
        """Whose mark an object of our project bears, empty for none."""
        return split_mark(one.description)[1] if one.project_id == self._project else ""

    def _ensured(
        self,
        find: Callable[[], Sequence[Any]],
        create: Callable[[], Any],
        delete: Callable[[Any], object],
        owner: str,
    ) -> Any:  # noqa: ANN401 - the same
        """What bears the mark, created when there is none. More than one there is when a request that was taken for
        lost acted late: all but the oldest are removed. Raises ProviderError.
        """
        found = list(find())
        if not found:
            try:
                found = [translated(create)]
            except RefusedError:
                found = list(find())  # it may be the one that is in its own way
                if not found:
                    raise
        if self._owner(found[0]) != owner:
            translated(delete, found[0])
            raise RefusedError(
                "The provider does not store descriptions, by which Netweft finds its own objects there."
            )
        for other in found[1:]:
            translated(delete, other)
        return found[0]

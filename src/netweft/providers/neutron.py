"""OpenStack Neutron, and what speaks its API, such as ovirt-provider-ovn.

Without authentication Neutron takes every request as an administrator's. With it, Keystone gives a token for a user,
a password and a project: version 3, or 2 for what only speaks that.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any, ParamSpec, TypeVar

from keystoneauth1 import noauth
from keystoneauth1.exceptions import ClientException, DiscoveryFailure, HttpError, NotFound, SSLError, Unauthorized
from keystoneauth1.identity import v2, v3
from keystoneauth1.plugin import BaseAuthPlugin
from keystoneauth1.session import Session
from openstack.connection import Connection
from openstack.exceptions import ForbiddenException, HttpException, NotFoundException, SDKException

from netweft.providers.contract import (
    Account,
    CertificateError,
    LoginError,
    MissingError,
    NetworkProvider,
    ProviderError,
    ProviderNetwork,
    ProviderSubnet,
)

P = ParamSpec("P")
T = TypeVar("T")

_TEXT_MAX = 500
_UNAUTHORIZED = 401


@contextmanager
def connect(account: Account) -> Iterator[NetworkProvider]:
    """A connection to the Neutron of an account."""
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as trusted:
        trusted.write(account.certificate)
        trusted.flush()
        session = Session(
            auth=_login(account),
            verify=trusted.name if account.certificate else True,
            timeout=account.timeout,
            app_name="netweft",
        )
        connection = Connection(
            session=session,
            network_endpoint_override=_root(account.url),
            region_name=account.region or None,
        )
        try:
            yield Neutron(connection, session, _root(account.url))
        finally:
            connection.close()


class Neutron:
    """One Neutron, by the library that OpenStack publishes."""

    def __init__(self, connection: Connection, session: Session, root: str) -> None:
        self._connection = connection
        self._session = session
        self._root = root

    @cached_property
    def _network(self) -> Any:  # noqa: ANN401 - a type that the library keeps to itself
        """Neutron's part of the library. Raises ProviderError.

        The library looks for versions first, and reports whatever goes wrong in that as a missing document: so what
        answers there is asked before.
        """

        def reached() -> Any:  # noqa: ANN401 - the same
            self._session.get(f"{self._root}/", authenticated=False)
            return self._connection.network

        return _translated(reached)

    def test(self) -> None:
        """Ask for the extensions, which takes a token where one is needed."""
        network = self._network
        _translated(lambda: list(network.extensions()))

    def networks(self) -> Sequence[ProviderNetwork]:
        """All networks."""
        network = self._network
        found = _translated(lambda: list(network.networks()))
        made = [
            ProviderNetwork(id=one.id, name=one.name or "", description=one.description or "", mtu=one.mtu or 0)
            for one in found
        ]
        return sorted(made, key=lambda one: (one.name, one.id))

    def subnets(self, network_id: str) -> Sequence[ProviderSubnet]:
        """All subnets of a network."""
        network = self._network
        _translated(network.get_network, network_id)
        found = _translated(lambda: list(network.subnets(network_id=network_id)))
        made = [
            ProviderSubnet(
                id=one.id,
                name=one.name or "",
                description=one.description or "",
                cidr=one.cidr,
                ip_version=one.ip_version,
                gateway=one.gateway_ip or "",
                dns_servers=tuple(one.dns_nameservers or ()),
            )
            for one in found
        ]
        return sorted(made, key=lambda one: (one.name, one.id))


def _login(account: Account) -> BaseAuthPlugin:
    if not account.requires_authentication:
        return noauth.NoAuth(endpoint=_root(account.url))
    project = account.project_name or account.tenant_name
    if account.authentication_url.rstrip("/").endswith("/v2.0"):
        return v2.Password(account.authentication_url, account.username, account.password, tenant_name=project or None)
    return v3.Password(
        account.authentication_url,
        username=account.username,
        password=account.password,
        user_domain_name=account.user_domain_name or "Default",
        project_name=project or None,
        project_domain_name=(account.project_domain_name or "Default") if project else None,
    )


def _root(url: str) -> str:
    """The address without the version: the library finds out which versions there are."""
    return url.rstrip("/").removesuffix("/v2.0")


def _translated(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What the call gives; its errors as ours. Raises ProviderError."""
    try:
        return call(*args, **kwargs)
    except SSLError as error:
        raise CertificateError(f"The TLS certificate of the provider is not trusted: {_text(error)}") from error
    except (Unauthorized, ForbiddenException) as error:
        raise LoginError(f"The provider does not let us in: {_text(error)}") from error
    except NotFoundException as error:
        raise MissingError(f"The provider has no such thing: {_text(error)}") from error
    except HttpException as error:
        if error.status_code == _UNAUTHORIZED:
            raise LoginError(f"The provider does not let us in: {_text(error)}") from error
        raise ProviderError(f"The provider refused: {_text(error)}") from error
    except (DiscoveryFailure, NotFound) as error:
        raise ProviderError(f"What answers there is no Neutron: {_text(error)}") from error
    except HttpError as error:
        raise ProviderError(f"The provider refused: {_text(error)}") from error
    except (ClientException, SDKException) as error:
        raise ProviderError(f"The provider cannot be reached: {_text(error)}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ProviderError(f"The provider answers what is no answer of Neutron: {_text(error)}") from error


def _text(error: Exception) -> str:
    """What an error says, in one line of reasonable length."""
    details = getattr(error, "details", None)
    return " ".join(str(details or str(error) or type(error).__name__).split())[:_TEXT_MAX]

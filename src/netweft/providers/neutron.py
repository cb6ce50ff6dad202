"""OpenStack Neutron, and systems with the same API, such as ovirt-provider-ovn.

Without authentication Neutron takes every request as an administrator's. With it, Keystone gives a token for a user,
a password and a project: version 3, or 2 for what only speaks that.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from keystoneauth1 import noauth
from keystoneauth1.identity import v2, v3
from keystoneauth1.plugin import BaseAuthPlugin
from keystoneauth1.session import Session
from openstack.connection import Connection

from netweft.providers.contract import Account, NetworkProvider
from netweft.providers.neutron_errors import translated
from netweft.providers.neutron_networks import NeutronNetworks
from netweft.providers.neutron_ports import NeutronPorts
from netweft.providers.neutron_session import BoundedSession

_PROJECT = "netweft"
"""What everything belongs to in a Neutron without Keystone, if the account names no project."""


@contextmanager
def connect(account: Account) -> Iterator[NetworkProvider]:
    """A connection to the Neutron of an account."""
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as trusted, BoundedSession(account.longest) as http:
        trusted.write(account.certificate)
        trusted.flush()
        session = Session(
            auth=_login(account),
            session=http,
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
            yield Neutron(connection, session, _root(account.url), _project(account) or _PROJECT)
        finally:
            connection.close()


class Neutron(NeutronNetworks, NeutronPorts):
    """One Neutron, as the contract has it."""

    def test(self) -> None:
        """Ask for the extensions, which takes a token where one is needed."""
        network = self._network
        translated(lambda: list(network.extensions()))


def _login(account: Account) -> BaseAuthPlugin:
    if not account.requires_authentication:
        return noauth.NoAuth(endpoint=_root(account.url))
    project = _project(account)
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


def _project(account: Account) -> str:
    """The project by its name; Keystone 2 calls it tenant."""
    return account.project_name or account.tenant_name


def _root(url: str) -> str:
    """The address without the version: the library finds out which versions there are."""
    return url.rstrip("/").removesuffix("/v2.0")

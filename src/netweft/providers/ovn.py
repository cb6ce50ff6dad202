"""OVN without a Neutron: its northbound database, in which everything is made, and the southbound one, which says what
hosts there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from netweft.providers.contract import Account, LoginError, NetworkProvider, ProviderError
from netweft.providers.ovn_database import Database
from netweft.providers.ovn_networks import OvnNetworks
from netweft.providers.ovn_ports import OvnPorts
from netweft.providers.ovn_schema import NORTHBOUND, SOUTHBOUND


@contextmanager
def connect(account: Account) -> Iterator[NetworkProvider]:
    """A connection to the OVN of an account. Raises ProviderError."""
    if account.requires_authentication:
        raise LoginError("The databases of OVN have no users. Do not require authentication.")
    northbound, southbound = addresses(account.url)
    with (
        closing(Database(northbound, NORTHBOUND, account.timeout)) as north,
        closing(Database(southbound, SOUTHBOUND, account.timeout)) as south,
    ):
        yield Ovn(north, south)


class Ovn(OvnNetworks, OvnPorts):
    """One OVN, as the contract has it."""

    def test(self) -> None:
        """Read both databases."""
        self._northbound.refresh()
        self._southbound.refresh()


def addresses(url: str) -> tuple[str, str]:
    """Where the two databases are: ``tcp:HOST:PORT`` or ``unix:PATH`` of the northbound one, and after
    ``?southbound=`` that of the other; without it the southbound one is where OVN's own programs have it then, at the
    next port or in the file beside. Raises ProviderError.
    """
    northbound, _, query = url.partition("?")
    remotes = northbound.split(",")
    for remote in (*remotes, *query.removeprefix("southbound=").split(",")):
        if remote and not remote.startswith(("tcp:", "unix:")):
            raise ProviderError(
                f"The address '{remote}' is none of a database of OVN: write tcp:HOST:PORT or unix:PATH."
            )
    if query.startswith("southbound=") and query != "southbound=":
        return northbound, query.removeprefix("southbound=")
    for north, south in ((":6641", ":6642"), ("/ovnnb_db.sock", "/ovnsb_db.sock")):
        if not query and all(remote.endswith(north) for remote in remotes):
            return northbound, ",".join(remote.removesuffix(north) + south for remote in remotes)
    raise ProviderError(
        "Where the southbound database is cannot be concluded. Add ?southbound=tcp:HOST:PORT to the URL."
    )

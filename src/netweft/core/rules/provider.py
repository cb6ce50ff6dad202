"""When a provider of external networks may be added or changed.

oVirt's commands: AddProvider, UpdateProvider.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol
from urllib.parse import SplitResult, urlsplit

from netweft.core.errors import Problem
from netweft.core.limits import PORT_MAX
from netweft.core.rules.fields import listed

PASSWORD_MAX = 200
"""Characters of a provider's password (oVirt: BusinessEntitiesDefinitions.PROVIDER_PASSWORD_MAX_SIZE)."""
URL_MAX = 512
VERSIONS = ("/v2.0", "/v3")
"""The supported versions of Keystone URLs."""
OVN = "ovn"
"""The type of providers that are reached by nothing but their databases."""
_DATABASES = ("tcp:", "unix:")
_ONE = r"(tcp:[^\s,?@/]+:\d{1,5}|unix:/[^\s,?]+)"
_DATABASE = re.compile(rf"{_ONE}(,{_ONE})*(\?southbound={_ONE}(,{_ONE})*)?")
"""Several are the members of a cluster."""
_REMOTES = re.compile(rf"{_ONE}(,{_ONE})*")
_MAPPING = re.compile(r"([^\s,:]+):([^\s,:]+)")
PLUGINS = frozenset({"", "open_vswitch", "ovn", "ovirt_provider_ovn"})
"""Names of the plugin ovn-controller that clients use, in lower case."""


class Described(Protocol):
    """What of a provider the rules are about."""

    @property
    def type(self) -> str:
        """The kind of system."""

    @property
    def url(self) -> str:
        """Where its API is."""

    @property
    def requires_authentication(self) -> bool:
        """Whether it requires a log-in."""

    @property
    def authentication_url(self) -> str:
        """Where one logs in."""

    @property
    def username(self) -> str:
        """As whom."""

    @property
    def password(self) -> str:
        """With what; only whether there is one counts here."""

    @property
    def tenant_name(self) -> str:
        """The project, as Keystone v2 calls it."""

    @property
    def project_name(self) -> str:
        """The project."""

    @property
    def user_domain_name(self) -> str:
        """The domain of the user (Keystone v3)."""


def type_is_known(type_: str, known: frozenset[str]) -> Problem | None:
    """A module for this type is installed."""
    if type_ in known:
        return None
    has = f"There are: {', '.join(sorted(known))}." if known else "No provider module is installed."
    return Problem("ACTION_TYPE_FAILED_PROVIDER_NOT_SUPPORTED", f"There is no provider type '{type_}'. {has}")


def type_stays(before: str, after: str) -> Problem | None:
    """A provider's type does not change: what it has would be another system's."""
    if before == after:
        return None
    return Problem(
        "ACTION_TYPE_FAILED_CANNOT_CHANGE_PROVIDER_TYPE",
        f"The type of the provider is '{before}' and cannot become '{after}'. Add another provider.",
    )


def address_is_valid(url: str, type_: str) -> Problem | None:
    """The address of a provider is valid: a URL, or, for one that is accessed through its databases (such as OVN),
    their addresses as in ovsdb(7).
    """
    if type_ != OVN and not url.startswith(_DATABASES):
        return url_is_valid("provider URL", url)
    if _DATABASE.fullmatch(url) and len(url) <= URL_MAX:
        return None
    return Problem(
        "VALIDATION_PROVIDER_URL_INVALID",
        f"The provider URL '{url[:100]}' is not valid."
        " Write it as tcp:ovn.example.com:6641?southbound=tcp:ovn.example.com:6642.",
    )


def plugin_remote_is_valid(remote: str) -> Problem | None:
    """What ovn-controller connects to (ovn-controller(8), ``ovn-remote``): one address of the southbound database, or
    those of the members of its cluster with commas between; empty for nothing. Without TLS, as long as hosts have no
    certificates for it.
    """
    if not remote:
        return None
    if any(one.startswith("ssl:") for one in remote.split(",")):
        return Problem(
            "ACTION_TYPE_FAILED_PROVIDER_PLUGIN_NEEDS_PLAIN_REMOTE",
            "The hosts of Netweft have no certificates for OVN, so agent_configuration.address takes no ssl:. Write"
            " tcp:192.0.2.1:6642, and let only hosts reach it.",
        )
    ports = [int(one.rpartition(":")[2]) for one in remote.split(",") if re.fullmatch(r"tcp:.*:\d{1,5}", one)]
    if _REMOTES.fullmatch(remote) and len(remote) <= URL_MAX and all(0 < port <= PORT_MAX for port in ports):
        return None
    return Problem(
        "VALIDATION_PROVIDER_PLUGIN_REMOTE_INVALID",
        f"The address '{remote[:100]}' of agent_configuration is not valid. Write the southbound database as"
        " tcp:192.0.2.1:6642 or unix:/run/ovn/ovnsb_db.sock, several with commas and without blanks.",
    )


def plugin_mappings_are_valid(mappings: str, remote: str) -> Problem | None:
    """Names of physical networks, each once, with those of networks of hosts; only for a provider with a plugin
    (``remote``).
    """
    if not mappings:
        return None
    if not remote:
        return Problem(
            "ACTION_TYPE_FAILED_PROVIDER_PLUGIN_INCOMPLETE",
            "agent_configuration has network_mappings and no address, so they have no effect. Give the address of the"
            " southbound database too.",
        )
    if all(_MAPPING.fullmatch(one) for one in mappings.split(",")) and len(mappings) <= URL_MAX:
        names = [one.partition(":")[0] for one in mappings.split(",")]
        if len(set(names)) == len(names):
            return None
    return Problem(
        "VALIDATION_PROVIDER_PLUGIN_MAPPINGS_INVALID",
        f"The network_mappings '{mappings[:100]}' of agent_configuration are not valid. Write each physical network"
        " once, with the network of hosts that it is: physnet1:wire,physnet2:storage.",
    )


def plugin_is_known(names: Sequence[str], remote: str) -> Problem | None:
    """A request with an address for hosts to connect to names ovn-controller as plugin, by any of its names."""
    foreign = [name for name in names if name.lower() not in PLUGINS]
    if not remote or not foreign:
        return None
    return Problem(
        "ACTION_TYPE_FAILED_PROVIDER_PLUGIN_NOT_SUPPORTED",
        f"Netweft sets up ovn-controller on hosts, and no plugin '{foreign[0][:60]}'. Leave agent_configuration out, or"
        " the type of the plugin.",
    )


def plugin_is_unused(name: str, running: Sequence[str]) -> Problem | None:
    """``running``: names of virtual machines whose vNICs would lose the provider's networks with the plugin of their
    hosts.
    """
    if not running:
        return None
    return Problem(
        "ACTION_TYPE_FAILED_PROVIDER_PLUGIN_IN_USE",
        f"Hosts would leave provider '{name}' while these VMs run with vNICs on its networks: {listed(running)}. Stop"
        " them first.",
    )


def mappings_of(text: str) -> dict[str, str]:
    """Names of networks of hosts by those of physical networks, as they are written."""
    pairs = (one.partition(":") for one in text.split(",") if one)
    return {physical: network for physical, _, network in pairs}


def is_no_default(name: str, clusters: Sequence[str]) -> Problem | None:
    """``clusters``: names of those whose default provider it is."""
    if not clusters:
        return None
    return Problem(
        "ACTION_TYPE_FAILED_PROVIDER_IN_USE",
        f"Provider '{name}' is the default provider of these clusters: {listed(clusters)}. Give them another, or none,"
        " first.",
    )


def url_is_valid(what: str, url: str) -> Problem | None:
    """``http`` or ``https``, a host, perhaps a port and a path; neither user nor password, which would be visible."""
    parts = _split(url)
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname or len(url) > URL_MAX:
        return Problem(
            "VALIDATION_PROVIDER_URL_INVALID",
            f"The {what} '{url[:100]}' is not valid. Write it as https://neutron.example.com:9696.",
        )
    if parts.username is not None or parts.password is not None:
        return Problem(
            "VALIDATION_PROVIDER_URL_INVALID", f"The {what} contains a user or a password. Give them separately."
        )
    if parts.query or parts.fragment:
        return Problem("VALIDATION_PROVIDER_URL_INVALID", f"The {what} contains a query or a fragment. Leave it out.")
    return None


def authentication_is_complete(provider: Described) -> Problem | None:
    """A login needs a URL, a user, a password, and a project."""
    if not provider.requires_authentication:
        return None
    needed = {
        "the authentication URL": provider.authentication_url,
        "the user name": provider.username,
        "the password": provider.password,
        "the tenant or the user domain": provider.tenant_name or provider.project_name or provider.user_domain_name,
    }
    missing = [what for what, value in needed.items() if not value]
    if missing:
        return Problem(
            "ACTION_TYPE_FAILED_PROVIDER_AUTHENTICATION_INCOMPLETE",
            f"The provider requires authentication, but {', '.join(missing)} {'is' if len(missing) == 1 else 'are'}"
            " missing. Add what is missing, or do not require authentication.",
        )
    return None


def login_is_given(provider: Described) -> Problem | None:
    """A configuration provider always requires a login."""
    needed = {"the user": provider.username, "the password": provider.password}
    missing = [what for what, value in needed.items() if not value]
    if not missing:
        return None
    return Problem(
        "ACTION_TYPE_FAILED_PROVIDER_LOGIN_INCOMPLETE",
        f"A configuration provider is logged in to, but {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'}"
        " missing.",
    )


def authentication_url_is_valid(url: str) -> Problem | None:
    """The URL of Keystone ends with its version."""
    if not url:
        return None
    problem = url_is_valid("authentication URL", url)
    if problem is None and not url.rstrip("/").endswith(VERSIONS):
        return Problem(
            "VALIDATION_PROVIDER_AUTHENTICATION_URL_INVALID",
            f"The authentication URL '{url[:100]}' does not end with {' or '.join(VERSIONS)}. Add the version.",
        )
    return problem


def password_is_valid(password: str) -> Problem | None:
    """At most so many characters."""
    if len(password) <= PASSWORD_MAX:
        return None
    return Problem(
        "VALIDATION_PROVIDER_PASSWORD_INVALID", f"The provider's password has over {PASSWORD_MAX} characters."
    )


_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


def certificates_are_of_use(certificate: str, url: str) -> Problem | None:
    """Only a provider that is reached by TLS has certificates; databases are not, as long as Netweft has no certificate
    that it could show them.
    """
    if not certificate or not url.startswith(_DATABASES):
        return None
    return Problem(
        "ACTION_TYPE_FAILED_PROVIDER_HAS_NO_TLS",
        f"The provider is reached by its databases at {url[:100]}, without TLS, so certificates have no effect."
        " Leave them out.",
    )


def certificates_are_given(contents: Sequence[str]) -> Problem | None:
    """At least one, each in PEM."""
    if not contents:
        return Problem(
            "VALIDATION_PROVIDER_CERTIFICATE_INVALID",
            f"There is no certificate. Send at least one, a text from {_BEGIN} to {_END}.",
        )
    for content in contents:
        text = content.strip()
        if not (text.startswith(_BEGIN) and text.endswith(_END)):
            return Problem(
                "VALIDATION_PROVIDER_CERTIFICATE_INVALID",
                f"A certificate is not in PEM. Send texts from {_BEGIN} to {_END}.",
            )
    return None


def certificates_of(text: str) -> list[str]:
    """The single certificates of a text with any number of them."""
    parts = text.split(_END)[:-1]
    return [f"{part.strip()}\n{_END}\n" for part in parts]


def _split(url: str) -> SplitResult | None:
    if url != url.strip() or not url.isprintable():
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises for what is no port
    except ValueError:
        return None
    return parts

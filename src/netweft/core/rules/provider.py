"""When a provider of external networks may be added or changed.

oVirt's commands: AddProvider, UpdateProvider.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol
from urllib.parse import SplitResult, urlsplit

from netweft.core.errors import Problem

PASSWORD_MAX = 200
"""Characters of a provider's password (oVirt: BusinessEntitiesDefinitions.PROVIDER_PASSWORD_MAX_SIZE)."""
URL_MAX = 512
VERSIONS = ("/v2.0", "/v3")
"""The versions of Keystone whose addresses are taken."""
_DATABASES = ("tcp:", "unix:")
_ONE = r"(tcp:[^\s,?@/]+:\d{1,5}|unix:/[^\s,?]+)"
_DATABASE = re.compile(rf"{_ONE}(,{_ONE})*(\?southbound={_ONE}(,{_ONE})*)?")
"""Several are the members of a cluster."""


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


def address_is_valid(url: str) -> Problem | None:
    """Where a provider is: a URL, or of one that is reached by its databases (OVN) their addresses as ovsdb(7) writes
    them.
    """
    if not url.startswith(_DATABASES):
        return url_is_valid("provider URL", url)
    if _DATABASE.fullmatch(url) and len(url) <= URL_MAX:
        return None
    return Problem(
        "VALIDATION_PROVIDER_URL_INVALID",
        f"The provider URL '{url[:100]}' is not valid."
        " Write it as tcp:ovn.example.com:6641?southbound=tcp:ovn.example.com:6642.",
    )


def url_is_valid(what: str, url: str) -> Problem | None:
    """``http`` or ``https``, a host, perhaps a port and a path; neither user nor password, which would be shown with
    it.
    """
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
    """Who has to log in says where, as whom, with what, and for which project."""
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


def authentication_url_is_valid(url: str) -> Problem | None:
    """The URL of Keystone ends with the version that it speaks."""
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


def certificates_are_given(contents: Sequence[str]) -> Problem | None:
    """At least one, each in PEM."""
    for content in contents or [""]:
        text = content.strip()
        if not (text.startswith(_BEGIN) and text.endswith(_END)):
            return Problem(
                "VALIDATION_PROVIDER_CERTIFICATE_INVALID",
                f"A certificate is not in PEM. Send texts from {_BEGIN} to {_END}, at least one.",
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

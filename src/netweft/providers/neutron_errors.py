"""What goes wrong between Netweft and a Neutron, as the errors of the contract."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from keystoneauth1.exceptions import (
    ClientException,
    ConnectFailure,
    ConnectTimeout,
    DiscoveryFailure,
    HttpError,
    NotFound,
    SSLError,
    Unauthorized,
)
from openstack.exceptions import (
    BadRequestException,
    ConflictException,
    ForbiddenException,
    HttpException,
    NotFoundException,
    SDKException,
)

from netweft.providers.contract import (
    BindingError,
    CertificateError,
    LoginError,
    MissingError,
    ProviderError,
    RefusedError,
)
from netweft.providers.management_http import NO_TLS

P = ParamSpec("P")
T = TypeVar("T")

_TEXT_MAX = 500
_UNAUTHORIZED = 401


def translated(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What the call gives; its errors as ours. Raises ProviderError."""
    try:
        return call(*args, **kwargs)
    except SSLError as error:
        raise _without_tls(error) from error
    except HttpException as error:
        raise _answered(error) from error
    except Unauthorized as error:
        raise LoginError(f"The provider refused the login: {_text(error)}") from error
    except (DiscoveryFailure, NotFound) as error:
        raise ProviderError(f"The server there is not Neutron: {_text(error)}") from error
    except HttpError as error:
        raise ProviderError(f"The provider refused: {_text(error)}") from error
    except ConnectTimeout as error:
        raise ProviderError(f"The provider cannot be reached: {_text(error)}") from error
    except ConnectFailure as error:
        raise ProviderError(f"The provider cannot be reached: {_why(error)}") from error
    except (ClientException, SDKException) as error:
        raise ProviderError(f"The provider cannot be reached: {_text(error)}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ProviderError(f"The provider's answer is not one of Neutron: {_text(error)}") from error


def _answered(error: HttpException) -> ProviderError:
    """What an answer of Neutron that is an error means."""
    if isinstance(error, ForbiddenException) or error.status_code == _UNAUTHORIZED:
        return LoginError(f"The provider refused the login or this operation: {_text(error)}")
    if _kind(error) == "PortBindingError":
        return BindingError(f"The provider cannot bind the port: {_text(error)}")
    if isinstance(error, NotFoundException):
        return MissingError(f"The provider has no such thing: {_text(error)}")
    if isinstance(error, BadRequestException | ConflictException):
        return RefusedError(f"The provider refused: {_text(error)}")
    return ProviderError(f"The provider refused: {_text(error)}")


def _without_tls(error: SSLError) -> ProviderError:
    """Why there is no TLS connection."""
    reason = _innermost(error)
    if isinstance(reason, ssl.SSLCertVerificationError):
        return CertificateError(f"The TLS certificate of the provider is not trusted: {_why(error)}")
    if getattr(reason, "reason", "") in NO_TLS:
        return ProviderError(f"The provider does not use TLS{_where(error)}. Use http:// or the port that serves TLS.")
    return ProviderError(f"The provider cannot be reached: {_why(error)}")


def _why(error: Exception) -> str:
    """The operating system's reason for a failed connection, without the texts that each library adds."""
    reason = _innermost(error)
    message = getattr(reason, "verify_message", "") or getattr(reason, "strerror", "") or str(reason)
    return f"{' '.join(message.split())[:_TEXT_MAX]}{_where(error)}."


def _innermost(error: BaseException) -> BaseException:
    while cause := error.__cause__ or error.__context__:
        error = cause
    return error


def _where(error: Exception) -> str:
    """Where the request went, as Keystone may be elsewhere."""
    request = getattr(error.__context__, "request", None)
    return f" ({request.url})" if request is not None else ""


def _kind(error: HttpException) -> str:
    """What Neutron calls an error, empty when it does not say."""
    try:
        return str(error.response.json()["NeutronError"]["type"]) if error.response is not None else ""
    except (ValueError, KeyError, TypeError):
        return ""


def _text(error: Exception) -> str:
    """The text of an error, as one line of limited length."""
    details = getattr(error, "details", None)
    return " ".join(str(details or str(error) or type(error).__name__).split())[:_TEXT_MAX]

"""Modules for providers are third-party code with large libraries: all their exceptions become ProviderError, which
jobs record with the object concerned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import is_dataclass
from functools import wraps
from typing import Any, TypeVar, cast

import msgspec
import structlog

from netweft.core.errors import NetweftError
from netweft.engine.secrets import SecretError
from netweft.providers.contract import BindingError, MissingError, ProviderError, RefusedError

C = TypeVar("C")

OF_ONE_OBJECT = (BindingError, MissingError, RefusedError)
"""Errors of a provider that concern one object only."""

log = structlog.get_logger(__name__)


@contextmanager
def as_provider_errors(provider_type: str) -> Iterator[None]:
    """Turns all exceptions of the block into ProviderError. Defects of the module are logged with their traceback."""
    try:
        yield
    except ProviderError as error:
        error.text = _readable(error.text)
        raise
    except SecretError as error:
        raise ProviderError(f"The password of the provider cannot be read. {error}") from error
    except Exception as error:
        log.exception("a module for providers failed", type=provider_type)
        reason = error.text if isinstance(error, NetweftError) else f"{type(error).__name__}: {error}"
        text = f"The module for providers of the type {provider_type} failed. {reason}"
        raise ProviderError(_readable(text)) from error


def _readable(text: str) -> str:
    """An external system's text, without control characters and NUL (which PostgreSQL cannot store)."""
    return "".join(one if one.isprintable() else " " for one in text)


def guarded(provider_type: str, provider: C) -> C:
    """The same connection, whose methods raise nothing but ProviderError."""
    return cast("C", _Guarded(provider_type, provider))


class _Guarded:
    def __init__(self, provider_type: str, provider: object) -> None:
        self._type = provider_type
        self._provider = provider

    def __getattr__(self, name: str) -> Callable[..., Any]:
        with as_provider_errors(self._type):  # also a method that the module does not have
            method = getattr(self._provider, name)

        @wraps(method)
        def call(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as the method has them
            with as_provider_errors(self._type):
                answer = method(*args, **kwargs)
            for one in answer if isinstance(answer, list | tuple) else (answer,):
                _require_sense(one)
            return answer

        return call


def _require_sense(answer: object) -> None:
    """Check that a provider's answer has the types of the contract. Raises ProviderError."""
    if not is_dataclass(answer) or isinstance(answer, type):
        return
    try:
        msgspec.convert(msgspec.to_builtins(answer), type(answer))
    except msgspec.ValidationError as error:
        raise ProviderError(f"The provider's answer is invalid: {error}.") from error

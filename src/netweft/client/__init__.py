"""A client of the public API: oVirt's v4 API as JSON, and Netweft's additions."""

from netweft.client.client import ApiError, Client, UnreachableError

__all__ = ["ApiError", "Client", "UnreachableError"]

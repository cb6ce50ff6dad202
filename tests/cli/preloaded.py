"""All modules of the command line, and what they import when they are called."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

import httpcore
import yaml

import netweft.__main__
import netweft.client
from netweft import cli

__all__ = ["httpcore", "netweft", "yaml"]

for module in iter_modules(cli.__path__, "netweft.cli."):
    import_module(module.name)

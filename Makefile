# Everything runs from a fresh clone: each target installs what it needs first. `install` and `cli` need Python 3.11; the rest needs
# root, for namespaces and packages, and Debian 12.
SHELL := /bin/bash
.ONESHELL:
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
unexport PYTHONDONTWRITEBYTECODE # otherwise each of the hundreds of processes of tests compiles the program
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps
PYTEST := $(BIN)/python -m pytest
PAGE := src/netweft/web/static/vendor/preact.js
SPREAD ?= -n $(if $(filter suites,$(MAKECMDGOALS)),2,3) --dist loadfile# more tests than processors, as they mostly wait
EXAMPLES ?= 100# of each property of core
export NETWEFT_DATABASES := $(DATABASES)

.PHONY: help demo test suites check lint types imports core contract agent engine api cli web clients providers e2e metal installation bench guest install native locks packages system browser pagetypes screenshots automation neutron ucsmsdk lock openapi schema clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

demo: install system $(if $(VMS),native) ## the main job on this machine, VMS=1 with real virtual machines; EXIT=1 ends by itself, with status 0 only if all worked
	@$(if $(VMS),PYTHONPATH=tests) $(BIN)/python examples/demo$(if $(VMS),_vms).py $(if $(EXIT),--exit)

test: browser ## all suites, two at a time, as most wait for something; each is printed when it has ended
	@$(MAKE) --jobs=2 --output-sync=target --no-print-directory suites
suites: check engine agent api clients web providers e2e installation metal cli locks contract

check: lint types imports core ## the quick suites: lint, types, imports, core

lint: install
	$(BIN)/ruff check src tests examples
	$(BIN)/ruff format --check src tests examples

types: install
	$(BIN)/mypy

imports: install
	$(BIN)/lint-imports

core: install ## rules, plan, desired, schedule: properties (EXAMPLES=100 each) and golden cases, every branch
	NETWEFT_EXAMPLES=$(EXAMPLES) $(PYTEST) -n 2 --dist worksteal tests/core
	# Branches are counted with fewer examples, as each takes three times as long then.
	NETWEFT_EXAMPLES=8 $(PYTEST) -n 2 --dist worksteal tests/core --cov=netweft.core --cov-branch --cov-report=term-missing:skip-covered --cov-fail-under=100

contract: install system ## the simulation against the real kernel and a real Open vSwitch
	$(PYTEST) $(SPREAD) tests/contract

agent: install system native guest ## the agent through its own API
	$(PYTEST) $(SPREAD) tests/agent

engine: install system ## commands and jobs, on SQLite and PostgreSQL, DATABASES=both each test on both
	$(PYTEST) $(SPREAD) tests/engine

api: install system native ## the API through HTTP, on SQLite and PostgreSQL, DATABASES=both each test on both
	$(PYTEST) $(SPREAD) tests/api

cli: install ## the command line against an engine with simulated hosts, and the blocks of README and docs
	$(PYTEST) $(SPREAD) tests/cli

web: install browser ## the web page in a browser, against an engine with simulated hosts
	$(PYTEST) -n 2 --dist loadfile tests/web

clients: install system native automation ## oVirt's own tools
	$(PYTEST) $(SPREAD) tests/clients

providers: install system native neutron ucsmsdk automation ## providers, with a real Neutron, a real OVN, and emulators
	$(PYTEST) -n 2 --dist loadfile tests/providers

e2e: install system native guest ## the main job with real hosts in namespaces, faults included
	$(PYTEST) $(SPREAD) tests/e2e

metal: install system ## VLAN, bonding and traffic shaping on a kernel that has them, in User-Mode Linux
	$(PYTEST) -n 3 tests/metal

installation: install system ## docs/install.md on new machines with nothing but Debian, and simulated hosts without root
	@tools/debian-base
	$(PYTEST) tests/installation

bench: install system native browser ## our figures, the floor, the ratio
	@$(BIN)/python tests/bench

guest: system ## build the tiny Linux that tests boot in virtual machines
	@tools/tiny-guest

install: .venv/.installed $(if $(shell command -v npm),$(PAGE)) ## install the program in .venv: without root and without packages of the system

# The npm packages of the web page; an engine without them shows a message at /ui/.
$(PAGE): tools/web/package-lock.json tools/web/icons.txt tools/web/install tools/web/copy_modules.py | .venv/.installed
	@tools/web/install $(@D)
	touch $@

.venv/.installed: requirements.lock pyproject.toml
	@PYTHON=$(PYTHON) tools/make-venv .venv
	$(PIP) --only-binary :all: --require-hashes -r requirements.lock
	$(PIP) --no-build-isolation -e .
	touch $@

native: .venv/.native ## libraries that are compiled: libvirt's library and Open vSwitch's for Python, and oVirt's SDK

.venv/.native: native.lock .venv/.installed | system
	$(PIP) --no-build-isolation --require-hashes -r native.lock
	touch $@

locks: install native automation neutron ucsmsdk ## check that the locks are complete, for the oldest pip and the newest
	@PYTHON=$(PYTHON) tools/check-locks

packages: install ## build a wheel and Debian packages of engine and agent, in dist
	@packaging/build

browser: install ## install the browser for tests of the web page
	@tools/web/install-tests
	@$(MAKE) --no-print-directory $(PAGE)

pagetypes: ## check the types of the web page by TypeScript, those of its models strictly
	@tools/web/install-dev
	@$(MAKE) --no-print-directory $(PAGE)
	.cache/page/node_modules/.bin/tsc -p tools/web
	.cache/page/node_modules/.bin/tsc -p tools/web/tsconfig.model.json

screenshots: browser ## take the pictures of docs/web.md
	@mkdir -p docs/web
	@PYTHONPATH=tests $(BIN)/python tests/web/screenshots.py

automation: ## install the automation modules that tests use
	@PYTHON=$(PYTHON) tools/install-automation

neutron: ## install the Neutron that tests of providers start
	@PYTHON=$(PYTHON) tools/install-neutron

ucsmsdk: ## install Cisco's SDK, for the emulator of its UCS Manager
	@PYTHON=$(PYTHON) tools/install-ucsmsdk

system: ## install the Debian packages that hosts and tests need
	@PYTHON=$(PYTHON) tools/install-system

lock: ## regenerate the locks
	tools/write-locks

openapi: install ## regenerate docs/openapi.json
	$(BIN)/python -c 'import sys; from netweft.api import nouns, openapi; sys.stdout.buffer.write(openapi.written(nouns.router().table))' >docs/openapi.json

schema: install ## regenerate docs/fleet.schema.json
	$(BIN)/netweft export --schema >docs/fleet.schema.json

clean: ## remove all files that targets made
	rm -rf .venv .cache var build dist src/netweft/web/static/vendor .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage

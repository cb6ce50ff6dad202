# Everything runs from a fresh clone: each target installs what it needs first. `install` and `cli` need Python 3.11; the rest needs
# root, for namespaces and packages, and Debian 12.
SHELL := /bin/bash
.ONESHELL:
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
unexport PYTHONDONTWRITEBYTECODE # tests start hundreds of processes, which would each compile the program again
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps
PYTEST := $(BIN)/python -m pytest
PAGE := src/netweft/web/static/vendor/preact.js
SPREAD ?= -n $(if $(filter rings,$(MAKECMDGOALS)),2,3) --dist loadfile# as tests wait more than they work, more of them than there are processors
EXAMPLES ?= 100# of each property of core
export NETWEFT_DATABASES := $(DATABASES)

.PHONY: help demo test rings check lint types imports core contract agent engine api cli web clients providers e2e metal installation bench guest install native locks packages system browser pagetypes screenshots automation neutron ucsmsdk lock openapi schema clean

help: ## what there is to type
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

demo: install system $(if $(VMS),native) ## the main job on this machine, VMS=1 with real virtual machines; EXIT=1 ends by itself, with status 0 only if all worked
	@$(if $(VMS),PYTHONPATH=tests) $(BIN)/python examples/demo$(if $(VMS),_vms).py $(if $(EXIT),--exit)

test: browser ## everything, two rings at a time, as most wait for something: each is shown when it has ended
	@$(MAKE) --jobs=2 --output-sync=target --no-print-directory rings
rings: check engine agent api clients web providers e2e installation metal cli locks contract

check: lint types imports core ## the quick rings: lint, types, imports, core

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

agent: install system native guest ## the agent through its own door
	$(PYTEST) $(SPREAD) tests/agent

engine: install system ## commands and jobs, on SQLite and PostgreSQL, DATABASES=both each test on both
	$(PYTEST) $(SPREAD) tests/engine

api: install system native ## the API through HTTP, on SQLite and PostgreSQL, DATABASES=both each test on both
	$(PYTEST) $(SPREAD) tests/api

cli: install ## the command line against an engine with simulated hosts, and what README and docs say
	$(PYTEST) $(SPREAD) tests/cli

web: install browser ## the web page in a browser, against an engine with simulated hosts
	$(PYTEST) -n 2 --dist loadfile tests/web

clients: install system native automation ## the field's own tools
	$(PYTEST) $(SPREAD) tests/clients

providers: install system native neutron ucsmsdk automation ## what providers are proved with: a real Neutron, a real OVN, emulators
	$(PYTEST) -n 2 --dist loadfile tests/providers

e2e: install system native guest ## the main job with real hosts in namespaces, faults included
	$(PYTEST) $(SPREAD) tests/e2e

metal: install system ## VLAN, bonding and traffic shaping on a kernel that has them, in User-Mode Linux
	$(PYTEST) -n 3 tests/metal

installation: install system ## docs/install.md on new machines with nothing but Debian, and simulated hosts without root
	@tools/debian-base
	$(PYTEST) tests/installation

bench: install system native browser ## ours, the floor, the ratio
	@$(BIN)/python tests/bench

guest: system ## the tiny Linux that tests boot in virtual machines
	@tools/tiny-guest

install: .venv/.installed $(if $(shell command -v npm),$(PAGE)) ## the program in .venv: without root, and without packages of the system

# What the web page takes from npm; an engine without it says so at /ui/.
$(PAGE): tools/web/package-lock.json tools/web/icons.txt tools/web/install tools/web/copy_modules.py | .venv/.installed
	@tools/web/install $(@D)
	touch $@

.venv/.installed: requirements.lock pyproject.toml
	@PYTHON=$(PYTHON) tools/make-venv .venv
	$(PIP) --only-binary :all: --require-hashes -r requirements.lock
	$(PIP) --no-build-isolation -e .
	touch $@

native: .venv/.native ## what is built here: libvirt's library and Open vSwitch's for Python, and oVirt's SDK

.venv/.native: native.lock .venv/.installed | system
	$(PIP) --no-build-isolation --require-hashes -r native.lock
	touch $@

locks: install native automation neutron ucsmsdk ## the locks are complete, for the oldest pip and the newest
	@PYTHON=$(PYTHON) tools/check-locks

packages: install ## a wheel and Debian packages of engine and agent, in dist
	@packaging/build

browser: install ## the browser that the tests of the web page drive
	@tools/web/install-tests
	@$(MAKE) --no-print-directory $(PAGE)

pagetypes: ## the types of the web page, checked by TypeScript; those of its models without exception
	@tools/web/install-dev
	@$(MAKE) --no-print-directory $(PAGE)
	.cache/page/node_modules/.bin/tsc -p tools/web
	.cache/page/node_modules/.bin/tsc -p tools/web/tsconfig.model.json

screenshots: browser ## the pictures of docs/web.md
	@mkdir -p docs/web
	@PYTHONPATH=tests $(BIN)/python tests/web/screenshots.py

automation: ## the automation modules that the tests drive the engine with
	@PYTHON=$(PYTHON) tools/install-automation

neutron: ## the Neutron that the tests of providers start
	@PYTHON=$(PYTHON) tools/install-neutron

ucsmsdk: ## Cisco's SDK, for the emulator of its UCS Manager
	@PYTHON=$(PYTHON) tools/install-ucsmsdk

system: ## the Debian packages that hosts and tests need
	@PYTHON=$(PYTHON) tools/install-system

lock: ## write the locks anew
	tools/write-locks

openapi: install ## write docs/openapi.json anew
	$(BIN)/python -c 'import sys; from netweft.api import nouns, openapi; sys.stdout.buffer.write(openapi.written(nouns.router().table))' >docs/openapi.json

schema: install ## write docs/fleet.schema.json anew
	$(BIN)/netweft export --schema >docs/fleet.schema.json

clean: ## remove what the targets made
	rm -rf .venv .cache var build dist src/netweft/web/static/vendor .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage

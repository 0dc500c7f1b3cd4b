# The commands of Plaza. `make` lists them. Needs Python >= 3.11 and make; everything else comes into .venv.
#
# Values to set on the command line (`make run PORT=8001`):
PORT := 8000
HOST := 127.0.0.1
DATA := .plaza
# a server instead of the embedded one: mysql://user:password@host:port/ and redis://host:port/0
DATABASE :=
REDIS_URL :=
# the deployable of `make alone`
S :=
# narrows a test target to a path; without it the tests run in parallel
T :=
# the Python that makes .venv, if not the one found
PYTHON ?=
export DATABASE REDIS_URL PYTHON

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:

BIN := .venv/bin
RUN := @sh tools/venv.sh run
DEV := @sh tools/venv.sh dev
SERVERS := @sh tools/test_servers.sh
PYTEST := $(BIN)/pytest $(if $(T),,-n auto --dist worksteal)
MEMBERS := $(patsubst %/pyproject.toml,%,$(wildcard protos/pyproject.toml libs/*/pyproject.toml gateway/pyproject.toml services/*/pyproject.toml))
# distributions whose modules have other names
MODULES := plaza-protos=plaza,plaza-kit=plaza_kit,protobuf=google,googleapis-common-protos=google,grpcio-health-checking=grpc_health

.PHONY: help run test check fmt fmt-check lint types imports proto proto-check docs docs-check lock bench \
	test-unit test-contract test-integration e2e alone admin keys clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## run Plaza: PORT=8000 HOST=127.0.0.1 DATA=.plaza DATABASE=mysql://... REDIS_URL=redis://...
	$(RUN)
	@exec $(BIN)/python tools/stack.py --host '$(HOST)' --port '$(PORT)' --data '$(DATA)'

test: ## every test, in parallel, on real servers (T=path: those alone)
	$(DEV)
	$(SERVERS)
	@$(PYTEST) $(T)

check: fmt-check lint types imports proto-check docs-check test ## all that must hold; what CI runs

fmt: ## format code and contracts
	$(DEV)
	@$(BIN)/ruff check --quiet --select I --fix .
	@$(BIN)/ruff format .
	@$(BIN)/buf format --write

fmt-check: ## fail if `make fmt` would change something
	$(DEV)
	@$(BIN)/ruff format --check .
	@$(BIN)/buf format --diff --exit-code

lint: ## ruff, buf, the tree's own rules, declared dependencies, spelling, locks
	$(DEV)
	@$(BIN)/ruff check .
	@$(BIN)/buf lint
	@$(BIN)/python tools/check_tree.py
	@for member in $(MEMBERS); do \
		out=$$(cd $$member && $(CURDIR)/$(BIN)/deptry $$(ls -d src gen migrations 2>/dev/null) --no-ansi -pmnm $(MODULES) 2>&1) \
			|| { printf '%s:\n%s\n' "$$member" "$$out" >&2; exit 1; }; \
	done
	@$(BIN)/codespell
	@$(BIN)/python tools/lock.py --check

types: ## mypy --strict over everything
	$(DEV)
	@$(BIN)/mypy

imports: ## who may import whom
	$(DEV)
	@$(BIN)/lint-imports

proto: ## generate the stubs from the contracts
	$(DEV)
	@$(BIN)/python protos/generate.py

proto-check: ## fail if the committed stubs are not those of the contracts
	$(DEV)
	@$(BIN)/python protos/generate.py --check

docs: ## generate the settings table, error catalogue, OpenAPI document and .env.example
	$(DEV)
	@$(BIN)/python tools/docs.py

docs-check: ## fail if a generated document is stale
	$(DEV)
	@$(BIN)/python tools/docs.py --check

lock: ## lock the dependencies again (UPGRADE=1: in their newest versions)
	$(DEV)
	@$(BIN)/python tools/lock.py $(if $(UPGRADE),--upgrade)

bench: ## measure requests/s, latency and CPU time on this machine
	$(DEV)
	@sh tools/test_servers.sh wrk
	@$(BIN)/python -m bench

test-unit: ## tests of pure code (T=path narrows)
	$(DEV)
	@$(PYTEST) -m unit $(T)

test-contract: ## tests of one deployable at its interface (T=path narrows)
	$(DEV)
	$(SERVERS)
	@$(PYTEST) -m contract $(T)

test-integration: ## tests of the parts that talk to servers (T=path narrows)
	$(DEV)
	$(SERVERS)
	@$(PYTEST) -m integration $(T)

e2e: ## tests of the whole stack (T=path narrows)
	$(DEV)
	$(SERVERS)
	@$(PYTEST) -m e2e $(T)

alone: ## install one deployable from its own lock alone, test and start it: S=auth
	$(DEV)
	@$(BIN)/python tools/alone.py '$(S)'

admin: ## make an admin, or make a user one, on the data of `make run`: NAME=alice
	$(RUN)
	@$(BIN)/python tools/command.py --data '$(DATA)' auth create-admin '$(NAME)'

keys: ## make the keys of a deployment in deploy/compose/keys
	$(RUN)
	@$(BIN)/python tools/keys.py deploy/compose/keys

clean: ## remove .venv and caches; data in .plaza stays
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .schemathesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

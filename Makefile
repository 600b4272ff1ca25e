# Medtwin: `make` lists the targets. Everything it makes stays in this folder.
SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3,$(shell command -v $(name))))
BIN := .venv/bin
TOOLS := $(CURDIR)/.tools
PYTEST := $(BIN)/python -m pytest
# brownie keeps its networks in HOME, and finds ganache and the compiler through these.
BROWNIE := HOME="$(TOOLS)/home" PATH="$(CURDIR)/node_modules/.bin:$$PATH" SOLCX_BINARY_PATH="$(TOOLS)/solc"

# Clinical data sets for tests and training: beside this folder, or fetched from their publishers.
MEDTWIN_DATA ?= $(if $(wildcard ../shared/data),../shared/data,$(TOOLS)/data)
export MEDTWIN_DATA
LEARNED := cgm_t1d heart_failure_299 icu2012 machine_temperature nhs_ae pulse readmission_diabetes130 rhythm ventilator

.PHONY: help setup setup-dev demo dev test test-oracle test-foundry test-gates test-contracts test-integration test-simulation \
	fuzz mutate mutate-sample symbolic slither coverage-contracts chains check format artifacts models evaluate \
	bench bench-gas gas-trace bench-models bench-lock bench-objects load api-fuzz custody faults day simulate soak demo-portal portal-e2e clean need-python need-node need-services need-data

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' Makefile

# -- set-up --------------------------------------------------------------------

setup: .venv/.demo ## Build .venv with the medtwin command and all the demo needs (Python only)

setup-dev: .venv/.dev ## The same, with brownie, the test tools, Ganache and the compiler (Python and Node)

.venv/.demo: pyproject.toml constraints.txt | need-python
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet -c constraints.txt -e .
	@touch $@

# brownie's compiled wheel has faults its plain source has not.
.venv/.dev: pyproject.toml constraints.txt package-lock.json scripts/install_solc.py | need-python need-node
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	BROWNIE_NOCOMPILE=1 $(BIN)/python -m pip install --quiet --no-binary eth-brownie -c constraints.txt \
		-e '.[contracts,train,test,waveforms,drift,postgres,scale,survival]'
	@if [ -L node_modules ]; then rm node_modules; fi # npm ci would empty the folder a link points to
	npm ci --ignore-scripts --no-audit --no-fund
	$(BIN)/python -m scripts.install_solc
	@touch .venv/.demo $@

need-python:
	@test -n "$(PYTHON)" && "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Medtwin needs Python 3.11 or later. Install it (Debian: apt install python3 python3-venv;" >&2; \
		echo "macOS: brew install python@3.11), or name one: make setup PYTHON=/path/to/python3.11" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make virtual environments. Install its venv module (Debian: apt install python3-venv)." >&2; \
		exit 1; }

need-node:
	@command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' || { \
		echo "Working on Medtwin needs Node 20 or later with npm, for Ganache and the compiler (nodejs.org;" >&2; \
		echo "macOS: brew install node). The demo needs no Node: make demo" >&2; exit 1; }

need-services:
	@PATH="$$PATH:/usr/sbin:/usr/local/sbin" command -v mosquitto >/dev/null || { \
		echo "The tests of gateways need the broker mosquitto (Debian: apt install mosquitto; macOS: brew install mosquitto)" >&2; exit 1; }
	@command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || { \
		echo "The tests of the index need PostgreSQL (Debian: apt install postgresql; macOS: brew install postgresql)" >&2; exit 1; }
	@command -v promtool >/dev/null || { \
		echo "The tests of alerts need Prometheus (Debian: apt install prometheus; macOS: brew install prometheus)" >&2; exit 1; }

# -- use -----------------------------------------------------------------------

demo: setup ## Show the whole story on an embedded chain
	@$(BIN)/medtwin demo

demo-portal: dev ## The same: it serves the pages for patients and everybody else, with people and data in it

dev: setup-dev ## Start a chain, custodians, an oracle and the portal to build on
	@PATH="$(CURDIR)/node_modules/.bin:$$PATH" $(BIN)/medtwin dev

# -- tests ---------------------------------------------------------------------

# Two lanes of about the same length, as most machines have two cores; the simulation takes what they leave, as they often wait.
test: setup-dev need-services ## Run every test: units, contracts in forge and on Ganache, whole paths on IPFS, simulated bad luck
	@rm -rf reports && mkdir reports
	@{ nice -n 19 $(MAKE) test-simulation > reports/simulation.log 2>&1; echo $$? > reports/simulation.exit; } & \
	for part in oracle foundry gates contracts; do \
		$(MAKE) test-$$part > reports/$$part.log 2>&1; echo $$? > reports/$$part.exit; \
	done & \
	$(MAKE) test-integration; echo $$? > reports/integration.exit; \
	wait; cat reports/oracle.log reports/foundry.log reports/gates.log reports/contracts.log reports/simulation.log; \
	$(BIN)/python scripts/closing_line.py reports oracle contracts foundry gates integration simulation

test-oracle: setup-dev ## Run the Python package's own tests
	@mkdir -p reports
	$(PYTEST) -p no:pytest-brownie --junitxml=reports/oracle.xml tests/oracle $(wildcard tests/test_*.py)

test-simulation: setup-dev ## Play 10,000 seeds of simulated bad luck
	@mkdir -p reports
	OMP_NUM_THREADS=1 $(PYTEST) -p no:pytest-brownie --junitxml=reports/simulation.xml tests/simulation

# Warnings from brownie's own pinned world are not ours to mend.
test-contracts: setup-dev ## Run the contracts' tests (brownie on Ganache)
	@mkdir -p reports "$(TOOLS)/home"
	$(BROWNIE) $(BIN)/python -m scripts.brownie_networks
	$(BROWNIE) PYTEST_ADDOPTS="--hypothesis-seed=0 -o filterwarnings=default --junitxml=reports/contracts.xml" \
		$(BIN)/brownie test tests/contracts

test-foundry: setup-dev ## Fuzz the contracts and walk their invariants (forge)
	@mkdir -p reports
	$(BIN)/python -m scripts.campaign --junit reports/foundry.xml

test-gates: setup-dev .tools/halmos/.made .tools/slither/.made ## Lint, coverage, slither, proofs and planted faults of the contracts
	@mkdir -p reports
	$(BIN)/python -m scripts.gates reports/gates.xml

fuzz: setup-dev ## The same for long (CALLS=100000000), and brownie's with other cases in each run
	FOUNDRY_PROFILE=fuzz $(BIN)/python -m scripts.campaign --calls $(or $(CALLS),100000000)
	@mkdir -p "$(TOOLS)/home"
	$(BROWNIE) $(BIN)/python -m scripts.brownie_networks
	$(BROWNIE) PYTEST_ADDOPTS="-o filterwarnings=default" $(BIN)/brownie test tests/contracts

mutate: setup-dev ## Break the contracts in every way known, and see whether tests notice
	$(BIN)/python -m scripts.mutate

mutate-sample: setup-dev ## The same for 120 of them, and for planted faults
	$(BIN)/python -m scripts.mutate --sample 120

symbolic: setup-dev .tools/halmos/.made ## Prove consent, escrow, guardians, bundles and challenges for all inputs (halmos), and that each proof can fail
	$(BIN)/python -m scripts.symbolic

slither: setup-dev .tools/slither/.made ## Compare slither's findings with those reviewed
	$(BIN)/python -m scripts.static

coverage-contracts: setup-dev ## Measure which lines and branches of the contracts are reached
	$(BIN)/python -m scripts.coverage

# Each pins what brownie's environment cannot hold.
.tools/halmos/.made: | need-python
	$(PYTHON) -m venv .tools/halmos && .tools/halmos/bin/python -m pip install --quiet halmos==0.3.3 && touch $@

.tools/slither/.made: | need-python
	$(PYTHON) -m venv .tools/slither && .tools/slither/bin/python -m pip install --quiet slither-analyzer==0.11.6 && touch $@

api-fuzz: setup-dev .tools/schemathesis/.made ## Send custodian and portal whatever their OpenAPI allows, and more (SECONDS=60)
	$(BIN)/python -m scripts.api_fuzz $(or $(SECONDS),60)

.tools/schemathesis/.made: | need-python
	$(PYTHON) -m venv .tools/schemathesis && .tools/schemathesis/bin/python -m pip install --quiet schemathesis==4.32.5 && touch $@

chains: setup-dev .tools/geth ## Run the main job on Ganache, eth-tester, anvil and geth (Go builds geth)
	PATH="$(CURDIR)/node_modules/.bin:$$PATH" $(PYTEST) -p no:pytest-brownie tests/integration/test_chains.py

.tools/geth:
	@command -v go >/dev/null || { echo "geth is built by Go (go.dev/dl); the other three chains run in make test" >&2; exit 1; }
	GOBIN="$(TOOLS)" go install github.com/ethereum/go-ethereum/cmd/geth@v1.17.0

portal-e2e: setup-dev need-data ## Use the pages in a browser, into bench/results/portal.json
	sh scripts/ipfs_node.sh .tools
	CHART_SECONDS=60 PATH="$(CURDIR)/node_modules/.bin:$$PATH" $(PYTEST) -p no:pytest-brownie tests/integration/portal

test-integration: setup-dev need-data ## Run whole paths over Ganache and a real IPFS node
	@mkdir -p reports
	sh scripts/ipfs_node.sh .tools
	PATH="$(CURDIR)/node_modules/.bin:$$PATH" $(PYTEST) -p no:pytest-brownie --junitxml=reports/integration.xml \
		tests/integration

check: setup-dev ## Format, lint, types, fresh artifacts, fast tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m scripts.foundry fmt --check contracts
	node_modules/.bin/solhint --noPoster --disc -c contracts/.solhint.json --max-warnings 0 'contracts/{*,interfaces/*,libraries/*,types/*}.sol'
	$(BIN)/python -m scripts.build_artifacts --check
	$(BIN)/python -m scripts.build_portal --check
	node_modules/.bin/tsc -p oracle/serve/portal/web
	@$(MAKE) test-oracle

# -- what is generated ---------------------------------------------------------

format: setup-dev ## Format, and mend what the linter can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/python -m scripts.foundry fmt contracts

artifacts: setup-dev ## Compile contracts/ and build the portal's pages into oracle/artifacts/
	$(BIN)/python -m scripts.build_artifacts
	$(BIN)/python -m scripts.build_portal

models: need-data setup-dev ## Train the shipped models (MEDTWIN_DATA names the folder of data sets)
	for kind in $(LEARNED); do $(BIN)/medtwin train $$kind --data "$(MEDTWIN_DATA)" --out oracle/artifacts/models || exit 1; done

evaluate: setup ## Judge the shipped models on the data sets in MEDTWIN_DATA
	@for kind in $(filter-out pulse,$(LEARNED)); do echo "$$kind"; $(BIN)/medtwin evaluate $$kind --data "$(MEDTWIN_DATA)" || exit 1; done

need-data: setup # says itself where else to get it, and where to put it; tests of a set that is not there are left out, and told
	@test -f "$(MEDTWIN_DATA)/icu2012/set-a.csv.xz" || $(BIN)/medtwin data get icu2012
	@for set in machine_temperature waveforms; do \
		test -d "$(MEDTWIN_DATA)/$$set" || $(BIN)/medtwin data get $$set || echo "go on without $$set"; done

bench: setup-dev ## Measure gas and speed beside the peers
	PATH="$(CURDIR)/node_modules/.bin:$$PATH" $(BIN)/python -m bench

bench-gas: setup-dev ## Measure gas alone, into bench/results/gas.json
	PATH="$(CURDIR)/node_modules/.bin:$$PATH" $(BIN)/python -m bench.operations

gas-trace: setup-dev ## Take the gas of operations above their figures apart, into docs/gas.md
	$(BIN)/python -m bench.gas_trace

bench-models: setup-dev ## Measure speed and memory of the models, into bench/results/models.json
	OMP_NUM_THREADS=1 $(BIN)/python -m bench.models

custody: setup-dev ## Kill custodians while consents change and everybody asks (N=200)
	$(BIN)/python -m bench.custody $(or $(N),200)

load: setup-dev ## Measure what three custodians bear, into bench/results/load.json (N=100000)
	$(BIN)/python -m bench.load $(or $(N),100000)

bench-objects: setup-dev ## Measure memory and speed of large objects over IPFS, into bench/results/objects.json (MIB=256)
	sh scripts/ipfs_node.sh .tools
	$(BIN)/python -m bench.objects $(or $(MIB),256)

bench-lock: setup-dev ## Race revocations on the embedded chain, Ganache and anvil (N=200 on each)
	PATH="$(CURDIR)/node_modules/.bin:$$PATH" $(BIN)/python -m bench.lock $(or $(N),200)

faults: setup-dev ## Report while everything breaks and a node lies, into bench/results/faults.json (N=1000)
	sh scripts/ipfs_node.sh .tools
	OMP_NUM_THREADS=1 $(BIN)/python -m bench.faults $(or $(N),1000)

day: setup-dev need-services ## A million readings of 200 devices from broker to reports, into bench/results/day.json
	sh scripts/ipfs_node.sh .tools
	OMP_NUM_THREADS=1 $(BIN)/python -m bench.day

simulate: setup-dev ## Play nodes, custodians and devices under simulated bad luck (SEEDS=1000)
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.simulation $(or $(SEEDS),1000)

soak: setup-dev ## The same for long (SEEDS=500000), more than a year of simulated time
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.simulation $(or $(SEEDS),500000)

clean: ## Remove what make made, the environment included
	rm -rf .venv .tools build reports *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.*
	@if [ -L node_modules ]; then rm node_modules; else rm -rf node_modules; fi
	find oracle scripts tests -name __pycache__ -type d -prune -exec rm -rf {} +

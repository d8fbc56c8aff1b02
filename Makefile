# Two commands do all set-up: `make demo` and `make test`. `make help` lists the rest.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
IS_ROOT := $(filter 0,$(shell id -u))
# Tests wait for much of their time: three at a time keep two processors busy.
PROCESSES ?= 3
# The tests of a file stay together, for some share a run of a playbook; the files with such runs come first.
IN_PARALLEL := --numprocesses $(PROCESSES) --dist loadfile --no-loadscope-reorder
LABS_IN_PARALLEL := --numprocesses $(PROCESSES) --dist loadscope --no-loadscope-reorder
IMAGE ?= registry-docker-updater
IMAGE_BUILDER ?= $(firstword $(foreach program,buildah podman docker,$(shell command -v $(program))))
# OCI's own format has no health checks.
IMAGE_FORMAT = $(if $(filter %docker,$(firstword $(IMAGE_BUILDER))),,--format docker)
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help setup lab-setup demo demo-down run image test test-extended test-fast lint lock format docs benchmark coverage sanity pictures dist clean

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

setup: $(READY) ## Make .venv with everything needed, the collection included

$(READY): pyproject.toml constraints.txt Makefile
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed, this is " + sys.version) if sys.version_info < (3, 11) else None'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || $(if $(IS_ROOT),(apt-get update -qq && apt-get install -y -qq python3-venv),(echo "python3-venv is missing: install it"; exit 1))
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[test,lint,docs]'
	@# pip copied the collection; a checkout is worked on, so it is linked instead.
	@collections=$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/ansible_collections/registry; \
	  mkdir -p $$collections && rm -rf $$collections/docker_updater && ln -s $(CURDIR) $$collections/docker_updater
	@touch $(READY)

lab-setup: $(READY)
	$(if $(IS_ROOT),@PYTHONPATH=tests $(BIN)/python -m lab setup --roots,@echo "not root: tests that need the lab are skipped")

demo: $(READY) ## Play the main job on real parts: a fleet, a push, the updates, the messages
	@$(if $(IS_ROOT),true,(echo "make demo needs root: it makes network namespaces and starts Docker engines"; exit 1))
	@PYTHONPATH=tests $(BIN)/python -m lab setup --roots
	@PYTHONPATH=tests $(BIN)/python -m demo up

demo-down: $(READY) ## Remove everything that the demo made
	@PYTHONPATH=tests $(BIN)/python -m demo down

run: $(READY) ## Run the operator on the local engine, without a lab
	@$(BIN)/registry-docker-updater --local serve

image: ## Build the container image $IMAGE with buildah, podman or docker, whichever there is, and $IMAGE_ARGUMENTS
	@$(if $(IMAGE_BUILDER),true,(echo "nothing to build an image with: install buildah, podman or docker"; exit 1))
	$(IMAGE_BUILDER) build $(IMAGE_FORMAT) $(IMAGE_ARGUMENTS) --file Containerfile --tag $(IMAGE) .

test: lab-setup ## Run every test: unit, integration, lab
	$(BIN)/pytest -m 'not lab and not extended' $(IN_PARALLEL) $(PYTEST_ARGUMENTS)
	$(BIN)/pytest -m 'lab and not extended' $(LABS_IN_PARALLEL) $(PYTEST_ARGUMENTS)

test-extended: lab-setup ## Run the tests that take longer too: more engines, more that goes wrong
	$(BIN)/pytest -m 'not lab' $(IN_PARALLEL) $(PYTEST_ARGUMENTS)
	$(BIN)/pytest -m lab $(LABS_IN_PARALLEL) $(PYTEST_ARGUMENTS)

test-fast: $(READY) ## Run the tests that need no lab and are quick, three at a time
	$(BIN)/pytest -m 'not lab and not extended and not slow' $(IN_PARALLEL) $(PYTEST_ARGUMENTS)

benchmark: lab-setup ## Measure updates beside simpler tools, events, the trail, planning in a fleet of 200,000 targets, and the downtime of a container
	@PYTHONPATH=tests $(BIN)/python benchmarks/updates.py --write docs/performance.md
	@PYTHONPATH=tests $(BIN)/python benchmarks/door.py --write docs/performance.md
	@PYTHONPATH=tests $(BIN)/python benchmarks/trail.py --write docs/performance.md
	@PYTHONPATH=tests $(BIN)/python benchmarks/seen.py --write docs/performance.md
	@PYTHONPATH=tests $(BIN)/python benchmarks/planning.py
	@PYTHONPATH=tests $(BIN)/python benchmarks/container_downtime.py

pictures: lab-setup ## Take the pictures of pages and messages that the docs show
	@command -v npm >/dev/null || $(if $(IS_ROOT),(apt-get update -qq && apt-get install -y -qq --no-install-recommends npm),(echo "npm is missing: install it"; exit 1))
	@PYTHONPATH=operator:tests $(BIN)/python -m browser.pictures docs/pictures
	@PYTHONPATH=operator:tests $(BIN)/python -m browser.messages docs/pictures

dist: $(READY) ## Build wheel, sdist and collection of the last commit in dist/, with check sums
	@$(BIN)/python tools/dist.py

coverage: $(READY) ## See that every branch of what decides, in the core and in the plugins, is tested
	$(BIN)/coverage run -m pytest tests/unit --quiet
	$(BIN)/coverage report

lint: $(READY) ## Run every linter
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy operator plugins tests benchmarks deploy tools
	PYTHONPATH=operator $(BIN)/lint-imports
	$(BIN)/yamllint --strict .
	$(BIN)/ansible-lint --offline

sanity: $(READY) ## Run Ansible's own checks of the collection
	$(BIN)/python tests/sanity/run.py

lock: $(READY) ## Write which files the role operator installs, from pyproject.toml and constraints.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --constraint constraints.txt pyproject.toml --output-file roles/operator/files/requirements.txt

format: $(READY) ## Format the code
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

docs: $(READY) ## Build the docs site: build/site/index.html
	@rm -rf build/site
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going --conf-dir docs --doctree-dir build/doctrees . build/site

clean: ## Remove what setup made
	rm -rf .venv build dist .ansible .mypy_cache .pytest_cache .ruff_cache .coverage .hypothesis .import_linter_cache

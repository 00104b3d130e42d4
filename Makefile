# Two commands matter: make lab, make test. README.md shows the same without make.
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
export NO_PROXY := 127.0.0.1,localhost
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg
# Ansible's own temporary files and caches stay in the checkout too.
export ANSIBLE_HOME := $(CURDIR)/.ansible

.PHONY: help lab lab-up lab-down lab-reset lab-check test test-fast test-slow lint lint-python lint-ansible bench clean

help:
	@echo 'make lab        start the simulated hosts and run the migration on them'
	@echo 'make lab-check  the same as a prediction: --check --diff'
	@echo 'make lab-down   stop the simulated hosts        make lab-reset  make them bare again'
	@echo 'make test       set up and run every test       make test-fast  the ones for every edit'
	@echo 'make test-slow  long fuzzing                    make bench      speed and size as ratios'
	@echo 'make lint       ruff, mypy, ansible-lint, yamllint'
	@echo 'make clean      remove what the above have made'

$(BIN)/.lab: requirements/bootstrap.lock requirements/lab.lock tools/setup.sh pyproject.toml winlab/pyproject.toml
	@sh tools/setup.sh lab

$(BIN)/.test: requirements/bootstrap.lock requirements/test.lock tools/setup.sh pyproject.toml winlab/pyproject.toml
	@sh tools/setup.sh test

lab: lab-up
	@$(BIN)/ansible-playbook -i inventories/lab migrate.yml
	@$(BIN)/python tools/show_results.py runs/lab

lab-up: $(BIN)/.lab
	@$(BIN)/winlab up

lab-check: lab-up
	@$(BIN)/ansible-playbook -i inventories/lab migrate.yml --check --diff

lab-down:
	@if [ -x $(BIN)/winlab ]; then $(BIN)/winlab down; fi

lab-reset: $(BIN)/.lab
	@$(BIN)/winlab up
	@$(BIN)/winlab reset
	@rm -rf runs/lab

test: $(BIN)/.test lint
	@$(BIN)/pytest -n auto --dist loadfile -m 'package and not slow' --cov=mim2ecma --cov-branch --cov-report=json:.coverage.json
	@$(BIN)/python tools/check_coverage.py .coverage.json
	@$(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder -m 'not package and not slow'

test-fast: $(BIN)/.test
	@$(BIN)/pytest -n auto --dist loadfile -m 'not slow and not lab' -q

test-slow: $(BIN)/.test
	@$(BIN)/pytest -m slow

lint: $(BIN)/.test
	@$(MAKE) --no-print-directory -j2 --output-sync=target lint-python lint-ansible

lint-python: $(BIN)/.test
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

lint-ansible: $(BIN)/.test
	@$(BIN)/yamllint -s .
	@$(BIN)/ansible-lint --offline

bench: $(BIN)/.test
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python -P $$script || exit 1; done

clean: lab-down
	@rm -rf $(VENV) .winlab runs .ansible .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage*

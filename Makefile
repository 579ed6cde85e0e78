# Muster, in two commands: `make demo` shows it at work on this PC, `make test` proves it.
# Needs Python 3.11 or newer, git and make; everything else goes into .venv.

PYTHON ?= python3
OFFICE ?= 40
BENCH ?= agent receiving memory return_after_outage history
BIN := .venv/bin

.PHONY: help demo test lint fuzz accuracy bench torture scorecard windows installs format docs lock agent clean

help:            ## what can be made
	@grep -hE '^[a-z]+: .*##' Makefile | sed -E 's/^([a-z]+):.*## */  make \1\t/'

demo:            ## this PC and a simulated office of $(OFFICE), from facts to the month's report
	@$(PYTHON) requirements/install.py server
	@$(BIN)/muster demo --office $(OFFICE)

test:            ## lint, types and every test
	@$(PYTHON) requirements/install.py dev
	@$(MAKE) --no-print-directory lint
	@$(BIN)/pytest

lint:            ## ruff and mypy
	@$(PYTHON) requirements/install.py dev
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/mypy --no-error-summary

fuzz:            ## hostile PCs, looked for deeper than `make test` does: other examples every time, for half an hour
	@$(PYTHON) requirements/install.py dev
	@MUSTER_FUZZ=many $(BIN)/pytest tests/agent/hostile

accuracy:        ## what others recorded against our parsers: right, unknown, wrong, by topic
	@$(PYTHON) requirements/install.py dev
	@$(BIN)/python tests/accuracy/run.py $(ARGS)

bench:           ## what agent and server cost, beside peers or a floor: all, or BENCH=history ARGS="--pcs 10000 --days 365"
	@$(PYTHON) requirements/install.py dev
	@for one in $(BENCH); do echo "== $$one"; $(BIN)/python benchmarks/$$one.py $(ARGS) || failed=1; done; exit $${failed:-0}

torture:         ## kills, power cuts, full disks, cut lines, slow clients: each ends in a figure (Debian: strace; root)
	@$(PYTHON) requirements/install.py dev
	@$(BIN)/python tests/torture/run.py $(ARGS)

scorecard:       ## the 32 figures of trust, faults and load, each beside its target (about an hour)
	@$(PYTHON) requirements/install.py dev
	@$(BIN)/python tests/scorecard/run.py --write $(ARGS)

windows:         ## the agent on a real Python for Windows, under wine (Debian: wine wine64 gcc-mingw-w64-x86-64)
	@$(PYTHON) requirements/install.py dev
	@rm -rf build/windows && mkdir -p build
	@MUSTER_WINDOWS_PYTHON=$$($(BIN)/python tests/agent/local/windows/bed.py build/windows) $(BIN)/pytest -q tests/agent/local/windows

installs:        ## the packages in a booted system and under wine (Debian: systemd-container wine; root)
	@$(PYTHON) requirements/install.py dev
	@MUSTER_LONG=1 $(BIN)/pytest -q tests/server/packaging/test_systemd.py tests/server/packaging/test_windows_under_wine.py

format:          ## put the code into its one form
	@$(PYTHON) requirements/install.py dev
	@$(BIN)/ruff check --quiet --fix .
	@$(BIN)/ruff format --quiet .

docs:            ## write the generated parts of docs/ anew
	@$(PYTHON) requirements/install.py dev
	@$(BIN)/python -m muster_server.judge.reference docs
	@$(BIN)/python -m muster_server.web.openapi docs

lock:            ## renew requirements/*.txt from pyproject.toml (needs uv)
	@uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header --no-emit-index-url \
	    --extra server --group build pyproject.toml -o requirements/server.txt
	@uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header --no-emit-index-url \
	    --extra server --group dev pyproject.toml -o requirements/dev.txt

agent:           ## the agent in one file, dist/muster-agent.pyz, for any PC with Python 3.7 or newer
	@mkdir -p dist build
	@rm -rf build/agent && cp -R agent build/agent && find build/agent -name __pycache__ -prune -exec rm -rf {} +
	@$(PYTHON) -m zipapp build/agent --compress --python "/usr/bin/env python3" --output dist/muster-agent.pyz
	@rm -rf build && echo dist/muster-agent.pyz

clean:           ## remove the environment and what the demo left
	rm -rf .venv demo-data dist build

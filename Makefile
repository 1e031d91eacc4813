# The common commands. `make run` is the way in; `make help` lists the rest.
# On a machine with python3 (3.11 or later, with venv), make and a C compiler, nothing else is needed:
# the first target that needs it prepares .venv from requirements.lock, once.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.made-from-lock
ON = $(filter-out 0 no false,$(1))

# What `make run` understands, e.g. `make run FOR=90 TAPE=../shared/data SPEED=30 SEED=1 FRESH=1`.
RUN_OPTIONS = $(if $(FOR),--for "$(FOR)") $(if $(TAPE),--tape "$(TAPE)") \
  $(if $(SPEED),--speed "$(SPEED)") $(if $(SEED),--seed "$(SEED)") $(if $(CONFIG),--config "$(CONFIG)") \
  $(if $(call ON,$(FRESH)),--fresh) $(if $(call ON,$(DETACH)),--detach) $(STATE_OPTION)
STATE_OPTION = $(if $(STATE),--state "$(STATE)")
SEEDS ?= 300

.DEFAULT_GOAL := help
.PHONY: help venv run stop status update try test check bench evidence simulate nemesis soak lock

help:
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 18

venv: $(READY)  ## prepare .venv from requirements.lock

$(READY): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "midstride needs Python 3.11 or later; $$($(PYTHON) --version 2>&1 || echo '$(PYTHON) is not here')." >&2; \
	  echo "Install one and name it: make $(MAKECMDGOALS) PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "This Python has no venv module. On Debian or Ubuntu: apt install python3-venv" >&2; exit 1; }
	@echo "preparing $(VENV) from requirements.lock (once; a few minutes) ..." >&2
	@$(PYTHON) -m venv $(VENV)
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	@$(PY) -m pip check --disable-pip-version-check >&2
	@touch $@

run: $(READY)  ## sixteen slots trade the sandbox exchange (FOR= TAPE= SPEED= SEED= FRESH=1 DETACH=1)
	@$(PY) -m cluster run $(RUN_OPTIONS)

stop: $(READY)  ## end the fleet that `make run DETACH=1` left up
	@$(PY) -m cluster stop $(STATE_OPTION)

status: $(READY)  ## one page about the running fleet
	@$(PY) -m cluster status $(STATE_OPTION)

update: $(READY)  ## roll this tree's code into the running fleet, slot by slot (YES=1 for scripts)
	@$(PY) -m cluster update $(if $(call ON,$(YES)),--yes) $(STATE_OPTION) $(UPDATE)

try: $(READY)  ## run one signal over a tape in seconds (SIGNAL=name TAPE=folder)
	@$(PY) -m cluster try $(if $(SIGNAL),--signal "$(SIGNAL)") $(if $(TAPE),--tape "$(TAPE)") $(TRY)

test: $(READY)  ## all tests
	$(PY) -m pytest -q -n 2 --dist loadgroup

check: $(READY)  ## lint, format, types, layers, house rules
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports
	$(PY) -m pytest -q tests/tidy

bench: $(READY)  ## measurements, printed with machine, commit and load
	$(PY) -m pytest -q -s -m bench tests/bench $(BENCH)

evidence: $(READY)  ## forged approvals refused; the detectors' false alarms and delays; with seeds
	$(PY) -m tests.bench.detectors $(EVIDENCE)

simulate: $(READY)  ## the whole fleet in one thread from seeds (SEEDS=10000)
	$(PY) -m tests.simulation --seeds $(SEEDS)

nemesis: $(READY)  ## faults at every step of a handoff, bad releases, drivers that die, on real Ray
	$(PY) -m tests.nemesis $(NEMESIS)
	$(PY) -m pytest -q -s -m nemesis tests

soak: $(READY)  ## rolls back to back for hours
	$(PY) -m pytest -q -s -m soak tests $(SOAK)

lock: $(READY)  ## resolve pyproject.toml into requirements.lock again (needs uv on the path)
	uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-annotate --no-header -q -o $(VENV)/lock
	{ echo '# Made by `make lock` from pyproject.toml; do not edit. Valid for Python 3.11 and later.'; \
	  cat $(VENV)/lock; } > requirements.lock

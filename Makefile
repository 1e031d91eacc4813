# The common commands. `make run` is the way in; `make help` lists the rest.
# On a machine with python3 (3.11 or later, with venv), make and a C compiler, nothing else is needed:
# the first target that needs it prepares .venv from requirements.lock, once.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
CLUSTER := $(PY) -E -s -X utf8 -m cluster
# What asks or ends a fleet takes the environment that is there: it installs nothing, asks no network.
THERE = @[ -x $(PY) ] || { echo "nothing is prepared here yet: make run (or ./midstride run) prepares it" >&2; exit 1; }
ON = $(filter-out 0 no false,$(1))

# What `make run` understands, e.g. `make run FOR=90 TAPE=../shared/data SPEED=30 SEED=1 FRESH=1`.
RUN_OPTIONS = $(if $(MODE),--mode "$(MODE)") $(if $(call ON,$(STANDINS)),--stand-ins) $(if $(FOR),--for "$(FOR)") $(if $(TAPE),--tape "$(TAPE)") \
  $(if $(SPEED),--speed "$(SPEED)") $(if $(CONFIRM),--confirm "$(CONFIRM)") $(if $(SEED),--seed "$(SEED)") $(if $(CONFIG),--config "$(CONFIG)") \
  $(if $(call ON,$(FRESH)),--fresh) $(if $(call ON,$(DETACH)),--detach) $(if $(CONSOLE),$(if $(call ON,$(CONSOLE)),--console,--no-console)) $(STATE_OPTION)
STATE_OPTION = $(if $(STATE),--state "$(STATE)")
SEEDS ?= 300

.DEFAULT_GOAL := help
.PHONY: help venv dev run stop status update try test check bench evidence simulate mutate nemesis soak package-check lock

help:
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 22

venv:  ## prepare .venv from requirements.lock
	@.ci/venv "$(PYTHON)"

dev:  ## and what tests and checks need, from requirements-dev.lock
	@.ci/venv "$(PYTHON)" dev

run: venv  ## sixteen slots trade the sandbox exchange (FOR= TAPE= SPEED= SEED= FRESH=1 DETACH=1; MODE=paper STANDINS=1; MODE=live CONFIRM=)
	@$(CLUSTER) run $(RUN_OPTIONS) $(RUN)

stop:  ## end the fleet that `make run DETACH=1` left up
	$(THERE)
	@$(CLUSTER) stop $(STATE_OPTION)

status:  ## one page about the running fleet
	$(THERE)
	@$(CLUSTER) status $(STATE_OPTION)

update:  ## roll this tree's code into the running fleet, slot by slot (YES=1 for scripts)
	$(THERE)
	@$(CLUSTER) update $(if $(call ON,$(YES)),--yes) $(STATE_OPTION) $(UPDATE)

try: venv  ## run one signal over a tape in seconds (SIGNAL=name TAPE=folder)
	@$(CLUSTER) try $(if $(SIGNAL),--signal "$(SIGNAL)") $(if $(TAPE),--tape "$(TAPE)") $(TRY)

test: dev  ## all tests
	$(PY) -m pytest -q -n 2 --dist loadgroup

check: dev  ## lint, format, types, layers, house rules
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) -c 'from importlinter.cli import lint_imports_command; lint_imports_command()'
	$(PY) -m pytest -q tests/tidy

bench: dev  ## measurements, printed with machine, commit and load
	$(PY) -m pytest -q -s -m bench tests/bench $(BENCH)

evidence: dev  ## forged approvals refused; the detectors' false alarms and delays; with seeds
	$(PY) -m tests.bench.detectors $(EVIDENCE)

simulate: dev  ## the whole fleet in one thread from seeds (SEEDS=10000)
	$(PY) -m tests.simulation --seeds $(SEEDS)

mutate: dev  ## which small faults of the pure code do its tests miss (MUTATE="slot --each 20")
	$(PY) -m tests.mutation $(MUTATE)

nemesis: dev  ## faults at every step of a handoff, bad releases, drivers that die, on real Ray
	$(PY) -m tests.nemesis $(NEMESIS)
	$(PY) -m pytest -q -s -m nemesis tests

soak: dev  ## rolls back to back for hours, a day on paper, two hours of live mode
	$(PY) -m pytest -q -s -m soak tests $(SOAK)

package-check: dev  ## units, files of a server and the container recipe: what can be verified here
	$(PY) -m tests.package_check

lock:  ## resolve pyproject.toml into both locks again (needs uv on the path)
	@.ci/lock

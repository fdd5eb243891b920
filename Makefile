# The targets that a person types; `make help` lists them. Each sets up all that it lacks.
.DEFAULT_GOAL := help
# What is marked `alone`, and all scenarios, have the machine to themselves.
SIDE_BY_SIDE := -n 2 --dist loadfile
.PHONY: help setup verify test fast lint scenarios catalogue strategies ways by-hand follower swarm edge faults bench compare-swaps benchmark soak control-arm clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

setup: ## virtual environment, engine, base image: what is missing of them
	@scripts/setup

verify: setup ## swap the sample website under load and print the verdict
	@.venv/bin/harness verify

test: setup lint ## lint, types, import contract, fast tests, those with a browser and an engine, some scenarios
	@scripts/setup browser
	@scripts/setup compose
	@.venv/bin/pytest tests $(SIDE_BY_SIDE) -m 'not (engine or alone)'
	@.venv/bin/pytest tests -m 'alone and not engine'
	@.venv/bin/pytest tests $(SIDE_BY_SIDE) -m 'engine and not alone'
	@.venv/bin/pytest tests -m 'engine and alone'
	@.venv/bin/pytest scenarios -m 'chosen or not (faults or catalogue or strategies or ways or by_hand or follower or swarm or edge)'

fast: ## lint and the tests that need no engine
	@scripts/setup python
	@$(MAKE) --no-print-directory lint
	@.venv/bin/pytest tests $(SIDE_BY_SIDE) -m 'not (engine or browser or alone)'
	@.venv/bin/pytest tests -m 'alone and not engine'

lint:
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check
	@.venv/bin/mypy
	@.venv/bin/lint-imports

scenarios: setup ## what this project proves, on the real stack: three swaps, then the catalogue
	@.venv/bin/pytest scenarios -m 'not (faults or strategies or ways or by_hand or follower or swarm or edge)'

strategies: setup ## twenty swaps of each strategy that claims to drop nothing, in some half an hour
	@.venv/bin/pytest scenarios -m strategies

ways: setup ## each way to bring a target, from the built wheel in an empty folder
	@scripts/setup ways
	@.venv/bin/pytest scenarios -m ways

by-hand: setup ## the post's own commands in twenty rounds, typed while the gate watches, in some six minutes
	@scripts/setup compose
	@.venv/bin/pytest scenarios -m by_hand

follower: setup ## the follower under load, through its own death, reloads, lost events and a storm
	@.venv/bin/pytest scenarios -m follower

swarm: setup ## the sample website as a Swarm stack: ten updates, ten rollbacks, ten refused releases
	@.venv/bin/pytest scenarios -m swarm

edge: setup ## HAProxy, NGINX and Redis replaced ten times each, and what loses requests by it
	@.venv/bin/pytest scenarios -m edge

faults: setup ## disturbances of known kind and length, each to be found, dated and attributed
	@.venv/bin/pytest scenarios -m faults

catalogue: setup ## each known way to drop a request beside what avoids it, and each strategy that claims safety
	@.venv/bin/pytest scenarios -m catalogue

bench: setup ## balancing algorithms compared on the real HAProxy, in some six minutes
	@.venv/bin/harness bench

compare-swaps: setup ## swap strategies side by side, in some twenty minutes
	@.venv/bin/harness compare-swaps

benchmark: setup ## the sending child beside other load generators, in some four minutes
	@scripts/setup benchmark
	@.venv/bin/python benchmarks/traffic.py

soak: setup ## thirty clean runs: how many of them are judged anything but pass
	@.venv/bin/python benchmarks/soak.py

control-arm: setup ## an algorithm against itself, twenty times: how often a difference is shown
	@.venv/bin/python benchmarks/control_arm.py

clean: setup ## remove what dead runs left on the engine
	@.venv/bin/harness clean

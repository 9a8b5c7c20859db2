# Each target is one plain "python -m svd_tracker …" line, which also works where there is no make.
PYTHON ?= python3

.PHONY: help demo test check setup lock deep coverage benchmarks

help: ## List what can be made
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*##/ -/'

demo: ## Install, load the demonstration year and start it
	$(PYTHON) -m svd_tracker demo

test: ## Install what the tests need and run them all
	$(PYTHON) -m svd_tracker test

deep: ## Run the long random histories
	$(PYTHON) -m svd_tracker test -m deep

coverage: ## Run all but the browser's tests once more and say which lines none of them reaches
	$(PYTHON) -m svd_tracker test -n 2 -m "not deep and not browser" --cov --cov-report=term:skip-covered

check: ## Style, types and import rules
	$(PYTHON) -m svd_tracker check

setup: ## Install what the application needs
	$(PYTHON) -m svd_tracker setup

lock: ## Write the lock files anew
	$(PYTHON) -m svd_tracker lock

benchmarks: ## Time returns, ledger files and pages, each against a floor
	$(PYTHON) -m svd_tracker benchmark

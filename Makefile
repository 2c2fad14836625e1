# Every target does its own set-up: a Rust toolchain, CPython 3.8-3.13 with venv, make and gcc are all it needs.
# What is up to date is not made again. All that is made lies in build/ and target/.
PYTHON ?= python3
VENV ?= .venv
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-rust test-python test-pythons lint lint-rust lint-python lint-house bench publish instructions w3c conformance surface docs develop wheel faults instructions-dev stress fuzz asan memcheck outage check-tools

# The tests that run on every Python, not only on the main one.
CORE_TESTS := $(wildcard $(addprefix tests/python/,api baggage propagation sdk))
# The environment of the whole suite and of lint's stubtest.
MAIN_ENV := scripts/python-env.sh $(PYTHON) tests/requirements-full.txt
# The environment of the reference's suites, which need CPython 3.10 or newer.
CONFORMANCE_ENV := scripts/python-env.sh $(PYTHON) tests/requirements-conformance.txt
# The binding needs an interpreter around it: the Python tests exercise it.
RUST_CRATES := --workspace --exclude ferrotel-python

help:
	@echo "make demo      two services, and a terminal that shows their traces, metrics and logs"
	@echo "make develop   .venv with ferrotel built in place, for working on it"
	@echo "make test      Rust tests, all Python tests on $(PYTHON), the core tests on every other Python found"
	@echo "make lint      formatters, linters, types, licences, one-way imports"
	@echo "make wheel     an optimised wheel in dist/"
	@echo "make bench     ferrotel beside the official SDKs, same machine, same moment"
	@echo "make publish   the README's figures and plots, from what make bench measured"
	@echo "make instructions  a span's instructions against the recorded ones (needs valgrind); instructions-dev: part of make test"
	@echo "make docs      rustdoc of the engine, docs/environment.md, docs/compliance.md"
	@echo "make conformance  the reference's own test suites, on ferrotel"
	@echo "make faults    forks, ends, bad collectors, overload: what is lost, beside the official packages"
	@echo "make stress    threads, signals, finalizers and leaks for half an hour; ThreadSanitizer where there is a nightly Rust"
	@echo "make fuzz      hostile input for minutes; FUZZ_SECONDS for each target (60)"
	@echo "make asan      the tests under AddressSanitizer (needs a nightly toolchain)"
	@echo "make memcheck  the hot path, forks and ends under Valgrind"
	@echo "make outage    an hour without a collector, on disk and delivered afterwards (minutes)"
	@echo "make surface   every public name of the reference, looked up on ferrotel"
	@echo "make w3c W3C_TRACE_CONTEXT=<checkout of w3c/trace-context>"
	@echo "PYTHON=/path/to/python chooses the interpreter (now: $(PYTHON))"

check-tools:
	@scripts/check-tools.sh $(PYTHON)

# maturin, ruff and mypy, apart from what the tests import.
build/tools/.stamp: scripts/requirements.txt | check-tools
	@echo "ferrotel: setting up build/tools from $<"
	@rm -rf build/tools
	@$(PYTHON) -m venv build/tools
	@build/tools/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

demo: build/tools/.stamp
	@python=$$(scripts/python-env.sh $(PYTHON) examples/requirements.txt) && exec $$python examples/demo.py

# pytest on the main Python and the core tests on the others wait more than they work: side by side where what they share can be
# locked. All of it runs, whatever fails.
SIDE_BY_SIDE := $(if $(shell command -v flock),-j2 $(if $(filter output-sync,$(.FEATURES)),--output-sync=target))
test:
	@failed=; \
	    $(MAKE) --no-print-directory test-rust || failed=1; \
	    echo "ferrotel: pytest on every Python, which takes a quarter of an hour and tells when it is over" >&2; \
	    $(MAKE) --no-print-directory --keep-going $(SIDE_BY_SIDE) test-python test-pythons || failed=1; \
	    $(MAKE) --no-print-directory conformance || failed=1; \
	    test -z "$$failed"

test-rust: | check-tools
	@scripts/step.sh "cargo test" scripts/cargo-test.sh $(RUST_CRATES)

test-python: build/tools/.stamp
	@scripts/step.sh "wheel for $(PYTHON)" $(MAIN_ENV)
	@failed=; scripts/step.sh "instructions of a span" $(MAKE) --no-print-directory instructions-dev || failed=1; \
	    scripts/step.sh "pytest on $(PYTHON)" $$($(MAIN_ENV)) -m pytest -q $(PYTEST_ARGS) || failed=1; test -z "$$failed"

test-pythons: build/tools/.stamp
	@failed=; for python in $$(scripts/pythons.sh $$($(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')); do \
	    scripts/step.sh "wheel for $$python" scripts/python-env.sh $$python tests/requirements.txt && \
	    scripts/step.sh "core tests on $$python" $$(scripts/python-env.sh $$python tests/requirements.txt) -m pytest -q -m "not slow" $(CORE_TESTS) || \
	    failed=1; \
	done; test -z "$$failed"

lint: lint-rust lint-house lint-python

lint-rust: | check-tools
	@scripts/step.sh "cargo fmt" cargo fmt --all --check
	@scripts/step.sh "cargo clippy" cargo clippy --quiet --locked --workspace --all-targets -- -D warnings

lint-house: | check-tools
	@scripts/step.sh "licences" $(PYTHON) scripts/licenses.py
	@scripts/step.sh "one-way imports" $(PYTHON) scripts/arrows.py
	@scripts/step.sh "docs/environment.md" $(PYTHON) scripts/environment.py --check
	@scripts/step.sh "docs/compliance.md" $(PYTHON) scripts/compliance.py --check
	@scripts/step.sh "docs/unsafe.md" $(PYTHON) scripts/unsafe.py --check
	@scripts/step.sh "published figures" $(PYTHON) benches/publish.py --check

lint-python: build/tools/.stamp
	@scripts/step.sh "ruff format" build/tools/bin/ruff format --check .
	@scripts/step.sh "ruff check" build/tools/bin/ruff check .
	@scripts/step.sh "mypy" build/tools/bin/mypy --no-error-summary python
	@scripts/step.sh "wheel for $(PYTHON)" $(MAIN_ENV)
	@scripts/step.sh "stubtest" scripts/stubtest.sh $$($(MAIN_ENV))

wheel: build/tools/.stamp
	@scripts/step.sh "release wheel" build/tools/bin/maturin build --quiet --locked --release --interpreter $(PYTHON) --out dist
	@ls dist/*.whl

develop: build/tools/.stamp
	@test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r scripts/requirements.txt -r tests/requirements-full.txt
	@VIRTUAL_ENV=$(abspath $(VENV)) build/tools/bin/maturin develop --quiet --locked --profile dev
	@echo "ferrotel: ready, for example: $(VENV)/bin/pytest tests/python/api"

bench: build/tools/.stamp
	@python=$$(scripts/python-env.sh $(PYTHON) - release) && \
	    $$python benches/run.py --python $(PYTHON) --ferrotel-python $(CURDIR)/$$python $(BENCH_ARGS) && \
	    $$python benches/startup.py --python $(PYTHON) --ferrotel-python $(CURDIR)/$$python $(BENCH_STARTUP_ARGS) && \
	    $$python benches/memory.py --python $(PYTHON) --ferrotel-python $(CURDIR)/$$python $(BENCH_MEMORY_ARGS) && \
	    $$python benches/series.py --python $(PYTHON) --ferrotel-python $(CURDIR)/$$python
	@python=$$(scripts/python-env.sh $(PYTHON) benches/web.txt release) && \
	    $$python benches/web.py --python $(PYTHON) --ferrotel-python $(CURDIR)/$$python $(BENCH_WEB_ARGS)
	@python=$$(scripts/python-env.sh $(PYTHON) - release) && \
	    exec $$python benches/pipeline.py --python $(PYTHON) --ferrotel-python $(CURDIR)/$$python $(BENCH_PIPELINE_ARGS)

# The README's figures and docs/plots, from what `make bench` left in benches/results.
publish: | check-tools
	@$(PYTHON) benches/publish.py $(PUBLISH_ARGS)

# With the wheel that the tests have anyway; half a minute.
instructions-dev: build/tools/.stamp
	@python=$$($(MAIN_ENV)) && \
	    exec $(PYTHON) benches/instructions.py --profile dev --ferrotel-python $(CURDIR)/$$python $(if $(RECORD),--record)

# The build takes minutes: not part of `make test`, which counts the instructions of the dev profile.
instructions: build/tools/.stamp
	@python=$$(scripts/python-env.sh $(PYTHON) - quick) && \
	    exec $(PYTHON) benches/instructions.py --ferrotel-python $(CURDIR)/$$python $(if $(RECORD),--record)

w3c: build/tools/.stamp
	@python=$$(scripts/python-env.sh $(PYTHON) -) && exec $$python tests/w3c/run.py "$(W3C_TRACE_CONTEXT)"

conformance: build/tools/.stamp
	@scripts/step.sh "wheel for the reference's suites" $(CONFORMANCE_ENV)
	@PYTHONPATH=tests scripts/step.sh "the reference's suites" $$($(CONFORMANCE_ENV)) -m conformance $(CONFORMANCE_ARGS)

# The whole harness takes half an hour; `make test` runs its quick cases. FAULTS_ARGS='--only fork' chooses, and
# FAULTS_PROFILE=release has the wheel built as it is shipped.
FAULTS_PROFILE := quick
faults: build/tools/.stamp
	@python=$$(scripts/python-env.sh $(PYTHON) tests/requirements-faults.txt $(FAULTS_PROFILE)) && \
	    PYTHONPATH=tests exec $$python -m faults --base $(PYTHON) --profile $(FAULTS_PROFILE) --json build/faults/faults.json $(FAULTS_ARGS)

# `make test` runs each target, and the properties in Python, for a second.
FUZZ_SECONDS ?= 60
FUZZ_EXAMPLES ?= 3000
HOSTILE := $(addprefix tests/python/,propagation/test_header_injection.py sdk/test_hostile_values.py \
    sdk/environment_variables/test_hostile_environment.py)

fuzz: build/tools/.stamp
	@scripts/step.sh "libFuzzer" scripts/fuzz.sh $(FUZZ_SECONDS) $(FUZZ_TARGETS)
	@python=$$($(MAIN_ENV)) && \
	    FERROTEL_FUZZ_EXAMPLES=$(FUZZ_EXAMPLES) scripts/step.sh "hypothesis" $$python -m pytest -q $(HOSTILE)

asan: build/tools/.stamp
	@scripts/step.sh "AddressSanitizer" scripts/asan.sh $(PYTHON)

memcheck: build/tools/.stamp
	@python=$$(scripts/python-env.sh $(PYTHON) -) && \
	    scripts/step.sh "memcheck" $(PYTHON) scripts/memcheck.py $$python -W ignore tests/memory/hot_path.py 1

outage: | check-tools
	@cargo test --quiet --locked --profile quick --package ferrotel-otlp --test transport -- --ignored --nocapture an_outage_of_an_hour

# The programs run on an optimised build: ten million spans. STRESS_ARGS='--only signals --seconds 60' chooses.
stress: build/tools/.stamp
	@scripts/step.sh "ThreadSanitizer" scripts/thread-sanitizer.sh
	@python=$$(scripts/python-env.sh $(PYTHON) - quick) && PYTHONPATH=tests exec $$python -m stress $(STRESS_ARGS)

surface: build/tools/.stamp
	@python=$$($(MAIN_ENV)) && exec $$python -m pytest -q tests/compat

docs: | check-tools
	@RUSTDOCFLAGS="-D warnings" cargo doc --quiet --locked --no-deps --package ferrotel --package ferrotel-otlp
	@$(PYTHON) scripts/environment.py
	@$(PYTHON) scripts/compliance.py
	@echo "ferrotel: target/doc/ferrotel/index.html, docs/environment.md and docs/compliance.md"

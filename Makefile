# The front door: `make run` shows the corpus, `make test` checks everything. `make help` lists the rest.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
NOTEBOOKS := $(sort $(wildcard notebooks/*.ipynb))

.DEFAULT_GOAL := help
.PHONY: help setup run test check stress notebooks lab bench lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

setup: $(READY) ## build .venv from the pinned, hash-checked lock (the other targets do it when needed)

# uv installs in seconds where pip takes most of a minute; pip, which every Python brings, fetches uv itself.
$(READY): requirements.lock requirements-uv.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "litbench needs Python 3.11 or newer; $(PYTHON) is older. Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "Setting up .venv (once) ..."
	@$(PYTHON) -m venv --clear .venv || \
	  { echo "Python's venv module is missing. On Debian or Ubuntu: apt install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock
	@VIRTUAL_ENV=.venv $(BIN)/uv pip sync --quiet --require-hashes --compile-bytecode requirements.lock
	@VIRTUAL_ENV=.venv $(BIN)/uv pip install --quiet --no-deps --no-build-isolation --compile-bytecode --editable .
	@$(BIN)/python -c "from litbench._matching import compile_loops; compile_loops()"
	@touch $@

run: $(READY) ## check the data, execute every notebook, write build/report and build/figures
	@$(BIN)/litbench check
	@$(BIN)/litbench report

test: $(READY) ## ruff, pytest, and nbval over all notebooks
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/python -m pytest -n 2 --dist loadscope tests
	$(BIN)/python -m pytest -n 2 --dist loadfile --nbval --nbval-sanitize-with tests/nbval_sanitize.cfg notebooks

check: $(READY) ## check references.bib and data/ only
	@$(BIN)/litbench check

stress: $(READY) ## kill a writer a thousand times; the files must be all old or all new each time
	@$(BIN)/python tests/stress.py

notebooks: $(READY) ## re-execute the notebooks in place, after the data or the package has changed
	@$(BIN)/litbench report --in-place
	@$(BIN)/python -c "import litbench as lb; lb.charts.evidence_gap_map(lb.load_corpus(), \
	  'policing', ('mechanism', 'harm', 'rights')).save('docs/evidence_gap_map')"

lab: $(READY) ## open JupyterLab with the start notebook
	$(BIN)/jupyter lab --ServerApp.root_dir=. notebooks/00_start_here.ipynb

bench: $(READY) ## measure the tagger against spaCy, Python's re and the bare engines, into the README; about five minutes
	@VIRTUAL_ENV=.venv $(BIN)/uv pip install --quiet --require-hashes -r requirements-bench.lock
	@$(BIN)/python benchmarks/tagging.py --readme README.md

lock: $(READY) ## renew the lock from pyproject.toml, to the newest versions that it allows
	$(BIN)/uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes --extra dev --no-emit-index-url \
	  --no-annotate --custom-compile-command "make lock" --output-file requirements.lock pyproject.toml
	$(BIN)/uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes --extra dev --extra bench \
	  --no-emit-index-url --no-annotate --custom-compile-command "make lock" --constraint requirements.lock \
	  --output-file requirements-bench.lock pyproject.toml
	$(BIN)/uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-annotate --custom-compile-command "make lock" --output-file requirements-uv.lock requirements-uv.in

clean: ## remove the environment and everything that was built
	rm -rf .venv build .pytest_cache .ruff_cache

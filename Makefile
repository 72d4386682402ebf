# make run   the benchmark on the built-in population, in an environment of its own; boards in boards/
# make recognisers FILES='dlib=a.npz faceplugin=b.npz'  boards of the same people by several recognisers, beside each other
# make test  the tests, in the same environment
# make mote  the tables and plots of MOTE's variants in boards/mote
# make docs  the documentation as a site, in site/
# make docs-figures  the figures in README and docs, made from the published boards
# make picture  the picture of the published board in README; needs Chromium
# make gate  fails when the built-in schemes leak more than in leaderboards/gate
# make dist  an sdist and a wheel in dist/
# make architecture  ARCHITECTURE.md's picture and table, from the imports
# make gate-baseline  makes leaderboards/gate anew, after a change that is meant to move its figures
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# The versions that the published boards were made with; `make test CONSTRAINTS=` takes the newest of everything.
CONSTRAINTS ?= -c constraints.txt
# A process of tests for each core, which takes a file at a time, or one test where it is marked `apart`, in the order of
# tests/conftest.py: the longest first.
SHARED_OUT ?= --numprocesses auto --dist loadgroup --no-loadscope-reorder
# What took longest: the place to begin where the tests take too long.
LONGEST := --durations=30 --durations-min=1

# Where this is set, each of hundreds of processes would compile the whole suite anew.
unexport PYTHONDONTWRITEBYTECODE

# What `make mote` measures on: a data set's name or an .npz file with `gender`.
DATA ?= synthetic

# What `make recognisers` measures on: files of the same people, each with its recogniser where its card doesn't say it.
FILES ?=
RECOGNISERS ?= --schemes all --attacks all --out boards/recognisers

CHROMIUM ?= chromium

.PHONY: env run mote recognisers test test-quick test-slow docs docs-figures picture coverage cover mutants scale fuzz fuzz-guided gate gate-baseline bench bench-runs dist architecture lint style types clean

env: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml setup.py constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[test]' $(CONSTRAINTS)
	rm -rf build *.egg-info  # a stale one here would hide the installed list of plug-ins
	touch $@

run: env
	$(BIN)/python -m mote_bench run --attacks all

mote: env
	$(BIN)/python -m mote_bench study frontier --data $(DATA)
	$(BIN)/python -m mote_bench study frontier --data $(DATA) --dimension 512 --variants cosine,solved,linear,features
	$(BIN)/python -m mote_bench study balance --data $(DATA) --solved
	$(BIN)/python -m mote_bench study bound --data $(DATA)
	$(BIN)/python -m mote_bench study capacity --data $(DATA)

recognisers: env
	for one in $(FILES); do \
		case $$one in *=*) by="--recogniser $${one%%=*}" ;; *) by= ;; esac; \
		$(BIN)/python -m mote_bench run --data "$${one#*=}" $$by $(RECOGNISERS) || exit; \
	done

# The types are checked beside the tests: alone, mypy would leave all cores but one idle.
test: env style
	$(MAKE) --no-print-directory --jobs 2 types test-quick

test-quick: env
	$(BIN)/python -m pytest $(SHARED_OUT) $(LONGEST) -m "not slow and not hour"

test-slow: env
	$(BIN)/python -m pytest $(SHARED_OUT) $(LONGEST) -m slow

docs: env
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build

docs-figures: env
	$(BIN)/cog -r -P -I docs -p "import figures" README.md docs/*.md

picture: env
	$(BIN)/python docs/picture.py $(CHROMIUM)

coverage: env
	PYTHONPATH=tests/unit/metrics $(BIN)/python tests/science/interval_coverage.py > docs/coverage.md

cover: env
	$(BIN)/python -m pytest $(SHARED_OUT) -m "not slow and not hour" --cov=mote_bench --cov-branch --cov-report=term:skip-covered

mutants: env
	$(BIN)/python tests/mutants.py

scale: env
	PYTHONPATH=tests:tests/science $(BIN)/python tests/benchmarks/scale.py memory
	PYTHONPATH=tests:tests/science $(BIN)/python tests/benchmarks/scale.py enrolment
	PYTHONPATH=tests:tests/science $(BIN)/python tests/benchmarks/scale.py growth
	PYTHONPATH=tests:tests/science $(BIN)/python tests/benchmarks/scale.py dask
	PYTHONPATH=tests:tests/science $(BIN)/python tests/benchmarks/scale.py pairs --people 20000

fuzz: env
	$(BIN)/python -m pytest -m hour -s

fuzz-guided: env
	$(BIN)/python -m pip install --quiet --editable '.[fuzz]' $(CONSTRAINTS) && rm -rf build *.egg-info
	PYTHONPATH=tests $(BIN)/python tests/fuzzing/guided.py 3600

gate: env
	$(BIN)/python -m mote_bench gate --baseline leaderboards/gate

gate-baseline: env
	rm -rf leaderboards/gate boards/gate
	$(BIN)/python -m mote_bench run --protocol quick-1 --schemes biohash,mote,pe-miu --out boards/gate --quiet
	$(BIN)/python -m mote_bench pack --out boards/gate --to leaderboards/gate

bench: env
	$(BIN)/python -m pytest tests/benchmarks --benchmark-only -s --benchmark-columns=min,median,rounds

bench-runs: env
	$(BIN)/python tests/benchmarks/whole_runs.py
	$(BIN)/python tests/benchmarks/whole_runs.py --data $(DATA) --schemes all

dist: env
	rm -rf dist
	$(BIN)/python -m build --no-isolation
	rm -rf build *.egg-info

architecture: env
	$(BIN)/python tools/architecture.py

lint: style types

style: env
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: env
	$(BIN)/mypy mote_bench attacks baselines tools

clean:
	rm -rf $(VENV) build dist *.egg-info

# Latent Explorer. Each target first sets up what it needs; see scripts/setup.sh.
#
#   make run [ARGS=FILE...]   the program           make lint         ruff and mypy
#   make test [ARGS=...]      the tests             make bench        the figures of benchmarks/
#   make test-all [ARGS=...]  the slow ones, too
#   make setup                only the set-up       make screenshots  the pictures in docs/images
#   make wild [ARGS=...]      how many checkpoints of strangers open right
#   make fuzz [ARGS=...]      20 000 damaged checkpoints: no crash, no hang, no file written

.PHONY: run test test-all setup lint format bench screenshots wild fuzz
.DEFAULT_GOAL := run
export PYTHON
BIN := .venv/bin

run:
	@scripts/setup.sh run
	@$(BIN)/python main.py $(ARGS)

test:
	@scripts/setup.sh test
	@scripts/test.sh $(ARGS)

test-all:
	@scripts/setup.sh test
	@scripts/test.sh --all $(ARGS)

setup:
	@scripts/setup.sh setup

lint:
	@scripts/setup.sh setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format:
	@scripts/setup.sh setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench:
	@scripts/setup.sh setup
	@$(BIN)/python main.py bench $(ARGS)

screenshots:
	@scripts/setup.sh setup
	scripts/xvfb.sh $(BIN)/python scripts/screenshots.py $(ARGS)

wild:
	@scripts/setup.sh setup
	@$(BIN)/python scripts/wild.py $(ARGS)

fuzz:
	@scripts/setup.sh setup
	@$(BIN)/python scripts/fuzz.py $(ARGS)

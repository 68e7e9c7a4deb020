# A thin front for tools/tasks.py, which says what each task does: `make` lists them.
# PYTHON names the interpreter to build with (3.11 to 3.13); ARGS is handed on, as in `make test ARGS="tests/quantity -x"`.
PYTHON ?= python3
ARGS ?=

.PHONY: help setup run test check format docs bench validate lock clean
help:
	@$(PYTHON) tools/tasks.py
setup run test check format docs bench validate lock clean:
	@$(PYTHON) tools/tasks.py $@ $(ARGS)

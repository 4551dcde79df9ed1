# Lành. Two commands matter: make demo, make test. Everything they need, they install.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
PORT ?= 8000
.DEFAULT_GOAL := help
PACKAGES := billing bench emr hospital insurance kernel kiosk patient_portal signing
.PHONY: help setup compiled assets demo test check fmt bench chaos screens tools-for-tests clean

help:
	@echo "make setup     môi trường Python, thư viện, phông và biểu tượng"
	@echo "make demo      bệnh viện mẫu tại http://127.0.0.1:$(PORT)"
	@echo "make test      toàn bộ kiểm thử"
	@echo "make check     định dạng, lint, kiểu, tường ngăn, lệch lược đồ"
	@echo "make fmt       định dạng lại mã"
	@echo "make bench     đo tốc độ, ghi docs/benchmarks.md; make bench till register: chỉ hai phép, trộn vào bảng"
	@echo "make screens   chụp mọi trang vào docs/screens"

setup: $(VENV)/installed.stamp kernel/web/vendor/manifest.json

$(VENV)/installed.stamp: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Cần Python 3.11 trở lên."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python thiếu venv. Debian/Ubuntu: apt install python3-venv"; exit 1; }
	test -x $(RUN) || $(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install -q --disable-pip-version-check uv==0.13.9 || true
	VIRTUAL_ENV=$(VENV) $(VENV)/bin/uv pip sync -q --compile-bytecode --require-hashes requirements.lock \
	  || $(RUN) -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	touch $@

kernel/web/vendor/manifest.json: package-lock.json tools/assets.py $(VENV)/installed.stamp
	$(RUN) tools/assets.py
	@touch $@

assets: $(VENV)/installed.stamp
	$(RUN) tools/assets.py

# Four processes start at once: on a machine that writes no bytecode of its own, each would compile everything.
compiled: setup
	@$(RUN) -m compileall -q $(PACKAGES)

demo: compiled
	$(RUN) -m hospital demo --port $(PORT)

tools-for-tests: setup
	@$(RUN) tools/tools_for_tests.py

test: tools-for-tests compiled
	$(RUN) -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

check: setup
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(RUN) -m mypy .
	$(VENV)/bin/lint-imports --no-logo
	$(RUN) -m hospital drift

fmt: setup
	$(RUN) -m ruff format .
	$(RUN) -m ruff check --fix .

BENCHES := $(or $(NAME),$(filter-out bench,$(MAKECMDGOALS)))
bench: compiled
	$(RUN) -m hospital bench $(BENCHES)

ifeq (bench,$(firstword $(MAKECMDGOALS)))
ifneq (,$(BENCHES))
.PHONY: $(BENCHES)
$(BENCHES):
	@:
endif
endif

screens: tools-for-tests
	$(RUN) tools/screens.py

clean:
	rm -rf build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
BIN := .venv/bin
SITE := examples/main-site
INSTALLED := .venv/.stamp $(SITE)/node_modules/.stamp tests/node_modules/.stamp
PIP := $(BIN)/python -m pip --disable-pip-version-check
NPM_CI := npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error
COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --python-version 3.11 $(ARGS) pyproject.toml

# Step after step, whatever -j says: only the installs run side by side (see `setup`).
ifndef INSTALLING
.NOTPARALLEL:
endif

# The programs in .venv name its folder: in another one they are installed again.
ifneq ($(shell cat .venv/.stamp 2>/dev/null),$(CURDIR))
MOVED := moved
endif

# Installs what is missing of "program:package …". Debian puts servers where PATH may not look.
define apt
missing=; PATH="$$PATH:/usr/sbin"; \
for pair in $(1); do \
	command -v $${pair%%:*} >/dev/null || missing="$$missing $${pair##*:}"; \
done; \
if [ -n "$$missing" ]; then \
	command -v apt-get >/dev/null || { echo "needed:$$missing (install them by hand: there is no apt-get here)" >&2; exit 1; }; \
	echo "installing$$missing"; \
	sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	$$sudo apt-get update -q >/dev/null && $$sudo apt-get install -y -q --no-install-recommends $$missing >/dev/null; \
fi
endef

# Runs the commands $(2), which install $(1): what they say goes into a file, and a failure is one line.
define install
@mkdir -p .cache; log=.cache/install-$(subst /,-,$(@D)).log; trap interrupted=yes INT; \
echo "installing $(1)"; \
{ $(2); } >$$log 2>&1 && echo '$(CURDIR)' >$@ || { \
	[ "$$interrupted" ] || echo "$(1) could not be installed: is this machine online? See $$log" >&2; exit 1; }
endef

.PHONY: help demo test test-browsers stress bench check compatibility audit screenshots translations lock clean setup tools moved

help:
	@echo 'make demo           run all of it here: PostgreSQL, a Better-Auth main site, the app; Ctrl+C stops it'
	@echo 'make test           checks, then the whole suite; make test ARGS="-k wizard" passes arguments to pytest'
	@echo 'make test-browsers  the frame in Chromium, Firefox and WebKit; installs them (Debian, Ubuntu: by apt)'
	@echo 'make stress         faults, storms and restarts at length; writes docs/reliability.md; installs PgBouncer and nginx'
	@echo 'make bench          measure the pages beside their peers; writes the figures of docs/performance.md'
	@echo 'make check          format, lint, types, import contracts, forbidden patterns'
	@echo 'make compatibility  every main site in every version of Better-Auth; writes the tables of docs/compatibility.md'
	@echo 'make audit          what Lighthouse and the HTTP Observatory say of every page; writes docs/accessibility.md, sbom.cdx.json'
	@echo 'make screenshots    take pictures of every page into screenshots/, and those of the documentation'
	@echo 'make translations   bring the catalogues up to date with the code; ARGS=pt-BR begins a language'
	@echo 'make lock           compile requirements/*.txt; make lock ARGS=--upgrade takes newer versions'
	@echo 'make clean          remove what was installed and generated, the data of the demo included'

demo: tools
	@$(MAKE) --silent --no-print-directory -j2 INSTALLING=1 .venv/.stamp $(SITE)/node_modules/.stamp
	@exec $(BIN)/python -m devstack.demo

# Three workers for two cores: much of a test is waiting, for a browser or a server to start. Without
# bytecode each of them would compile every test, and what pytest makes of it, at every run.
test: setup check
	@PYTHONDONTWRITEBYTECODE= exec $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

# MiniBrowser, WebKitGTK's own, has no headless mode: hence a screen in memory.
test-browsers: setup .venv/.browsers
	@$(call apt,chromium:chromium chromedriver:chromium-driver firefox-esr:firefox-esr WebKitWebDriver:webkit2gtk-driver xvfb-run:xvfb)
	@exec xvfb-run -a $(BIN)/python -m pytest -o addopts="-q --import-mode=importlib -p no:valkey" tests/engines $(ARGS)

# PgBouncer and nginx exist in no package of Python's or Node's.
# ARGS chooses among what has a figure; without, people and generated requests at length come after it.
stress: setup
	@$(call apt,pgbouncer:pgbouncer nginx:nginx-light)
	@$(BIN)/python -m tests.stress.document $(ARGS)
	@$(if $(ARGS),,exec $(BIN)/python -m pytest tests/web/test_user_walks.py tests/web/test_page_fuzz.py tests/web/test_api_fuzz.py -s --walks 200 --cases 6000)

# On a quiet machine of two cores at least: 7 minutes. ARGS=--quick tries it in one, and writes nothing.
bench: setup .venv/.bench bench/peers/node_modules/.stamp
	@exec $(BIN)/python -m bench.pages $(ARGS)

compatibility: setup
	@$(BIN)/python -m tests.compat.document
	@EVERY_VERSION=1 exec $(BIN)/python -m pytest tests/compat $(ARGS)

audit: setup .venv/.audit tests/audit/node_modules/.stamp
	@exec $(BIN)/python -m tests.audit.document

screenshots: setup
	@$(BIN)/python -m devstack.screenshots

translations: tools .venv/.stamp
	@$(BIN)/python -m devstack.translations $(ARGS)

check: tools .venv/.stamp
	@$(BIN)/ruff format --check --quiet . || { echo 'not formatted: run $(BIN)/ruff format .' >&2; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/ast-grep scan >.venv/ast-grep.log 2>&1 || { cat .venv/ast-grep.log >&2; exit 1; }
	@$(BIN)/ast-grep test --skip-snapshot-tests >.venv/ast-grep.log 2>&1 || { cat .venv/ast-grep.log >&2; exit 1; }
	@$(BIN)/lint-imports > .venv/lint-imports.log 2>&1 || { cat .venv/lint-imports.log >&2; exit 1; }

# A lock that names a package index would tie everybody to the one of whoever compiled it.
lock: tools .venv/.stamp
	$(COMPILE) -o requirements/app.txt
	$(COMPILE) --extra redis -o requirements/redis.txt
	$(COMPILE) --group dev -o requirements/dev.txt
	$(COMPILE) --group dev --group browsers -o requirements/browsers.txt
	$(COMPILE) --group dev --group audit -o requirements/audit.txt
	$(COMPILE) --group dev --group bench -o requirements/bench.txt
	@! grep -nE '://|^ *--(extra-)?(index|find)' requirements/*.txt
	@! grep -nE '"resolved": *"http' $(SITE)/package-lock.json tests/package-lock.json tests/audit/package-lock.json bench/peers/package-lock.json

clean:
	@if [ -L .demo/postgres/moved-to ]; then rm -rf "$$(readlink .demo/postgres/moved-to)"; fi
	rm -rf .venv .demo .cache screenshots .hypothesis .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .coverage htmlcov test-results
	rm -rf $(SITE)/node_modules tests/node_modules tests/audit/node_modules bench/peers/node_modules sbom.cdx.json
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

setup: tools
	@$(MAKE) --silent --no-print-directory -j3 INSTALLING=1 $(INSTALLED)

tools:
	@fine=true; \
	need() { echo "needed: $$1" >&2; fine=false; }; \
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || need 'Python 3.11 or newer ($(PYTHON) is none; name another by PYTHON=...)'; \
	$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || need 'venv for $(PYTHON) (on Debian and Ubuntu: the package python3-venv)'; \
	node -e 'const [major, minor] = process.versions.node.split(".").map(Number); process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1)' 2>/dev/null || need 'Node.js 20.19 or newer (node)'; \
	command -v npm >/dev/null || need 'npm'; \
	$$fine

.venv/.stamp: requirements/dev.txt $(MOVED)
	$(call install,the Python packages,$(PYTHON) -m venv --clear .venv \
		&& $(PIP) install -q --require-hashes --only-binary :all: -r requirements/dev.txt \
		&& $(PIP) install -q --no-index --no-deps --no-build-isolation -e .)

.venv/.browsers: .venv/.stamp requirements/browsers.txt
	$(call install,the packages of the browsers,$(PIP) install -q --require-hashes --only-binary :all: -r requirements/browsers.txt)

.venv/.audit: .venv/.stamp requirements/audit.txt
	$(call install,the packages of the audit,$(PIP) install -q --require-hashes --only-binary :all: -r requirements/audit.txt)

.venv/.bench: .venv/.stamp requirements/bench.txt
	$(call install,the packages of the benchmarks,$(PIP) install -q --require-hashes --only-binary :all: -r requirements/bench.txt)

$(SITE)/node_modules/.stamp: $(SITE)/package.json $(SITE)/package-lock.json
	$(call install,the main site's packages,cd $(SITE) && $(NPM_CI) && cd '$(CURDIR)')

tests/node_modules/.stamp: tests/package.json tests/package-lock.json
	$(call install,the tests' browser and main sites,cd tests && $(NPM_CI) && cd '$(CURDIR)')

tests/audit/node_modules/.stamp: tests/audit/package.json tests/audit/package-lock.json
	$(call install,the audit's packages,cd tests/audit && $(NPM_CI) && cd '$(CURDIR)')

bench/peers/node_modules/.stamp: bench/peers/package.json bench/peers/package-lock.json
	$(call install,the peers' packages,cd bench/peers && $(NPM_CI) && cd '$(CURDIR)')

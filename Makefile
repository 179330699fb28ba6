# What a person types. Each target installs what it needs, once.

.PHONY: help run backup restore watch page test test-api test-browser test-watch test-template test-deploy nightly arm64 bench pictures routes tools \
  deploy release archive user reindex undeploy fmt functions

# Where cargo builds: every script takes it from here.
export CARGO_TARGET_DIR := $(shell tests/target-dir.sh)
# All is built as one family: with another choice of packages, cargo would choose other features, and build
# dependencies a second time.
CARGO_BUILD := cargo build --locked --workspace

PAGE := static-site/dist/index.html
PAGE_TOOLS := static-site/node_modules/.installed
BROWSER_TOOLS := tests/browser/node_modules/.installed
# Tools from PyPI, in a virtual environment of the project's own.
VENV := .venv
UV := $(VENV)/bin/uv
INSTALL := $(UV) pip install --quiet --system-certs --no-deps --require-hashes
CARGO_LAMBDA := $(VENV)/.cargo-lambda
DEPLOY_TOOLS := $(VENV)/.deploy-tools
TEST_TOOLS := $(VENV)/.test-tools
# Apart: what reads event streams needs another urllib3 than what deploys.
API_TOOLS := $(VENV)/api/.installed
# Apart: what the workshop is compared with.
BENCH_TOOLS := $(VENV)/bench/.installed
WITH_TOOLS := PATH="$(CURDIR)/$(VENV)/bin:$$PATH"
PAGE_SOURCES := $(shell find static-site/src static-site/public -type f -not -name openapi.d.ts) \
  $(addprefix static-site/,index.html package.json vite.config.ts tsconfig.json) functions/openapi.json

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

# The page is built beside the machine.
run:  ## the whole workshop on this machine
	@$(MAKE) --silent page & page=$$!; \
	  $(CARGO_BUILD) --bin workshop || { kill $$page; wait $$page; exit 1; }; \
	  wait $$page
	@exec "$(CARGO_TARGET_DIR)/debug/workshop"

backup:  ## all that the workshop keeps on this machine, in one file, also while it runs; FILE=<name>
	@$(CARGO_BUILD) --quiet --bin workshop
	@"$(CARGO_TARGET_DIR)/debug/workshop" backup "$(or $(FILE),workshop-backup-$$(date -u +%Y%m%d-%H%M%S).sqlite)"

restore:  ## a backup in the place of what this machine keeps, which is put aside; FILE=<name>
	@test -n "$(FILE)" || { echo "Which backup? Say it with FILE=<name>. Nothing was changed." >&2; exit 1; }
	@$(CARGO_BUILD) --quiet --bin workshop
	@"$(CARGO_TARGET_DIR)/debug/workshop" restore "$(FILE)"

watch: page  ## the same with each handler a function of its own, built anew when its source changes
	$(CARGO_BUILD) --bin workshop
	@exec "$(CARGO_TARGET_DIR)/debug/workshop" --watch

page: $(PAGE)  ## builds the page into static-site/dist, when something of it changed

test:  ## everything that is checked
	@tests/run.sh

test-browser: page $(BROWSER_TOOLS)  ## the page in a real browser; ONLY=<words> chooses tests
	$(CARGO_BUILD) --bins --examples
	cd tests/browser && npm run --silent check && npm test --silent -- $(if $(ONLY),--grep "$(ONLY)")

test-api: $(API_TOOLS)  ## the API held to its document; EXAMPLES=<number> SEED=<number>
	$(CARGO_BUILD) --bin workshop
	$(VENV)/api/bin/python tests/api/run.py --examples $(or $(EXAMPLES),50) --seed $(or $(SEED),1)

test-watch: functions $(CARGO_LAMBDA)  ## the main job with each handler a process, and under cargo lambda watch; ONLY=<a test>
	$(WITH_TOOLS) cargo test --locked --workspace --test watch -- --nocapture --test-threads=1 $(ONLY)

test-template: functions $(TEST_TOOLS)  ## the template: linted, checked by policy, and held to the code
	$(CARGO_BUILD) --example parts
	$(WITH_TOOLS) tests/deploy/lint.sh

test-deploy: page functions $(BROWSER_TOOLS) $(TEST_TOOLS)  ## the main job in an emulator of AWS, deployed as `make deploy` does
	$(CARGO_BUILD) --example small_model
	$(WITH_TOOLS) python tests/deploy/run.py

nightly: $(API_TOOLS) $(TEST_TOOLS)  ## what takes too long for every change: 10,000 schedules, the API, fuzzing, load; under an hour
	@tests/nightly.sh

arm64: $(DEPLOY_TOOLS)  ## the release build for AWS, each binary run under an emulator; most of an hour
	$(WITH_TOOLS) python tests/deploy/arm64.py

# The machine as benchmarks are always built, so that dependencies are compiled once.
bench: $(BENCH_TOOLS)  ## how fast it is, against its bars; ONLY="<chapters>"; ACCEPT=yes keeps the table in tests/bench/RESULTS.md
	CARGO_PROFILE_BENCH_PANIC=unwind cargo build --locked --profile bench --package local --bin workshop
	ACCEPT=$(ACCEPT) cargo bench --locked --package tests --bench bench -- $(ONLY)

pictures: page $(BROWSER_TOOLS)  ## takes README's screenshots anew
	$(CARGO_BUILD) --bins --examples
	cd tests/browser && WORKSHOP_PICTURES=../../static-site/pictures npm test --silent -- --grep "pictures are taken"

routes:  ## writes what is derived from routes, jobs and tables; CHECK=yes only compares
	@$(CARGO_BUILD) --quiet --bin generate
	@"$(CARGO_TARGET_DIR)/debug/generate" $(if $(CHECK),--check)

STACK ?= prompt-workshop
DEPLOY := $(WITH_TOOLS) python infra/deploy.py --stack "$(STACK)"

deploy: $(DEPLOY_TOOLS) $(PAGE_TOOLS)  ## to AWS; STACK=<name> MODELS=<file> EMBEDDINGS=<file> SET="<parameter>=<value> …" BUILD=yes
	@$(DEPLOY) deploy $(if $(BUILD),--build) $(if $(MODELS),--models "$(MODELS)") \
	  $(if $(EMBEDDINGS),--embeddings "$(EMBEDDINGS)") $(addprefix --set ,$(SET))

release:  ## commits and tags VERSION=<x.y.z>, which CHANGELOG.md has to tell of; pushes nothing
	@python3 infra/release.py cut "$(VERSION)"

archive: $(DEPLOY_TOOLS)  ## the functions as a release has them attached; ARCHITECTURE=arm64 or x86_64
	@$(DEPLOY) build --architecture "$(or $(ARCHITECTURE),arm64)"

user: $(DEPLOY_TOOLS)  ## an account for EMAIL=<address>; ADMINISTRATOR=yes
	@$(DEPLOY) user "$(EMAIL)" $(if $(ADMINISTRATOR),--administrator)

reindex: $(DEPLOY_TOOLS)  ## gives articles their meaning that were imported with other embeddings, or without
	@$(DEPLOY) reindex

undeploy: $(DEPLOY_TOOLS)  ## takes it away from AWS; keeps the data, unless DATA=delete
	@$(DEPLOY) undeploy --data $(or $(DATA),keep)

fmt: $(PAGE_TOOLS)  ## formats the code
	git ls-files -z '*.rs' | xargs -0 rustfmt --edition 2024
	cd static-site && npm run --silent format

$(PAGE): $(PAGE_TOOLS) $(PAGE_SOURCES)
	cd static-site && npm run --silent build

$(PAGE_TOOLS): static-site/package-lock.json
	@tests/needs-node.sh
	cd static-site && npm ci
	@touch $@

$(BROWSER_TOOLS): tests/browser/package-lock.json
	@tests/needs-node.sh
	cd tests/browser && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci
	tests/browser/install-chromium.sh
	@touch $@

# Apart: only the bench's chapter on the page asks for it.
tests/bench/lighthouse/node_modules/.installed: tests/bench/lighthouse/package-lock.json
	@tests/needs-node.sh
	cd tests/bench/lighthouse && npm ci
	@touch $@

functions:
	$(CARGO_BUILD) --bins

# What the parts of `make test` install besides, while cargo builds.
tools: $(PAGE_TOOLS) $(BROWSER_TOOLS) $(TEST_TOOLS) $(API_TOOLS)

# One tool brings them all, by their hashes; it trusts what the system trusts. It comes by pip, which Python has.
$(UV): infra/uv.txt
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --no-deps --require-hashes --requirement $<
	@touch $@

# Only this line of what deploys: `make test-watch` needs no more.
$(CARGO_LAMBDA): infra/requirements.txt | $(UV)
	awk '/^cargo-lambda==/ { on = 1 } on { print } on && !/\\$$/ { exit }' $< > $(VENV)/cargo-lambda.txt
	$(INSTALL) --python $(VENV) --requirement $(VENV)/cargo-lambda.txt
	@touch $@

$(DEPLOY_TOOLS): infra/requirements.txt | $(UV)
	$(INSTALL) --python $(VENV) --requirement $<
	@touch $@ $(CARGO_LAMBDA)

$(API_TOOLS): tests/api/requirements.txt | $(UV)
	python3 -m venv --without-pip $(VENV)/api
	$(INSTALL) --python $(VENV)/api --requirement $<
	@touch $@

$(BENCH_TOOLS): tests/bench/requirements.txt | $(UV)
	python3 -m venv --without-pip $(VENV)/bench
	$(INSTALL) --python $(VENV)/bench --requirement $<
	@touch $@

# These have what deploys, too, in the same versions.
$(TEST_TOOLS): tests/deploy/requirements.txt | $(UV)
	$(INSTALL) --python $(VENV) --requirement $<
	@touch $@ $(DEPLOY_TOOLS) $(CARGO_LAMBDA)

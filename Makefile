# What a person types. Each target installs what it needs, once.

.PHONY: help run page test test-browser bench pictures openapi fmt

PAGE := static-site/dist/index.html
PAGE_TOOLS := static-site/node_modules/.installed
BROWSER_TOOLS := tests/browser/node_modules/.installed
PAGE_SOURCES := $(shell find static-site/src static-site/public -type f -not -name openapi.d.ts) \
  $(addprefix static-site/,index.html package.json vite.config.ts tsconfig.json) functions/openapi.json

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: page  ## the whole workshop on this machine
	cargo build --package local
	@exec target/debug/workshop

page: $(PAGE)  ## builds the page into static-site/dist, when something of it changed

test:  ## everything that is checked
	@tests/run.sh

test-browser: page $(BROWSER_TOOLS)  ## the page in a real browser; ONLY=<words> chooses tests
	cargo build --package local --package tests --examples --bins
	cd tests/browser && npm run --silent check && npm test --silent -- $(if $(ONLY),--grep "$(ONLY)")

bench: page $(BROWSER_TOOLS)  ## how long routes and the page take, against their bars
	cargo bench --package tests --bench routes
	cargo build --package local --package tests --examples --bins
	npm --prefix tests/browser run --silent bench

pictures: page $(BROWSER_TOOLS)  ## takes README's screenshots anew
	cargo build --package local
	cd tests/browser && WORKSHOP_PICTURES=../../static-site/pictures npm test --silent -- --grep "from a need"

openapi:  ## writes functions/openapi.json anew from the types
	WRITE_OPENAPI=1 cargo test --package functions --lib openapi
	@git diff --stat -- functions/openapi.json

fmt: $(PAGE_TOOLS)  ## formats the code
	cargo fmt --all
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

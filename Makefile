# What a person types. Each target installs what it needs, once.

.PHONY: help run test bench openapi fmt

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run:  ## the whole workshop on this machine
	cargo build --package local
	@exec target/debug/workshop

test:  ## everything that is checked
	@tests/run.sh

bench:  ## how long routes take, against the store's own calls and their bars
	cargo bench --package tests --bench routes

openapi:  ## writes functions/openapi.json anew from the types
	WRITE_OPENAPI=1 cargo test --package functions --lib openapi
	@git diff --stat -- functions/openapi.json

fmt:  ## formats the code
	cargo fmt --all

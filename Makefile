# nsqmesh: everything a developer does, in one place. `make` alone lists it.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

BIN      := bin/nsqmesh
PKG      := ./...
FUZZTIME ?= 5s
MESH_LARGE ?= 0
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS  := -s -w -X github.com/nsqmesh/nsqmesh/cmd/cli.version=$(VERSION)

# The linter is built from source at a fixed version, so that it needs nothing but Go.
LINTER   := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

.PHONY: help
help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/nsqmesh
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/nsqmesh

.PHONY: run
run: build ## start one node here and show how to see it work
	@deploy/run-one $(BIN)

.PHONY: cluster
cluster: build ## start three nodes on loopback; Ctrl-C stops them
	@deploy/run-cluster $(BIN)

.PHONY: test
test: ## run all tests with the race detector
	go test -race -timeout 20m $(PKG)

.PHONY: lint
lint: ## vet, format check and linter with the import rules
	@test -z "$$(gofmt -l .)" || { echo "not formatted:"; gofmt -l .; exit 1; }
	go vet $(PKG)
	go run $(LINTER) run $(PKG)

.PHONY: fmt
fmt: ## format the code
	gofmt -w .

.PHONY: bench
bench: ## run the Go benchmarks beside the code
	go test -run '^$$' -bench . -benchmem $(PKG)

.PHONY: bench-guard
bench-guard: ## fail if a node needs too much CPU per message, beside a bare broker (a minute)
	go test -count=1 -run '^TestCostGuard$$' -v ./cmd/nsqmesh -guard

.PHONY: bench-mesh
bench-mesh: ## measure how fast news, deaths and partitions are known in a mesh (a quarter of an hour; MESH_LARGE=1000 for more)
	go test -count=1 -run '^TestMeshFigures$$' -v -timeout 4h ./cmd/nsqmesh -mesh-figures -mesh-large=$(MESH_LARGE)

.PHONY: fuzz
fuzz: ## run every fuzzer for FUZZTIME (5s)
	@deploy/fuzz $(FUZZTIME)

.PHONY: clean
clean: ## remove what was built
	rm -rf bin dist

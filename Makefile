# nsqmesh: everything a developer does, in one place. `make` alone lists it.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

BIN      := bin/nsqmesh
PKG      := ./...
FUZZTIME ?= 5s
MESH_LARGE ?= 0
SEEDS ?= 1000
SIMULATIONS := TestSimChaos|TestSimPartition|TestSimOneWayLoss|TestSimEveryChange|TestSimANodeThatIsCutOff

NODES ?= 3
SECONDS_OF_FAULTS ?= 60
SEED ?= 0
FAULTS ?= all
SETTING ?= memory
MATRIX_SECONDS ?= 60

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

.PHONY: screenshots
screenshots: ## take the pictures of the admin pages in docs/screenshots (five minutes; wants Chromium)
	go test -count=1 -run '^TestScreenshots$$' -v -timeout 30m ./cmd/nsqmesh -screenshots=$(CURDIR)/docs/screenshots

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
bench-guard: ## fail if a node needs too much CPU per message, beside a bare broker, or allocates (a minute)
	go test -count=1 -run 'Alloc' ./node/... ./cmd/bench
	go test -count=1 -run '^TestCostGuard$$' -v ./cmd/nsqmesh -guard

.PHONY: bench-mesh
bench-mesh: ## measure how fast news, deaths and partitions are known in a mesh (a quarter of an hour; MESH_LARGE=1000 for more)
	go test -count=1 -run '^TestMeshFigures$$' -v -timeout 4h ./cmd/nsqmesh -mesh-figures -mesh-large=$(MESH_LARGE)

.PHONY: torture
torture: build ## run a mesh under load while faults strike it, and check that nothing promised is lost (docs/torture.md)
	go build -o bin/torture ./cmd/torture
	bin/torture -bin=$(BIN) -nodes=$(NODES) -seconds=$(SECONDS_OF_FAULTS) -seed=$(SEED) -faults=$(FAULTS) -setting=$(SETTING)

.PHONY: torture-long
torture-long: build ## run the whole matrix of settings and faults (an hour; MATRIX_SECONDS=60 for each)
	go build -o bin/torture ./cmd/torture
	@deploy/torture-matrix $(MATRIX_SECONDS)

.PHONY: sim
sim: ## simulate meshes on networks that break in SEEDS (1000) ways each (half an hour)
	go test -count=1 -timeout 8h -run '$(SIMULATIONS)' ./gossip -seeds $(SEEDS)

.PHONY: govulncheck
govulncheck: ## look for known vulnerabilities in what the program calls
	go run golang.org/x/vuln/cmd/govulncheck@v1.1.4 $(PKG)

.PHONY: fuzz
fuzz: ## run every fuzzer for FUZZTIME (5s)
	@deploy/fuzz $(FUZZTIME)

.PHONY: release
release: ## build dist/: binaries for linux, darwin and windows, checksums, bills of materials
	@deploy/release $(VERSION)

.PHONY: deb
deb: ## build Debian packages into dist/ for amd64 and arm64
	@deploy/package $(VERSION)

.PHONY: image
image: ## build the container image nsqmesh with docker
	docker build -f deploy/Dockerfile --build-arg VERSION=$(VERSION) -t nsqmesh .

.PHONY: clean
clean: ## remove what was built
	rm -rf bin dist

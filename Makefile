# make help lists the targets.
GO ?= go
GOFMT := $(shell $(GO) env GOROOT)/bin/gofmt
GOLANGCI_VERSION := v2.15.0
GOVULNCHECK_VERSION := v1.9.0
# Tools live beside the caches, not in the work tree, and by version.
TOOLS := $(shell $(GO) env GOPATH)/leadbridge-tools/$(GOLANGCI_VERSION)-$(GOVULNCHECK_VERSION)
# A number of inputs, not a time: before Go 1.27 the end of a time may be reported as a failure,
# "context deadline exceeded" (go.dev/issue/75804).
FUZZTIME ?= 10000x

.DEFAULT_GOAL := help

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/leadbridge
	$(GO) build -trimpath -buildvcs=auto -o bin/leadbridge ./cmd/leadbridge

.PHONY: image
image: ## build the container image leadbridge:dev, reproducibly (VERSION=v1.2.3 stamps it; IMAGE=, PLATFORM=, ENGINE=)
	deploy/image.sh

.PHONY: image-check
image-check: ## build the image's binary twice, the second time elsewhere and from nothing, and fail when they differ
	deploy/image.sh check

.PHONY: release
release: ## build dist/: binaries for linux, darwin and windows, completion scripts, manual page, SBOM, provenance, checksums (VERSION=v1.2.3, PLATFORMS=)
	deploy/release.sh

.PHONY: release-check
release-check: ## build the release twice, the second time elsewhere and from nothing, and fail when a checksum differs, or the SBOM breaks its schema (PLATFORMS=linux/amd64 for a quick one)
	deploy/release.sh check

.PHONY: demo
demo: ## see it work: broker, CRM and leads in one process
	$(GO) run ./cmd/leadbridge demo

.PHONY: test
test: ## run all tests (needs only Go)
	$(GO) test ./...
	@$(MAKE) --no-print-directory test-deploy test-oidc

.PHONY: mutants
mutants: ## break the code on purpose, one line at a time, and see which test notices; writes docs/mutants.md (an hour or two; ONLY=NAME,… for some, or for a file of the list)
	$(GO) run ./mutants $(if $(ONLY),-only $(ONLY))

# -count 1: the chart lies outside the module, where go test does not see that it changed.
.PHONY: test-deploy
test-deploy: ## test the Helm chart, alerts and dashboard alone (needs only Go)
	cd deploy/test && $(GO) test -count 1 ./...
	cd deploy/observe && $(GO) test -count 1 ./...

.PHONY: test-oidc
test-oidc: ## sign in to the page at a real OpenID Connect server, in the process of the test (needs only Go)
	cd browser && $(GO) test ./oidc

.PHONY: test-attack
test-attack: build ## attack bin/leadbridge from outside, as strangers, token holders and writers of the topics (needs only Go)
	LEADBRIDGE=$(CURDIR)/bin/leadbridge $(GO) test -tags attack -count 1 -timeout 5m ./attack

.PHONY: race
race: ## run all tests under the race detector
	$(GO) test -race -timeout 25m ./...

.PHONY: test-seeds
test-seeds: ## run the tests of random trouble with all their seeds (go test runs a fifth)
	SEEDS=all $(GO) test -timeout 15m ./consumer ./crmclient

.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZTIME (10000x: so many inputs)
	@set -eu; $(GO) list -f '{{if .TestGoFiles}}{{.ImportPath}}{{end}}{{if .XTestGoFiles}} {{.ImportPath}}{{end}}' ./... | tr ' ' '\n' | sort -u | sed '/^$$/d' | while read -r package; do \
		$(GO) test -run '^$$' -list '^Fuzz' "$$package" | grep '^Fuzz' | while read -r target; do \
			echo "fuzz $$package $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "$$package" || exit 1; \
		done || exit 1; \
	done

# The releases of Kafka that the integration tests run on.
KAFKA_VERSIONS ?= 4.3.1 3.9.1

.PHONY: test-integration
test-integration: ## test on real brokers (needs a container engine, or KAFKA_TEST_BROKERS; KAFKA_VERSIONS='4.3.1 3.9.1', INTEGRATION='-run Crash' for parts)
	@set -eu; for version in $(if $(KAFKA_TEST_BROKERS),existing,$(KAFKA_VERSIONS)); do \
		echo "Kafka $$version"; \
		(cd integration && KAFKA_TEST_VERSION=$$version $(GO) test -tags integration -count 1 -p 1 -parallel 8 -timeout 15m $(INTEGRATION) ./...); \
	done

# A real schema registry (Apache-2.0), which runs on Java; tests only.
APICURIO_VERSION := 2.6.13.Final
APICURIO := $(TOOLS)/apicurio-$(APICURIO_VERSION)

$(APICURIO):
	rm -rf $@.part && mkdir -p $@.part
	mvn --quiet --batch-mode dependency:copy -Dartifact=io.apicurio:apicurio-registry-app:$(APICURIO_VERSION):tar.gz:all -DoutputDirectory=$@.part
	tar -xzf $@.part/*.tar.gz -C $@.part && rm $@.part/*.tar.gz
	mv $@.part $@

.PHONY: fetch-registry
fetch-registry: $(APICURIO) ## fetch the schema registry of test-registry (needs mvn)

.PHONY: test-registry
test-registry: $(APICURIO) ## read framed values by the schemas of a real registry (needs Java 17 and mvn)
	APICURIO_DIR=$(APICURIO) $(GO) test -tags registry -count 1 -timeout 10m -run Registry ./schemas

.PHONY: test-compose
test-compose: image ## bring deploy/compose.yaml up and send it a webhook (needs a container engine; COMPOSE='docker compose')
	cd integration && $(GO) test -tags compose -count 1 -timeout 15m ./compose

HELM_VERSION := v4.3.1

$(TOOLS)/helm-$(HELM_VERSION)/helm:
	GOBIN=$(TOOLS)/helm-$(HELM_VERSION) GOFLAGS= $(GO) install helm.sh/helm/v4/cmd/helm@$(HELM_VERSION)

.PHONY: test-k8s
test-k8s: image $(TOOLS)/helm-$(HELM_VERSION)/helm ## test image and chart on the cluster of KUBECONFIG (needs a container engine; K8S_LOAD='kind load docker-image' brings images there, K8S='-v -run …' for parts)
	$(foreach image,leadbridge:dev $(K8S_IMAGES),$(if $(K8S_LOAD),$(K8S_LOAD) $(image) &&)) true
	cd integration && LEADBRIDGE_IMAGE=$(or $(LEADBRIDGE_IMAGE),leadbridge:dev) HELM=$(TOOLS)/helm-$(HELM_VERSION)/helm $(GO) test -tags k8s -count 1 -timeout 25m $(K8S) ./k8s

# axe-core (MPL-2.0) looks for what keeps people from using the page; tests only, never part of the product.
AXE_VERSION := 4.14.1
AXE := $(TOOLS)/axe-core-$(AXE_VERSION)/node_modules/axe-core

$(AXE):
	npm install --silent --ignore-scripts --no-save --no-package-lock --prefix $(TOOLS)/axe-core-$(AXE_VERSION) axe-core@$(AXE_VERSION)

FIREFOX ?= firefox-esr
WEBKIT ?= WebKitWebDriver
comma := ,

.PHONY: test-browser
test-browser: build $(AXE) ## test the page in a headless Chromium, and Firefox and WebKit if they are there (needs chromium and npm; BROWSER='-run Axe' for parts)
	cd browser && AXE_DIR=$(AXE) LEADBRIDGE=$(CURDIR)/bin/leadbridge FIREFOX=$(FIREFOX) WEBKIT=$(WEBKIT) $(GO) test -tags browser$(if $(shell command -v $(FIREFOX)),$(comma)firefox)$(if $(and $(shell command -v $(WEBKIT)),$(shell command -v Xvfb)),$(comma)webkit) -count 1 -parallel 2 -timeout 20m $(BROWSER) ./...

.PHONY: screenshots
screenshots: build ## make the pictures of the page in docs/ (needs chromium; about three minutes)
	cd browser && $(GO) run ./screenshots -binary ../bin/leadbridge -out ../docs

# A Zipkin server (Apache-2.0), which runs on Java; for one picture only.
ZIPKIN_VERSION := 3.5.1
ZIPKIN := $(TOOLS)/zipkin-$(ZIPKIN_VERSION)/zipkin-server-$(ZIPKIN_VERSION)-exec.jar

$(ZIPKIN):
	mvn --quiet --batch-mode dependency:copy -Dartifact=io.zipkin:zipkin-server:$(ZIPKIN_VERSION):jar:exec -DoutputDirectory=$(dir $@)

.PHONY: trace-picture
trace-picture: build $(ZIPKIN) ## make the picture of one lead's trace in docs/ (needs chromium, Java 17 and mvn; half a minute on a quiet machine)
	cd browser && $(GO) run ./screenshots -binary ../bin/leadbridge -out ../docs -zipkin $(ZIPKIN)

# Blows of the chaos suite, and the seed that they follow from; 0 draws one.
DURATION ?= 2m
SEED ?= 0
BROKERS ?= 1
# What an event becomes in the CRM.
TARGET ?= contact
# By what a contact of the same person is looked for: off, email, phone, or email,phone. Persons come back unless it is off.
MATCH ?= off
# Part of the budget for the newest events while a backlog waits.
FRESH_FIRST ?= off

.PHONY: chaos
chaos: build ## kill, freeze and cut off processes on a real Kafka, then audit (TARGET=contact|lead|deal MATCH=email,phone DURATION=2m SEED=n BROKERS=3; BEFORE=file begins with the release before; FRESH_FIRST=50% has newer events overtake backlogs; BLIND=phone has look-ups by phone find nothing meanwhile; needs a container engine)
	cd integration && $(GO) build -o ../bin/chaos ./chaos
	bin/chaos -binary bin/leadbridge -before '$(BEFORE)' -target $(TARGET) -match '$(MATCH)' -fresh-first '$(FRESH_FIRST)' -duration $(DURATION) -seed $(SEED) -brokers $(BROKERS) -blind '$(BLIND)'

# A soak is rounds of ROUND, until there were so many events and kills.
EVENTS ?= 1000000
KILLS ?= 1000
ROUND ?= 10m
RATE ?= 300
SOAK_DIR ?= /tmp/leadbridge-soak-$(TARGET)-$(SEED)

.PHONY: soak
soak: ## the same for hours, with an audit after each round; the command goes on with a soak that was interrupted (EVENTS=1000000 KILLS=1000 SEED=n)
	cd integration && $(GO) build -o ../bin/chaos ./chaos && $(GO) run ./chaos/clock -o ../bin/leadbridge-clock
	bin/chaos -binary bin/leadbridge-clock -clocks -target $(TARGET) -match '$(MATCH)' -events $(EVENTS) -kills $(KILLS) -duration $(ROUND) -rate $(RATE) -seed $(SEED) -brokers $(BROKERS) -dir '$(SOAK_DIR)'

.PHONY: bench
bench: build ## measure bin/leadbridge as a whole (about 30 minutes; BENCH='--short --case instant' for parts, see bench/README.md)
	$(GO) run ./bench --binary bin/leadbridge --out bench/results $(BENCH)

.PHONY: bench-recovery
bench-recovery: build ## measure what good leads wait in trouble and after it (about 45 minutes; BENCH='--short --case refused' for parts)
	$(GO) run ./bench --recovery --binary bin/leadbridge --out bench/results $(BENCH)

# What recovery is compared with: the bench/results/recovery.json of an earlier run.
BASELINE ?= bench/baseline/recovery.json

.PHONY: nightly
nightly: build ## what takes too long for each change: bench-recovery, which fails when leads wait longer than in BASELINE= by more than half
	$(GO) run ./bench --recovery --binary bin/leadbridge --out bench/results --against '$(BASELINE)' $(BENCH)

.PHONY: bench-peers
bench-peers: build ## compare bin/leadbridge with a naive consumer, and with Bento where you have one (PEERS='bento=/path'; about 20 minutes; BENCH='--short --case kills' for parts)
	$(GO) run ./bench/peers --binary bin/leadbridge --out bench/results $(if $(PEERS),--peer '$(PEERS)') $(BENCH)

.PHONY: figures
figures: ## measure the code by room: lines, lengths of files and functions, methods, documented names
	$(GO) run ./bench/figures

.PHONY: format
format: ## fail when a file is not gofmt'd
	@files=$$($(GOFMT) -l $$(git ls-files '*.go')); if [ -n "$$files" ]; then echo "gofmt -w these:"; echo "$$files"; exit 1; fi

.PHONY: vet
vet: ## run go vet
	$(GO) vet -tags attack ./...
	cd integration && $(GO) vet -tags integration,compose,k8s ./...
	cd deploy/test && $(GO) vet ./...
	cd deploy/observe && $(GO) vet ./...
	cd browser && $(GO) vet -tags browser,firefox,webkit ./...

.PHONY: lint
lint: $(TOOLS)/golangci-lint ## run golangci-lint
	$(TOOLS)/golangci-lint run --build-tags attack ./...
	cd integration && $(TOOLS)/golangci-lint run --build-tags integration,compose,k8s ./...
	cd deploy/test && $(TOOLS)/golangci-lint run ./...
	cd deploy/observe && $(TOOLS)/golangci-lint run ./...
	cd browser && $(TOOLS)/golangci-lint run --build-tags browser,firefox,webkit ./...

.PHONY: vuln
vuln: $(TOOLS)/govulncheck ## look for known vulnerabilities (needs the database: VULNDB=url or file://)
	$(TOOLS)/govulncheck $(if $(VULNDB),-db $(VULNDB)) ./...

.PHONY: tools
tools: $(TOOLS)/golangci-lint $(TOOLS)/govulncheck ## install the linters

$(TOOLS)/golangci-lint:
	GOBIN=$(TOOLS) GOFLAGS= $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)

$(TOOLS)/govulncheck:
	GOBIN=$(TOOLS) GOFLAGS= $(GO) install golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION)

.PHONY: check-all
check-all: format vet lint vuln test test-seeds test-attack race fuzz demo ## everything that CI runs

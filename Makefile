# Waypost. `make help` lists what there is.

ARCH       ?= arm64
BUILD      ?= build
FUNCTIONS  := $(notdir $(patsubst %/main.go,%,$(wildcard functions/*/main.go)))
STATICCHECK = go run honnef.co/go/tools/cmd/staticcheck@v0.8.2
FUZZTIME   ?= 200000x
# The race detector needs a C compiler; without one the tests run without it.
RACE       := $(if $(shell command -v "$${CC:-cc}" 2>/dev/null || command -v gcc 2>/dev/null),-race)

.DEFAULT_GOAL := help
.PHONY: help run test bench build synth diff deploy destroy lint cfn-lint fuzz conformance emulate clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## run all of Waypost on this machine, with the example (ARGS=--once to end by itself)
	@go run ./infra/waypost local --example $(ARGS)

test: ## run every test, with the race detector
	@test -n "$(RACE)" || echo "no C compiler found: testing without the race detector"
	go test $(RACE) -timeout 20m $$(go list ./... | grep -v /infra/stack)
	@command -v node >/dev/null || echo "no Node found: the CDK app's template is not tested"
	go test ./infra/stack

bench: ## measure, each number beside a baseline of the same run (ARGS=-only=latency for a part)
	@go run ./infra/bench $(ARGS)

build: ## build each function to build/FUNCTION/bootstrap, for linux/arm64 or linux/ARCH
	@for f in $(FUNCTIONS); do \
		echo "  $(BUILD)/$$f/bootstrap (linux/$(ARCH))"; \
		CGO_ENABLED=0 GOOS=linux GOARCH=$(ARCH) go build -trimpath -tags lambda.norpc -ldflags='-s -w' -o $(BUILD)/$$f/bootstrap ./functions/$$f || exit 1; \
	done

synth: build ## make the CloudFormation template (needs Node; ARGS="-e prod")
	@go run ./infra/waypost synth $(ARGS)

diff: build ## show what a deploy would change on AWS
	@go run ./infra/waypost diff $(ARGS)

deploy: build ## deploy to AWS (ARGS="-e prod")
	@go run ./infra/waypost deploy $(ARGS)

destroy: ## delete a deployment and its journeys' machines from AWS
	@go run ./infra/waypost destroy $(ARGS)

lint: ## check formatting, vet, staticcheck and go.mod
	@test -z "$$(gofmt -l .)" || { echo "not formatted, run gofmt -w on:"; gofmt -l .; exit 1; }
	go vet ./...
	$(STATICCHECK) ./...
	go mod tidy -diff

cfn-lint: ## hold the CloudFormation template against AWS's linter (needs Python)
	@go run ./infra/stack/cfnlint $(ARGS)

fuzz: ## fuzz what parses, for a short time (FUZZTIME=200000x)
	@bash .ci/fuzz $(FUZZTIME)

conformance: ## hold our Step Functions against moto (needs Python), and DynamoDB against Amazon's DynamoDB Local (needs Java, Maven)
	@go run ./infra/local/conformance $(ARGS)
	@go run ./infra/local/conformance/dynamodb $(filter -%,$(ARGS))

emulate: ## deploy into an emulator of AWS that others wrote, and try it there (needs Linux, Python, Node)
	@$(MAKE) --no-print-directory build ARCH=$$(go env GOARCH)
	@go run ./infra/emulator $(ARGS)

clean: ## remove what was built
	rm -rf $(BUILD)

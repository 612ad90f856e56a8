# make help says what there is.

GO          ?= go
FUZZTIME    ?= 20s
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0

.PHONY: help test deps lint vuln build fuzz bench limits
.DEFAULT_GOAL := help

help: ## say what there is
	@sed -n 's/^\([a-z]*\):[^#]*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

test: deps lint ## install what the tests need (as root, on Debian) and run all of them
	$(GO) test -race -count=1 ./...

deps:
	@.ci/install

lint: ## gofmt, go vet and staticcheck
	@unformatted=$$("$$($(GO) env GOROOT)/bin/gofmt" -l .); [ -z "$$unformatted" ] || { echo "gofmt would change:"; echo "$$unformatted"; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

# govulncheck ends with 3 when it has found something.
vuln: ## look for known vulnerabilities, where govulncheck and its data can be had
	@bin=$$(mktemp -d); trap 'rm -rf "$$bin"' EXIT; \
	GOBIN=$$bin $(GO) install $(GOVULNCHECK) >"$$bin/log" 2>&1 || \
		{ echo "SKIPPED: govulncheck can't be had: $$(grep -m 1 -v downloading "$$bin/log")"; exit 0; }; \
	"$$bin/govulncheck" ./... >"$$bin/log" 2>&1 && code=0 || code=$$?; \
	if grep -q 'fetching vulnerabilities' "$$bin/log"; then \
		echo "SKIPPED: govulncheck's data can't be had: $$(grep -m 1 'fetching vulnerabilities' "$$bin/log")"; exit 0; \
	fi; \
	cat "$$bin/log"; exit $$code

build: ## the static binary, bin/natftpd
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-s -w" -o bin/natftpd ./cmd/natftpd

fuzz: ## run each fuzz target for FUZZTIME (default 20s)
	@for package in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' "$$package" | grep '^Fuzz'); do \
			echo "$$package $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "$$package" || exit 1; \
		done; \
	done

bench: ## compare natftpd with other FTP servers on this machine; BENCH holds flags, such as -quick
	$(GO) run ./integration/bench $(BENCH)

limits: ## measure natftpd against its limits: many sessions, a flood of logins, large folders
	$(GO) run ./integration/bench -limits

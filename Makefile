# make help says what there is.

GO          ?= go
FUZZTIME    ?= 20s
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0
NFPM        := github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.43.0

# What a package is called and dated: by the last tag, or the last commit.
VERSION ?= $(shell git describe --tags --match 'v[0-9]*' 2>/dev/null || echo "v0.0.0+$$(git log -1 --format=%cd.%h --date=format:%Y%m%d%H%M 2>/dev/null)")
EPOCH   ?= $(shell git log -1 --format=%ct 2>/dev/null)
ARCH    ?= $(shell $(GO) env GOARCH)
STATIC  := CGO_ENABLED=0 $(GO) build -trimpath -tags timetzdata -ldflags "-s -w"

# Where people run it.
PLATFORMS := linux/amd64 linux/arm64 linux/arm darwin/arm64 windows/amd64 freebsd/amd64

.PHONY: help test deps lint vuln build cross same pages packages installs units docs pictures fuzz bench limits calls links performance pgo
.DEFAULT_GOAL := help

help: ## say what there is
	@sed -n 's/^\([a-z]*\):[^#]*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

test: deps lint ## install what the tests need (as root, on Debian) and run all of them
	$(GO) test -race -count=1 -timeout 14m ./...

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
	$(STATIC) -o bin/natftpd ./cmd/natftpd

cross: ## compile for every platform; they are in bin/
	@for platform in $(PLATFORMS); do \
		os=$${platform%/*} arch=$${platform#*/}; \
		echo "$$os $$arch"; \
		GOOS=$$os GOARCH=$$arch GOARM=7 $(STATIC) $(FLAGS) -o "bin/natftpd-$$os-$$arch" ./cmd/natftpd || exit 1; \
	done

same: ## build twice, in two places, and compare: the same source makes the same binary
	@dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; \
	git clone -q . "$$dir/a" && git clone -q "$$dir/a" "$$dir/bb/cc" || exit 1; \
	for place in a bb/cc; do \
		(cd "$$dir/$$place" && $(STATIC) -o natftpd ./cmd/natftpd) || exit 1; \
	done; \
	cmp "$$dir/a/natftpd" "$$dir/bb/cc/natftpd" && echo "both are $$(sha256sum <"$$dir/a/natftpd")"

pages: ## man pages and completions for shells, in bin/package/pages
	SOURCE_DATE_EPOCH=$(EPOCH) $(GO) run ./packaging/pages bin/package/pages
	gzip -9nf bin/package/pages/man/*.1

packages: pages ## a deb and an rpm, in bin/
	GOOS=linux GOARCH=$(ARCH) GOARM=7 $(STATIC) -o bin/package/natftpd ./cmd/natftpd
	@rm -f bin/*.deb bin/*.rpm
	@for kind in deb rpm; do \
		VERSION=$(VERSION) SOURCE_DATE_EPOCH=$(EPOCH) ARCH=$(ARCH) $(GO) run $(NFPM) package --config packaging/nfpm.yaml --packager $$kind --target bin/ || exit 1; \
	done

installs: packages ## install the packages in a fresh Debian, as root, follow docs/install.md, and remove them
	packaging/linux/try bin/natftpd*.deb bin/natftpd*.rpm

units: ## what systemd and docker-compose say of the unit and the compose files
	packaging/systemd/check
	packaging/docker/check

docs: docs/configuration.md ## the pages that are made of the code

docs/configuration.md: $(wildcard conf/*.go) conf/example.yaml
	$(GO) run ./cmd/natftpd config reference >$@

pictures: ## the README's picture of the status page; more of them, to be looked at, are in bin/pictures
	mkdir -p bin/pictures
	$(GO) test -count=1 -run '^TestEverybodyCanUseThePage$$' ./server/status -args -pictures "$(CURDIR)/bin/pictures"
	cp bin/pictures/status-page.png docs/

# A target is tried again: before 1.27 Go may take the end of the time for a failure
# (go.dev/issue/75804). What was found fails once more.
fuzz: ## run each fuzz target for FUZZTIME (default 20s)
	@for package in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' "$$package" | grep '^Fuzz'); do \
			echo "$$package $$target"; \
			fuzz="$(GO) test -run ^$$ -fuzz ^$$target\$$ -fuzztime $(FUZZTIME) $$package"; \
			$$fuzz || $$fuzz || exit 1; \
		done; \
	done

bench: ## compare natftpd with other FTP servers on this machine; BENCH holds flags, such as -quick
	$(GO) run ./integration/bench $(BENCH)

limits: ## measure natftpd against its limits: many sessions, a flood of logins, large folders
	$(GO) run ./integration/bench -limits

calls: ## count system calls, for docs/performance.md
	WRITE_PERFORMANCE=1 $(GO) test -count=1 -run '^TestSystemCallsOfATransfer$$' ./integration

links: ## compare natftpd with iperf3 on long and lossy lines, for docs/performance.md: a quarter of an hour
	WRITE_PERFORMANCE=1 $(GO) test -count=1 -timeout 30m -run '^TestLinks$$' ./integration

MODES := compare overhead growth limits profile

performance: ## all of docs/performance.md, anew: an hour or two on a machine with nothing else to do
	@for target in calls links; do \
		make $$target || missed="$$missed $$target"; \
	done; \
	for mode in $(MODES); do \
		$(GO) run ./integration/bench -$$mode -publish docs/performance || missed="$$missed $$mode"; \
	done; [ -z "$$missed" ] || { echo "beyond a limit, or broken:$$missed"; exit 1; }

pgo: ## profile the usual loads for the compiler: cmd/natftpd/default.pgo, which go build takes by itself
	$(GO) run ./integration/bench -profile -pgo cmd/natftpd/default.pgo

# Everything runs without make; these are shorthands.
.PHONY: build test check check-ts generate sim fuzz bench

build:
	go build -o bin/isthmus ./cmd/isthmus

test:
	go test ./...

check:
	bash .ci/run

check-ts:
	bash proofs/ts/check.sh

generate:
	go generate ./proofs/... ./chain/types/...
	bash tools/generate.sh

# Longer runs than go test makes. SEEDS=10000 for a night.
SEEDS ?= 1000
sim:
	go run ./cmd/isthmus sim run --scenario all --seeds 1-$(SEEDS)

# Every order of events in the ordering core, within wider bounds than go test.
explore:
	go test ./internal/sim -run TestExplore -count=1 -v -timeout=2h -sim.explore

FUZZTIME ?= 30s
fuzz:
	@for pkg in $$(go list ./proofs/... ./chain/... ./mesh/...); do \
		for f in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
			echo "$$pkg $$f"; go test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
		done; \
	done

bench:
	go test -run '^$$' -bench . -benchtime 1s ./proofs/... ./chain/...

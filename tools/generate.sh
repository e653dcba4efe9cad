#!/usr/bin/env bash
# Regenerates all generated code with the pinned tools: the canoto runtime and
# the canoto methods of every file that asks for them, and the API's protobuf
# and connect code if protoc is installed (Debian: protobuf-compiler).
set -euo pipefail
cd "$(dirname "$0")/.."
module=$(go list -m)

canoto() { go tool -modfile=tools/go.mod canoto "$@"; }
canoto --library=./internal
for file in $(git ls-files '*.go' | xargs grep -l '^//go:generate go tool .* canoto '); do
	canoto --import="$module/internal/canoto" "$file"
done

if command -v protoc >/dev/null; then
	bin=$(mktemp -d)
	trap 'rm -rf "$bin"' EXIT
	go build -modfile=tools/go.mod -o "$bin" google.golang.org/protobuf/cmd/protoc-gen-go connectrpc.com/connect/cmd/protoc-gen-connect-go
	for proto in $(git ls-files '*.proto'); do
		PATH="$bin:$PATH" protoc -I chain/api --go_out=. --go_opt=module="$module" \
			--connect-go_out=. --connect-go_opt=module="$module" "$proto"
	done
else
	echo "protoc is not installed: the API's generated code was left as it is"
fi

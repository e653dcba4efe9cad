package api

// The generated code is committed. To make it again: protoc must be installed
// (protobuf-compiler); its two plugins are built from the versions that
// tools/go.mod pins.
//
//go:generate mkdir -p bin
//go:generate go build -modfile=../../tools/go.mod -o bin/ google.golang.org/protobuf/cmd/protoc-gen-go connectrpc.com/connect/cmd/protoc-gen-connect-go
//go:generate protoc --plugin=bin/protoc-gen-go --plugin=bin/protoc-gen-connect-go --go_out=paths=source_relative:. --connect-go_out=paths=source_relative:. isthmus/v1/node.proto isthmus/v1/admin.proto
//go:generate rm -r bin

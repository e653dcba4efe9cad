// Package api is what clients call: the node's service over TCP and its admin
// service over a unix socket, both described by the protobuf schema in isthmus/v1
// and served with connect, so that gRPC, gRPC-Web and JSON over plain HTTP work.
//
// What lives here: [Backend] and [Admin], which the node implements and which
// speak the types of proofs and chain/types; the servers that translate between
// them and the schema ([NewServer]); the client that decodes and bounds every
// answer ([Dial]); the classes of errors, and their mapping to the codes of
// connect and to exit codes (errors.go).
//
// Objects that prove something cross the API as the wire bytes that proofs
// decodes. Readable fields beside them are for people and prove nothing.
//
// It may import proofs, chain/types, connect and protobuf. It must not import
// chain/node or any package that drives one. chain/node, cmd and internal/devnet
// may import it.
package api

// Package node runs one node of a network: it turns what the pure machines
// return into storage, messages and time, and wires execution to the mesh.
//
// The goroutines and what each owns:
//
//   - the core owns lanes.Machine and consensus.Machine. Everything that happens
//     to them is an event in one bounded inbox; several events are taken before
//     what they caused is made durable with one sync and only then sent (core.go);
//   - execution owns the state's transactions: it runs ordered blocks one after
//     the other and tells the core the roots (execute.go);
//   - the batcher takes what was admitted, and what the mesh brings, into batches
//     of this node's lane (ingress.go);
//   - the publisher prepares, for each newly certified header, what strangers may
//     ask for, and announces it (publish.go);
//   - mesh/client follows peer networks (follow.go);
//   - p2p and API handlers run in goroutines of their own and only post or read.
//
// Only cmd and internal/devnet import it.
package node

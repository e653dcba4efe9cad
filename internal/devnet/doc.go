// Package devnet runs networks on one machine, every validator a process of its
// own, links them by real governance, sends transfers between them, and audits
// what became of them.
//
// What lives here: the supervisor of the validators' processes, which leaves none
// behind; [Devnet], for tests that kill and restart validators; the auditor, which
// believes nothing but certified headers and proofs; [Run], the command
// `isthmus devnet`. Subpackage parent is what the supervised process imports.
//
// cmd/isthmus and end-to-end tests may import it. It may import everything that
// cmd may: bootstrap, chain/api, chain/execution, chain/p2p, chain/types, proofs.
package devnet

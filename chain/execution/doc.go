// Package execution runs ordered blocks: it chooses a block's work, handles
// messages by accounts, takes fees, keeps duplicates out and writes receipts.
//
// [Engine] is pure and serial. It runs on a [types.State] with the block's time,
// epoch and validator set as arguments; no I/O, no goroutine, no clock. Errors
// are those of the state below, or show that an invariant of the state is
// broken; both are fatal to the block. Everything else that can go wrong is a
// proofs.Code in a receipt, a [Note] or a [Charge]. The specification is
// docs/spec/execution.md.
//
// Drivers (chain/node), chain/api and tests import it. It imports the standard
// library, proofs with its subpackages, and chain/types. It must not import mesh:
// it declares the [Mesh] that it needs, and mesh.Rules satisfies it.
package execution

// Package mesh holds the rules between this network and its peers: who is a
// peer, what of a peer is trusted, what is inducted from its queue, what is sent
// into ours, and what becomes of the value that crosses; and of governance, which
// decides on peers and on our own validator set.
//
// [Rules] is pure. It runs on a [types.State] with the block's time, epoch and
// validator set as arguments; it performs no I/O, starts no goroutine and reads
// no clock. Whatever a peer or a carrier does wrong is data: a [Note] or a
// proofs.Code. Errors are those of the state below, or show that an invariant of
// the state is broken, and are fatal to the block. The specification is
// docs/spec/mesh.md.
//
// Drivers (chain/node), mesh/client and tests import it. It imports the standard
// library, proofs with its subpackages, and chain/types; never chain/execution,
// whose interface it satisfies, and no driver.
package mesh

package lanes

import (
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// Signer signs with the node's Ed25519 key, deterministically.
type Signer interface {
	SignCar(*types.Car)
	SignVote(*types.CarVote)
}

// Limits bound what the machine keeps and how often it asks again. Zero fields
// take the defaults.
type Limits struct {
	Window     int    // cars of one lane above the last final one; default 64
	Forks      int    // cars kept at one height of a lane; default 3
	Unlinked   int    // cars kept of one lane whose ancestors are missing; default 64
	Holds      int    // holds waited for at once: a newer one pushes the oldest out; default 16
	Ahead      int    // final blocks collected at once; default 8
	Orphans    int    // batches of one sender that no car names yet; default 1024
	Remembered int    // ordered batches still known to be on disk; default 16384
	Early      int    // messages of one sender kept for the next epoch; default 16
	Grace      uint64 // ms from a car to the first fetch of its batches, which may still be streaming; default 30
	Retry      uint64 // ms between fetches of one thing; default 250
	Resend     uint64 // ms until an uncommitted own car is sent again, doubling to 16 times that; default 500
}

func (l Limits) orDefaults() Limits {
	for _, f := range [...]struct {
		at   *int
		want int
	}{{&l.Window, 64}, {&l.Forks, 3}, {&l.Unlinked, 64}, {&l.Holds, 16}, {&l.Ahead, 8}, {&l.Orphans, 1024}, {&l.Remembered, 16384}, {&l.Early, 16}} {
		if *f.at <= 0 {
			*f.at = f.want
		}
	}
	for _, f := range [...]struct {
		at   *uint64
		want uint64
	}{{&l.Grace, 30}, {&l.Retry, 250}, {&l.Resend, 500}} {
		if *f.at == 0 {
			*f.at = f.want
		}
	}
	return l
}

// Config says who runs the machine.
type Config struct {
	Network proofs.NetworkID
	Node    proofs.NodeKey // a member of the set, or not: then it follows without lane or vote
	Signer  Signer         // may be nil for a node that is never a member
	Limits  Limits
}

// Start is what a node knows when it starts: all of it was durable.
type Start struct {
	Epoch uint64
	Set   *proofs.ValidatorSet
	// Committed is the cut of the last block that is not given as [Final] again: the
	// base of the next one. Usually that of the last executed block, or the epoch's
	// empty cut.
	Committed types.Cut
	// Height is the height of that block (of the anchor, if it is the empty cut).
	Height uint64
	// Cars are the stored cars of this epoch and later ones, in any order. Their
	// signatures are not checked again.
	Cars []types.Car
	// Own are the batches that this node has to get ordered and that are in no block
	// yet (its own and those it adopted), oldest first. Those that a stored own car
	// of the epoch carries may be among them.
	Own []proofs.Hash
	// HasBatch reports whether a batch is durable. Called by New and by EpochIn, for
	// batches of Cars and Own. Nil means none.
	HasBatch func(proofs.Hash) bool
	// Signed looks a slot up in the signing record: what was signed there, if
	// anything. Called whenever a slot is about to be used. Nil means none.
	Signed func(kind uint8, epoch, height uint64, lane uint32) (proofs.Hash, bool)
}

package consensus

import (
	"fmt"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// ZeroAnchor is the anchor of epoch 0: the zero block, whose header is not hashed;
// its id is the network's.
func ZeroAnchor(z *proofs.Zero) (Anchor, error) {
	e, err := ZeroExecuted(z)
	if err != nil {
		return Anchor{}, err
	}
	return Anchor{
		ID: proofs.Hash(z.ID), Set: z.Set,
		Header: proofs.Header{
			Version: z.Version, Network: z.ID, SetHash: z.Set.Hash(), Time: z.Time, ExecutedTime: z.Time,
			StateRoot: e.StateRoot, OutboundRoot: e.OutboundRoot, ReceiptRoot: e.ReceiptRoot, NextSetHash: z.Set.Hash(),
		},
	}, nil
}

// ZeroExecuted is what the first headers carry before anything was executed.
func ZeroExecuted(z *proofs.Zero) (types.Executed, error) {
	out, err := proofs.OutboundRoot(z.ID, z.Time, nil)
	if err != nil {
		return types.Executed{}, err
	}
	return types.Executed{Time: z.Time, StateRoot: z.StateRoot, OutboundRoot: out, ReceiptRoot: merkle.EmptyRoot(), NextSet: z.Set}, nil
}

// Next returns the anchor of the epoch that follows a's and starts on the final
// key block b.
func (a *Anchor) Next(b *types.Block) (Anchor, error) {
	h := &b.Header
	if h.Epoch != a.Epoch || !h.IsKeyBlock() {
		return Anchor{}, fmt.Errorf("consensus: block %d of epoch %d: want a key block of epoch %d: %w", h.Height, h.Epoch, a.Epoch, proofs.ErrLink)
	}
	set, err := a.Set.Apply(&b.NextSet)
	if err != nil {
		return Anchor{}, fmt.Errorf("consensus: key block %d: %w", h.Height, err)
	}
	if set.Hash() != h.NextSetHash {
		got, want := set.Hash(), h.NextSetHash
		return Anchor{}, fmt.Errorf("consensus: key block %d: delta gives set %x, want %x: %w", h.Height, got[:4], want[:4], proofs.ErrSet)
	}
	return Anchor{Epoch: a.Epoch + 1, ID: h.ID(), Header: *h, Set: set}, nil
}

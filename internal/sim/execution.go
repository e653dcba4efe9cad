package sim

import (
	"crypto/sha256"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// execute is the synthetic execution: the state root is the hash chain of what was
// ordered, receipts count cars, an empty block changes neither.
func (w *World) execute(prev *types.Executed, b *types.FinalBlock, parentCut *types.Cut) (types.Executed, error) {
	h := &b.Block.Header
	e := types.Executed{Height: h.Height, Time: h.Time, StateRoot: prev.StateRoot, ReceiptRoot: prev.ReceiptRoot, ReceiptSize: prev.ReceiptSize}
	if !b.Block.Cut.Same(parentCut) {
		e.StateRoot = hashOf(prev.StateRoot[:], h.CutRoot[:])
		e.ReceiptRoot = hashOf(prev.ReceiptRoot[:], h.CutRoot[:])
		for i := range b.Block.Cut.Tips {
			e.ReceiptSize += b.Block.Cut.Tips[i].Height - parentCut.Tips[i].Height
		}
	}
	e.OutboundRoot = hashOf(e.StateRoot[:], proofs.NewLayout(w.zero.ID, proofs.TypeOutboundRoot).U64(h.Time).Bytes())
	var err error
	e.NextSet, err = w.nextSet(e.StateRoot)
	return e, err
}

// nextSet is a function of the state: with rotation one of the members rests.
func (w *World) nextSet(root proofs.Hash) (*proofs.ValidatorSet, error) {
	if !w.scenario.Rotate {
		return w.zero.Set, nil
	}
	weights := append([]uint64(nil), w.scenario.Weights...)
	weights[int(root[0])%len(weights)] = 0
	return setOf(weights)
}

func hashOf(parts ...[]byte) (out proofs.Hash) {
	h := sha256.New()
	for _, p := range parts {
		h.Write(p)
	}
	h.Sum(out[:0])
	return out
}

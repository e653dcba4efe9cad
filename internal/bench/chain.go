package bench

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// chain is a network's key blocks in wire form. The block of epoch i has height
// (i+1)·spacing.
type chain struct {
	zero *proofs.Zero
	wire [][]byte
}

const spacing = 10

// makeChain makes blocks key blocks of a network with that many validators. With
// churn each key block exchanges one of them: the one that was there longest.
func makeChain(ctx context.Context, blocks, validators int, churn bool) (*chain, error) {
	newcomers := 0
	if churn {
		newcomers = blocks
	}
	seats := make([]seat, validators+newcomers)
	if err := onAllCores(ctx, len(seats), func(i int) (err error) {
		seats[i], err = newSeat(i)
		return err
	}); err != nil {
		return nil, err
	}
	zero, err := found(newCommittee(seats[:validators]))
	if err != nil {
		return nil, err
	}
	c := &chain{zero: zero, wire: make([][]byte, blocks)}
	return c, onAllCores(ctx, blocks, func(i int) error {
		var next proofs.SetDelta
		now := seats[:validators]
		if churn {
			now = seats[i : i+validators]
			next = proofs.SetDelta{Removed: []proofs.NodeKey{seats[i].Node}, Upserted: []proofs.Validator{seats[i+validators].Validator}}
		}
		after := now
		if churn {
			after = seats[i+1 : i+1+validators]
		}
		kb, err := c.keyBlock(i, newCommittee(now), newCommittee(after))
		kb.Next = next
		c.wire[i] = kb.MarshalCanoto()
		return err
	})
}

// keyBlock makes the key block that ends an epoch.
func (c *chain) keyBlock(epoch int, now, after committee) (kb proofs.KeyBlock, err error) {
	h := &kb.Header
	h.Version, h.Network, h.Epoch = proofs.Version, c.zero.ID, uint64(epoch)
	h.SetHash, h.NextSetHash = now.hash(), after.hash()
	h.Height, h.PreviousKeyHeight = uint64(epoch+1)*spacing, uint64(epoch)*spacing
	h.Parent, h.CutRoot = proofs.Hash{1}, proofs.Hash{2}
	h.Time = c.zero.Time + uint64(epoch+1)*c.zero.Parameters.EpochDuration
	h.Executed, h.ExecutedTime = h.Height-1, h.Time-1
	h.StateRoot, h.OutboundRoot, h.ReceiptRoot = proofs.Hash{3}, proofs.Hash{4}, merkle.EmptyRoot()
	kb.Certificate, err = now.finalize(h)
	return kb, err
}

// end is when the last key block was made, ms.
func (c *chain) end() uint64 {
	return c.zero.Time + uint64(len(c.wire))*c.zero.Parameters.EpochDuration
}

// Name implements bootstrap.Source.
func (c *chain) Name() string { return "memory" }

// KeyBlocks implements bootstrap.Source: it decodes, as one that is far away must.
func (c *chain) KeyBlocks(ctx context.Context, from uint64, limit int) ([]proofs.KeyBlock, error) {
	first := int(from / spacing)
	blocks := make([]proofs.KeyBlock, min(limit, len(c.wire)-first))
	for i := range blocks {
		if err := proofs.Decode(&blocks[i], c.wire[first+i], len(c.wire[first+i])); err != nil {
			return nil, fmt.Errorf("key block %d: %w", first+i, err)
		}
	}
	return blocks, ctx.Err()
}

// onAllCores does work for all of [0, n), and returns the first error.
func onAllCores(ctx context.Context, n int, work func(i int) error) error {
	cores := runtime.GOMAXPROCS(0)
	errs := make([]error, cores)
	var working sync.WaitGroup
	for k := range cores {
		working.Go(func() {
			for i := k; i < n && errs[k] == nil; i += cores {
				if errs[k] = ctx.Err(); errs[k] == nil {
					errs[k] = work(i)
				}
			}
		})
	}
	working.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

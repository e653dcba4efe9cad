package node

import (
	"errors"
	"fmt"

	"github.com/isthmus-network/isthmus/chain/consensus"
	"github.com/isthmus-network/isthmus/chain/lanes"
	"github.com/isthmus-network/isthmus/chain/state"
	"github.com/isthmus-network/isthmus/chain/store"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// restore rebuilds the machines from the stores.
func (n *Node) restore() error {
	last, err := n.blocks.last()
	if errors.Is(err, store.ErrNotFound) {
		last, err = nil, nil
	}
	if err != nil {
		return err
	}
	anchor, sets, err := n.anchor(last)
	if err != nil {
		return err
	}
	c := &core{
		n: n, inbox: make(chan any, inboxSize), epoch: anchor.Epoch, set: anchor.Set, sets: sets,
		lastCut: types.NewCut(anchor.Set.Len()), now: n.now(),
	}
	n.core = c
	if last != nil && last.Block.Header.Epoch == anchor.Epoch {
		c.lastCut = last.Block.Cut
	}
	if err := n.restoreLanes(c, last); err != nil {
		return err
	}
	if err := n.restoreOrder(c, anchor, last); err != nil {
		return err
	}
	n.publishStatus(c)
	if last != nil {
		for h := last.Block.Header.Height; h > 0; h-- {
			f, err := n.blocks.final(h)
			if err != nil {
				return err
			}
			if f.Certificate != nil {
				n.pub.offer(f)
				break
			}
		}
	}
	return nil
}

// anchor follows the stored key blocks to the epoch that contains or follows last.
func (n *Node) anchor(last *types.FinalBlock) (consensus.Anchor, map[uint64]*proofs.ValidatorSet, error) {
	a, err := consensus.ZeroAnchor(n.zero)
	if err != nil || last == nil {
		return a, map[uint64]*proofs.ValidatorSet{0: n.zero.Set}, err
	}
	sets := map[uint64]*proofs.ValidatorSet{0: a.Set}
	heights, err := n.blocks.keyBlocksAfter(0, int(last.Block.Header.Height))
	if err != nil {
		return a, nil, err
	}
	for _, h := range heights {
		f, err := n.blocks.final(h)
		if err != nil {
			return a, nil, err
		}
		if a, err = a.Next(&f.Block); err != nil {
			return a, nil, err
		}
		sets[a.Epoch] = a.Set
	}
	return a, sets, nil
}

// restoreLanes restores the data layer as of the newest executed block, and gives
// it the final blocks above again: they are executed when their cars are there.
func (n *Node) restoreLanes(c *core, last *types.FinalBlock) error {
	own, err := n.ingress.restore()
	if err != nil {
		return err
	}
	start := lanes.Start{
		Set: n.zero.Set, Committed: types.NewCut(n.zero.Set.Len()), Height: n.state.Version(), Own: own,
		HasBatch: func(d proofs.Hash) bool { ok, err := n.blocks.hasBatch(d); return err == nil && ok },
		Signed: func(kind uint8, epoch, height uint64, lane uint32) (proofs.Hash, bool) {
			return n.signing.Lookup(store.Slot{Kind: kind, Epoch: epoch, View: height, Sub: uint64(lane)})
		},
	}
	if v := n.state.Version(); v > 0 {
		f, err := n.blocks.final(v)
		if err != nil {
			return fmt.Errorf("executed block %d: %w", v, err)
		}
		start.Epoch, start.Committed = f.Block.Header.Epoch, f.Block.Cut
		if f.Block.Header.IsKeyBlock() {
			start.Epoch++
			start.Committed = types.NewCut(c.sets[start.Epoch].Len())
		}
		start.Set = c.sets[start.Epoch]
	}
	for e := start.Epoch; e <= c.epoch; e++ {
		cars, err := n.blocks.cars(e)
		if err != nil {
			return err
		}
		start.Cars = append(start.Cars, cars...)
	}
	c.lanes = lanes.New(lanes.Config{Network: n.zero.ID, Node: n.keys.NodeKey(), Signer: signer{n}}, start)
	if last != nil {
		if err := n.replay(c, start, last.Block.Header.Height); err != nil {
			return err
		}
	}
	c.wakeLanes = c.now // the first tick ends the replay
	return nil
}

// replay gives the data layer the final blocks above the executed one.
func (n *Node) replay(c *core, start lanes.Start, last uint64) error {
	base := start.Committed
	for h := start.Height + 1; h <= last; h++ {
		f, err := n.blocks.final(h)
		if err != nil {
			return err
		}
		if err := n.replayStep(c, lanes.Final{Block: *f, Base: base}); err != nil {
			return fmt.Errorf("replay block %d: %w", h, err)
		}
		base = f.Block.Cut
		if f.Block.Header.IsKeyBlock() {
			epoch := f.Block.Header.Epoch + 1
			if err := n.replayStep(c, lanes.EpochIn{Epoch: epoch, Set: c.sets[epoch]}); err != nil {
				return fmt.Errorf("replay epoch %d: %w", epoch, err)
			}
			base = types.NewCut(c.sets[epoch].Len())
		}
	}
	return nil
}

// replayStep keeps what is to be executed; nothing is signed or sent in a replay.
func (n *Node) replayStep(c *core, in lanes.Input) error {
	out := c.lanes.Step(c.now, in)
	if len(out.Refused) > 0 {
		return out.Refused[0].Err
	}
	c.wakeLanes = out.Wake
	for i := range out.FetchBatches {
		c.fetchBatch(out.FetchBatches[i])
	}
	for i := range out.FetchCars {
		c.fetchCars(out.FetchCars[i])
	}
	for i := range out.Ordered {
		o := out.Ordered[i]
		c.toExecute = append(c.toExecute, job{OrderedBlock: o, set: c.sets[o.Final.Block.Header.Epoch]})
	}
	return nil
}

func (n *Node) restoreOrder(c *core, anchor consensus.Anchor, last *types.FinalBlock) error {
	start := consensus.Start{Anchor: anchor, LastFinal: last}
	from := n.state.Version()
	if last != nil {
		from = min(from, last.Block.Header.Executed)
	}
	for h := from; h <= n.state.Version(); h++ {
		e, err := n.resultsAgain(h)
		if errors.Is(err, state.ErrPruned) {
			continue
		}
		if err != nil {
			return err
		}
		start.Executed = append(start.Executed, *e)
	}
	err := n.wal.Replay(func(_ uint64, record []byte) error {
		start.Records = append(start.Records, append([]byte(nil), record...))
		return nil
	})
	if err != nil {
		return err
	}
	c.order, err = consensus.New(consensus.Config{
		Zero: n.zero, Node: n.keys.NodeKey(), Crypto: n.bls,
		Signed: func(kind uint8, epoch, view uint64) (proofs.Hash, bool) {
			return n.signing.Lookup(store.Slot{Kind: kind, Epoch: epoch, View: view})
		},
	}, start)
	return err
}

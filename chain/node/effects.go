package node

import (
	"context"

	"github.com/isthmus-network/isthmus/chain/consensus"
	"github.com/isthmus-network/isthmus/chain/lanes"
	"github.com/isthmus-network/isthmus/chain/p2p"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

func (c *core) sendLane(s *lanes.Send) {
	var f []byte
	switch {
	case s.Car != nil:
		f = frame(msgCar, s.Car)
	case s.Vote != nil:
		f = frame(msgCarVote, s.Vote)
	default:
		f = frame(msgCarCertificate, s.Cert)
	}
	c.send(classLanes, s.All, s.To, f)
}

func (c *core) sendOrder(s *consensus.Send) {
	var f []byte
	switch m := s.Msg.(type) {
	case *types.Proposal:
		c.n.seen.put(&m.Block)
		f = frame(msgProposal, m)
	case *types.Vote:
		f = frame(msgVote, m)
	case *types.Quorum:
		f = frame(msgQuorum, m)
	}
	c.send(classOrder, s.All, s.To, f)
}

// send queues a message for after the flush. What cannot be sent is sent again by
// the machines when it is missed.
func (c *core) send(class p2p.Class, all bool, to proofs.NodeKey, f []byte) {
	set := c.set
	c.pending.after = append(c.pending.after, func(context.Context) {
		if all {
			c.n.broadcast(set, class, f)
		} else if err := c.n.host.Send(p2p.NodeKey(to), class, f); err != nil {
			c.n.log.Debug("not sent", "class", class.Name, "to", to, "error", err)
		}
	})
}

// fetchCars looks into the own store first: the data layer forgets what is there.
func (c *core) fetchCars(r lanes.CarFetch) {
	req := carsRequest{Epoch: r.Epoch, Tip: types.Tip{Lane: r.Lane, Height: r.Height, Digest: r.Digest}, Down: r.Down}
	c.pending.after = append(c.pending.after, func(ctx context.Context) {
		if cars, err := c.n.storedCars(&req); err == nil && len(cars) > 0 {
			c.n.group.Go(func() {
				for i := range cars {
					c.post(ctx, lanes.CarIn{From: c.n.keys.NodeKey(), Car: cars[i]})
				}
			})
			return
		}
		c.n.fetch(ctx, "cars", r.From, func(ctx context.Context, peer p2p.NodeKey) error {
			cars, err := c.n.askCars(ctx, peer, &req)
			for i := range cars {
				c.post(ctx, lanes.CarIn{From: proofs.NodeKey(peer), Car: cars[i]})
			}
			return err
		})
	})
}

func (c *core) fetchBatch(r lanes.BatchFetch) {
	c.pending.after = append(c.pending.after, func(ctx context.Context) {
		if ok, err := c.n.blocks.hasBatch(r.Digest); err == nil && ok {
			c.n.group.Go(func() { c.post(ctx, lanes.BatchStored{Digest: r.Digest}) })
			return
		}
		c.n.fetch(ctx, "batch", r.From, func(ctx context.Context, peer p2p.NodeKey) error {
			err := c.n.askBatch(ctx, peer, r.Digest)
			if err == nil {
				c.post(ctx, lanes.BatchStored{Digest: r.Digest})
			}
			return err
		})
	})
}

func (c *core) fetchBlocks(r consensus.Fetch) {
	if r.ID == (proofs.Hash{}) && c.lanes.Backlog()+len(c.toExecute) > maxBacklog {
		return // execution is behind: more blocks would only pile up
	}
	c.pending.after = append(c.pending.after, func(ctx context.Context) {
		c.n.fetch(ctx, "blocks", r.To, func(ctx context.Context, peer p2p.NodeKey) error {
			from := proofs.NodeKey(peer)
			if r.ID != (proofs.Hash{}) {
				b, err := c.n.askBlock(ctx, peer, r.ID)
				if err == nil {
					c.post(ctx, consensus.BlockIn{From: from, Block: b})
				}
				return err
			}
			blocks, err := c.n.askBlocks(ctx, peer, r.FromHeight)
			if err == nil {
				c.post(ctx, consensus.FinalBlocksIn{From: from, Blocks: blocks})
			}
			return err
		})
	})
}

package sim

import (
	"slices"

	"github.com/isthmus-network/isthmus/chain/consensus"
	"github.com/isthmus-network/isthmus/chain/execution"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// execute runs ordered blocks one after the other, beside the core.
func (c *core) execute() {
	n := c.n
	if c.executing || len(c.toExecute) == 0 {
		return
	}
	c.executing = true
	n.after(n.world.between(1, n.world.scenario.ExecutionDelay), "execution", func() {
		c.executing = false
		j := c.toExecute[0]
		c.toExecute = c.toExecute[1:]
		if err := c.executeBlock(&j); err != nil {
			n.world.fail("node %d: block %d: %v", n.index, j.Final.Block.Header.Height, err)
			return
		}
		if n.core == c {
			c.execute()
		}
	})
}

// executeBlock runs one block, commits the state, and tells the core.
func (c *core) executeBlock(j *job) error {
	n, h, st := c.n, &j.Final.Block.Header, &c.n.disk.state
	if h.Height <= st.version() {
		return nil // executed before a restart
	}
	block := &execution.Block{Height: h.Height, Time: h.Time, Epoch: h.Epoch, Set: j.set, Items: n.items(j)}
	res, err := c.engine.Execute(st.state, block)
	if err != nil {
		return err
	}
	e := types.Executed{Height: h.Height, Time: h.Time, StateRoot: st.state.Root(), ReceiptRoot: merkle.EmptyRoot(), NextSet: res.NextSet}
	if e.OutboundRoot, err = proofs.OutboundRoot(n.net.zero.ID, h.Time, res.Heads); err != nil {
		return err
	}
	receipts, err := st.state.LogInfo(execution.ReceiptLog)
	if err != nil {
		return err
	}
	if e.ReceiptSize = receipts.End(); e.ReceiptSize > 0 {
		if e.ReceiptRoot, err = receipts.Range.Root(); err != nil {
			return err
		}
	}
	st.commit(e, res.Heads)
	n.net.ledger.executed(n, &e, res)
	if !n.effect("executing") {
		return nil
	}
	if n.world.chance(0.3) {
		st.sync()
	}
	n.forgetOwn(j)
	n.post(consensus.ExecutedIn{Executed: e})
	return nil
}

// items reads what the block orders.
func (n *Node) items(j *job) (items []execution.Item) {
	for i := range j.Cars {
		for _, digest := range j.Cars[i].Batches {
			b := n.disk.chain.live.batches[digest]
			if b == nil {
				n.world.fail("node %d: batch %x of an ordered block is not there", n.index, digest[:4])
				return nil
			}
			for k := range b.Items {
				item := execution.Item{Lane: j.Cars[i].Lane, Item: b.Items[k]}
				if item.Item.Kind == types.ItemExternal {
					if x, err := types.DecodeExternal(item.Item.Data); err == nil {
						item.External, item.SigOK = x, n.world.verified(x)
					}
				}
				items = append(items, item)
			}
		}
	}
	return items
}

// forgetOwn forgets the own batches that a block ordered; not synced, as in
// chain/node: one that comes back is void.
func (n *Node) forgetOwn(j *job) {
	n.disk.chain.write(func(d *chainData) {
		for i := range j.Cars {
			for _, digest := range j.Cars[i].Batches {
				d.ordered[digest] = true
				if k := slices.Index(d.own, digest); k >= 0 {
					d.own = slices.Delete(d.own, k, k+1)
				}
			}
		}
	})
}

// verified checks a user's signature, once for all nodes.
func (w *World) verified(x *types.External) bool {
	id := x.ID()
	ok, known := w.signatures[id]
	if !known {
		ok = x.VerifySignature() == nil
		w.signatures[id] = ok
	}
	return ok
}

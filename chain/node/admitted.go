package node

import (
	"encoding/binary"
	"errors"

	"github.com/isthmus-network/isthmus/chain/admission"
	"github.com/isthmus-network/isthmus/chain/lanes"
	"github.com/isthmus-network/isthmus/chain/store"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// executed follows the messages of a block, and forgets own batches in it.
func (g *ingress) executed(now uint64, j *job, done *types.Executed, receipts []proofs.Receipt) {
	g.mu.Lock()
	for i := range receipts {
		if r := &receipts[i]; r.Kind == proofs.ReceiptExternal {
			g.pool.Executed(now, r.Body, done.Height, r.Code)
			g.answer(r.ID)
		}
	}
	for _, id := range g.pool.Expire(now, done.Time) {
		delete(g.batched, id)
	}
	g.mu.Unlock()
	g.ownMu.Lock()
	defer g.ownMu.Unlock()
	var w store.Batch
	for i := range j.Cars {
		for _, digest := range j.Cars[i].Batches {
			w.Set(key(keyOrdered, digest[:]), nil)
			if place, ok := g.own[digest]; ok {
				w.Delete(key(keyOwn, u64(place)))
				delete(g.own, digest)
			}
		}
	}
	if w.Len() > 0 {
		// Not synced: an own batch that comes back is ordered already, and void.
		if err := g.n.chainDB.Write(&w, false); err != nil {
			g.n.log.Error("own batches not forgotten", "error", err)
		}
	}
}

// forget deletes batches that nobody will ask for: no car of the epoch names them,
// no block ordered them, and they are not ours.
func (g *ingress) forget(digests []proofs.Hash) {
	g.ownMu.Lock()
	defer g.ownMu.Unlock()
	var w store.Batch
	for _, digest := range digests {
		_, own := g.own[digest]
		ordered, err := g.n.chainDB.Has(key(keyOrdered, digest[:]))
		if err == nil && !own && !ordered {
			w.Delete(key(keyBatch, digest[:]))
		}
	}
	if w.Len() > 0 {
		if err := g.n.chainDB.Write(&w, false); err != nil {
			g.n.log.Error("void batches not deleted", "error", err)
		}
	}
}

// acknowledged and ordered follow what happens to batches.
func (g *ingress) acknowledged(batches []proofs.Hash) {
	now := g.n.now()
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, b := range batches {
		g.pool.Acknowledged(now, b)
	}
}

func (g *ingress) ordered(o *lanes.OrderedBlock) {
	now := g.n.now()
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range o.Cars {
		for _, b := range o.Cars[i].Batches {
			g.pool.Ordered(now, o.Final.Block.Header.Height, b)
		}
	}
}

func (g *ingress) certified(executed, height uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pool.Certified(g.n.now(), executed, height)
}

// lookup returns what is known of a message that this node admitted: from the pool,
// or, after a restart, from what was stored with its batch.
func (g *ingress) lookup(id proofs.Hash) (admission.Status, bool) {
	g.mu.Lock()
	st, ok := g.pool.Status(id)
	g.mu.Unlock()
	if ok {
		return st, true
	}
	b, err := g.n.chainDB.Get(key(keyAdmitted, id[:]))
	if err != nil || len(b) != 16 {
		return st, false // no node goes on for long with a store that fails
	}
	st = admission.Status{ID: id, Stage: admission.Batched, Expiry: binary.BigEndian.Uint64(b[8:])}
	st.Times[admission.Received] = binary.BigEndian.Uint64(b)
	return st, g.n.conclude(&st) == nil
}

// conclude adds what the chain says of a message that the pool has forgotten.
func (n *Node) conclude(st *admission.Status) error {
	r, done, err := n.receiptOf(st.ID)
	if err != nil {
		return err
	}
	if done {
		st.Stage, st.Ordered, st.Executed, st.Code = admission.Executed, r.Height, r.Height, r.Code
		if p := n.pub.published.Load(); p != nil && p.header.Header.Executed >= r.Height {
			st.Stage = admission.Certified
		}
		return nil
	}
	f, err := n.blocks.final(n.state.Version())
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err == nil && f.Block.Header.Time/1000 >= st.Expiry {
		st.Stage, st.Times[admission.Expired] = admission.Expired, 1000*st.Expiry
	}
	return err
}

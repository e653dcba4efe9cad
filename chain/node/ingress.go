package node

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/isthmus-network/isthmus/chain/admission"
	"github.com/isthmus-network/isthmus/chain/execution"
	"github.com/isthmus-network/isthmus/chain/lanes"
	"github.com/isthmus-network/isthmus/chain/store"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// Bounds of what waits for this node's lane.
const (
	batchDelay   = 2 * time.Millisecond // that a first message waits for others
	batchBytes   = 512 << 10            // of external messages in one batch
	maxItems     = 256                  // mesh items and acts that wait
	maxOwnQueued = 128                  // own batches that wait for a car
)

// ingress is where external messages and mesh items enter this node's lane. The
// pool is guarded by mu: its calls are short and come from API handlers, the
// batcher, the core and execution.
type ingress struct {
	n    *Node
	mu   sync.Mutex
	pool *admission.Pool

	batched map[proofs.Hash]chan struct{} // closed when the message is in a durable batch; guarded by mu

	items chan types.Item
	more  chan struct{} // something waits for a batch
	ended chan struct{} // closed when no more batches are made

	ownMu sync.Mutex
	own   map[proofs.Hash]uint64 // own batches not ordered yet → their place
	next  uint64
}

func newIngress(n *Node) *ingress {
	return &ingress{
		n:     n,
		pool:  admission.New(admission.Config{Network: n.zero.ID, ExpiryWindow: n.zero.Parameters.ExpiryWindow}),
		items: make(chan types.Item, maxItems), more: make(chan struct{}, 1), ended: make(chan struct{}),
		own: make(map[proofs.Hash]uint64), batched: make(map[proofs.Hash]chan struct{}),
	}
}

var (
	errNoLane = errors.New("this node is not a validator now: it has no lane")
	errEnded  = errors.New("this node stops: the message may be executed or not")
)

// submit admits an external message, and returns when it is in a durable batch of
// this node's lane: what was answered for survives this node's restart. The
// signature is checked outside the lock.
func (g *ingress) submit(ctx context.Context, wire []byte) (*admission.Verified, error) {
	if g.n.status.Load().Self < 0 {
		return nil, errNoLane
	}
	executed := func(expiry uint64, body proofs.Hash) bool {
		v, err := g.n.newest()
		if err != nil {
			return false
		}
		done, err := execution.Executed(v, expiry, body)
		return err == nil && done
	}
	now := g.n.now()
	g.mu.Lock()
	c, err := g.pool.Check(now, wire, executed)
	g.mu.Unlock()
	if err != nil {
		return nil, err
	}
	v, err := c.Verify()
	if err != nil {
		return nil, err
	}
	done := make(chan struct{})
	g.mu.Lock()
	if err = g.pool.Add(now, v); err == nil {
		g.batched[v.ID()] = done
	}
	g.mu.Unlock()
	if err != nil {
		return nil, err
	}
	g.wake()
	select {
	case <-done:
		return v, nil
	case <-g.ended:
		return nil, errEnded
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// answer lets submit return: the message is in a durable batch, or executed since
// another node carried it as well. The caller holds mu.
func (g *ingress) answer(id proofs.Hash) {
	if done := g.batched[id]; done != nil {
		close(done)
		delete(g.batched, id)
	}
}

// submitItem puts a mesh item or an act into the next batch; it waits a moment for
// room.
func (g *ingress) submitItem(ctx context.Context, kind types.ItemKind, data []byte) error {
	select {
	case g.items <- types.Item{Kind: kind, Data: data}:
		g.wake()
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Second):
		return fmt.Errorf("own lane: %d items wait: %w", maxItems, admission.ErrBusy)
	}
}

func (g *ingress) wake() {
	select {
	case g.more <- struct{}{}:
	default:
	}
}

// run makes batches until ctx ends.
func (g *ingress) run(ctx context.Context) error {
	defer close(g.ended)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-g.more:
		}
		if !sleep(ctx, batchDelay) {
			return nil
		}
		for g.waiting() {
			if g.n.status.Load().OwnWaiting > maxOwnQueued {
				if !sleep(ctx, 10*time.Millisecond) {
					return nil
				}
				continue
			}
			if err := g.makeBatch(ctx); err != nil {
				return fmt.Errorf("node: own batch: %w", err)
			}
		}
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

func (g *ingress) waiting() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	count, _ := g.pool.Waiting()
	return count > 0 || len(g.items) > 0
}

// makeBatch stores a batch durably, streams it to the others, and hands it to the
// core. Mesh items go first: they are few, and others wait for them.
func (g *ingress) makeBatch(ctx context.Context) error {
	var b types.Batch
	size := 0
	for size < batchBytes {
		select {
		case item := <-g.items:
			b.Items = append(b.Items, item)
			size += len(item.Data)
			continue
		default:
		}
		break
	}
	g.mu.Lock()
	ids, wires := g.pool.Take(batchBytes)
	g.mu.Unlock()
	for _, w := range wires {
		b.Items = append(b.Items, types.Item{Kind: types.ItemExternal, Data: w})
	}
	if len(b.Items) == 0 {
		return nil
	}
	digest, wire := b.Digest(g.n.zero.ID), b.MarshalCanoto()
	if err := g.storeOwn(digest, wire, g.admitted(ids)); err != nil {
		return err
	}
	g.mu.Lock()
	g.pool.Batched(g.n.now(), ids, digest)
	for _, id := range ids {
		g.answer(id)
	}
	g.mu.Unlock()
	g.n.broadcast(g.n.status.Load().Set, classBatch, wire)
	g.n.core.post(ctx, lanes.OwnBatch{Digest: digest})
	g.n.pulse.beat()
	return nil
}

// admitted returns what is known of messages that are about to be batched.
func (g *ingress) admitted(ids []proofs.Hash) []admission.Status {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := make([]admission.Status, 0, len(ids))
	for _, id := range ids {
		if st, ok := g.pool.Status(id); ok {
			out = append(out, st)
		}
	}
	return out
}

// storeOwn makes the batch durable, and the fact that it is ours to get ordered.
func (g *ingress) storeOwn(digest proofs.Hash, wire []byte, admitted []admission.Status) error {
	g.ownMu.Lock()
	defer g.ownMu.Unlock()
	if _, ok := g.own[digest]; ok {
		return nil
	}
	var w store.Batch
	w.Set(key(keyBatch, digest[:]), wire)
	w.Set(key(keyOwn, u64(g.next)), digest[:])
	for i := range admitted {
		st := &admitted[i]
		w.Set(key(keyAdmitted, st.ID[:]), append(u64(st.Times[admission.Received]), u64(st.Expiry)...))
	}
	if err := g.n.chainDB.Write(&w, true); err != nil {
		return err
	}
	g.own[digest] = g.next
	g.next++
	return nil
}

// adopt keeps a batch of a validator that left among the own ones.
func (g *ingress) adopt(digest proofs.Hash) error {
	wire, err := g.n.blocks.batchWire(digest)
	if err != nil {
		return err
	}
	return g.storeOwn(digest, wire, nil)
}

// restore reads the own batches that are not ordered yet, oldest first, and puts
// their messages back into the pool.
func (g *ingress) restore() ([]proofs.Hash, error) {
	var digests []proofs.Hash
	err := g.n.chainDB.Iterate(store.Prefix([]byte{keyOwn}), func(k, v []byte) (bool, error) {
		digest := proofs.Hash(v)
		g.next = binary.BigEndian.Uint64(k[1:])
		g.own[digest] = g.next
		g.next++
		digests = append(digests, digest)
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	for _, digest := range digests {
		b, err := g.n.blocks.batch(digest)
		if err != nil {
			return nil, fmt.Errorf("own batch %x: %w", digest[:4], err)
		}
		for i := range b.Items {
			if b.Items[i].Kind == types.ItemExternal {
				if err := g.pool.Restore(g.n.now(), b.Items[i].Data, digest); err != nil {
					g.n.log.Debug("message of an own batch not followed", "error", err)
				}
			}
		}
	}
	return digests, nil
}

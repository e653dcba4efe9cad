package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/isthmus-network/isthmus/chain/admission"
	"github.com/isthmus-network/isthmus/chain/execution"
	"github.com/isthmus-network/isthmus/chain/p2p"
	"github.com/isthmus-network/isthmus/chain/store"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

const (
	handOverInterval = time.Second
	// handOverAfter is how long others have, after this node left the set, to get what
	// they hold of its batches ordered.
	handOverAfter = 3 * time.Second
)

var errNoValidator = errors.New("no connected validator takes it")

// handOver looks after the messages of a validator that left the set with batches
// that no block has ordered. Other validators carry on what they hold of them; the
// rest is given to one of those in office as a client would. Executed twice is
// nothing, whoever carries it.
func (n *Node) handOver(ctx context.Context) error {
	var left time.Time
	for sleep(ctx, handOverInterval) {
		digests := n.ingress.ownBatches()
		if n.status.Load().Self >= 0 || len(digests) == 0 {
			left = time.Time{}
			continue
		}
		if left.IsZero() {
			left = time.Now()
		}
		if time.Since(left) < handOverAfter {
			continue
		}
		for _, digest := range digests {
			if err := n.handOverBatch(ctx, digest); err != nil {
				n.log.Warn("messages of this node are not handed over yet", "error", err)
				break
			}
		}
	}
	return nil
}

func (n *Node) handOverBatch(ctx context.Context, digest proofs.Hash) error {
	b, err := n.blocks.batch(digest)
	if err != nil {
		return err
	}
	for i := range b.Items {
		x, err := types.DecodeExternal(b.Items[i].Data)
		if b.Items[i].Kind != types.ItemExternal || err != nil {
			continue // what concerns peers and governance is carried by whoever is in office
		}
		v, err := n.newest()
		if err != nil {
			return err
		}
		if done, err := execution.Executed(v, x.Expiry, x.Body()); err != nil || done || x.Expiry <= n.now()/1000 {
			if err != nil {
				return err
			}
			continue
		}
		if err := n.giveAway(ctx, b.Items[i].Data); err != nil {
			return err
		}
	}
	return n.ingress.handedOver(digest)
}

// giveAway submits a message to the first validator in office that takes it.
func (n *Node) giveAway(ctx context.Context, wire []byte) error {
	last := errNoValidator
	set := n.status.Load().Set
	for i := range set.Len() {
		_, err := n.host.Request(ctx, p2p.NodeKey(set.At(i).Node), protoHandOver, wire)
		if err == nil || ctx.Err() != nil {
			return err
		}
		if !errors.Is(err, p2p.ErrNotConnected) {
			last = err
		}
	}
	return fmt.Errorf("hand over: %w", last)
}

// answerHandOver takes a message from a validator that left. That it is here
// already, or cannot be executed any more, is an answer too.
func (n *Node) answerHandOver(ctx context.Context, _ p2p.NodeKey, wire []byte) ([]byte, error) {
	_, err := n.ingress.submit(ctx, wire)
	if errors.Is(err, admission.ErrDuplicate) || errors.Is(err, admission.ErrExpired) {
		return nil, nil
	}
	return nil, err
}

// ownBatches lists the batches that this node has to get ordered.
func (g *ingress) ownBatches() []proofs.Hash {
	g.ownMu.Lock()
	defer g.ownMu.Unlock()
	out := make([]proofs.Hash, 0, len(g.own))
	for digest := range g.own {
		out = append(out, digest)
	}
	return out
}

// handedOver forgets an own batch whose messages are with others now.
func (g *ingress) handedOver(digest proofs.Hash) error {
	g.ownMu.Lock()
	defer g.ownMu.Unlock()
	place, ok := g.own[digest]
	if !ok {
		return nil
	}
	var w store.Batch
	w.Delete(key(keyOwn, u64(place)))
	delete(g.own, digest)
	return g.n.chainDB.Write(&w, true)
}

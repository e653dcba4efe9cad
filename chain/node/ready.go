package node

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/isthmus-network/isthmus/chain/p2p"
	"github.com/isthmus-network/isthmus/chain/state"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/mesh"
	"github.com/isthmus-network/isthmus/proofs"
)

const (
	readyInterval = 250 * time.Millisecond // between looks at what governance chose
	readyAgain    = 2 * time.Second        // until readiness that is in no block is said again
)

// readiness says that this node is ready whenever governance chooses a set with it
// in it, and carries what others say of themselves. A validator uses its own lane.
// A node that has none, because it is about to join, tells one validator after the
// other until one has carried it.
type readiness struct {
	n    *Node
	last types.Ready // what was said last
	said time.Time
	turn int

	mu      sync.Mutex
	carried map[proofs.NodeKey]types.Ready // in this node's lane, of the newest choice
}

func newReadiness(n *Node) *readiness {
	return &readiness{n: n, carried: make(map[proofs.NodeKey]types.Ready)}
}

func (r *readiness) run(ctx context.Context) error {
	for sleep(ctx, readyInterval) {
		c, err := r.n.choice()
		if errors.Is(err, state.ErrPruned) {
			continue // many blocks were executed meanwhile
		}
		if err != nil {
			return fmt.Errorf("node: readiness: %w", err)
		}
		if r.due(c) {
			r.say(ctx, c)
		}
	}
	return nil
}

// due reports whether this node is to say now that it is ready.
func (r *readiness) due(c *mesh.Choice) bool {
	i, member := c.Set.IndexOf(r.n.keys.NodeKey())
	if !member || c.IsReady(i) || !r.n.keeps(c.Set.At(i)) {
		return false
	}
	if r.last.Sequence == c.Sequence && time.Since(r.said) < readyAgain {
		return false
	}
	// Whoever joins shows that it could work with the chosen set; those in office work.
	return r.n.current() && (r.n.status.Load().Self >= 0 || r.n.reaches(c.Set))
}

// keeps reports whether the BLS key of a validator is this node's.
func (n *Node) keeps(v proofs.Validator) bool { return v.Key == n.keys.BLS.PublicKey().Bytes() }

// current reports whether this node has executed what its network lately ordered.
func (n *Node) current() bool {
	s, p := n.status.Load(), &n.zero.Parameters
	return s.Order.HeaderTime+2*p.Heartbeat+p.MaxClockDrift >= n.now() && n.state.Version()+p.MaxLag >= s.Order.Height
}

// reaches reports whether this node is connected to a quorum of set, itself
// included.
func (n *Node) reaches(set *proofs.ValidatorSet) bool {
	var weight uint64
	for _, k := range append(n.host.Connected(), p2p.NodeKey(n.keys.NodeKey())) {
		if i, ok := set.IndexOf(proofs.NodeKey(k)); ok {
			weight += set.At(i).Weight
		}
	}
	return set.IsQuorum(weight)
}

func (r *readiness) say(ctx context.Context, c *mesh.Choice) {
	if r.last.Sequence != c.Sequence {
		r.last = types.Ready{Sequence: c.Sequence, SetHash: c.Set.Hash()}
		r.last.Sign(r.n.zero.ID, r.n.keys.Node)
		r.n.log.Info("ready for the chosen validator set", "act", c.Sequence, "validators", c.Set.Len())
	}
	r.said = time.Now()
	s := r.n.status.Load()
	if s.Self >= 0 {
		if err := r.n.ingress.submitItem(ctx, types.ItemReady, r.last.MarshalCanoto()); err != nil {
			r.n.log.Warn("readiness not submitted", "error", err)
		}
		return
	}
	for range s.Set.Len() {
		r.turn = (r.turn + 1) % s.Set.Len()
		if r.n.host.Send(p2p.NodeKey(s.Set.At(r.turn).Node), classReady, r.last.MarshalCanoto()) == nil {
			return
		}
	}
}

// receive carries another node's readiness, once for each choice: the node asks the
// next validator if it does not get into a block.
func (r *readiness) receive(ctx context.Context, from p2p.NodeKey, b []byte) error {
	var ready types.Ready
	if err := proofs.Decode(&ready, b, types.MaxReadyBytes); err != nil {
		return fmt.Errorf("readiness: %w", err)
	}
	if ready.Node != proofs.NodeKey(from) {
		return fmt.Errorf("readiness of %s: it is not the sender: %w", ready.Node, proofs.ErrSigner)
	}
	if r.n.status.Load().Self < 0 {
		return nil
	}
	v, err := r.n.newest()
	if err != nil {
		return err
	}
	if err := r.n.rules.TakesReady(v, &ready); err != nil {
		if errors.Is(err, proofs.ErrStale) || errors.Is(err, mesh.ErrNothing) {
			return nil // one of us has not executed the newest choice, or another carried it
		}
		return err
	}
	if !r.first(&ready) {
		return nil
	}
	return r.n.ingress.submitItem(ctx, types.ItemReady, b)
}

// first notes that a readiness is carried, and reports whether it was not before.
func (r *readiness) first(ready *types.Ready) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.carried[ready.Node].Sequence == ready.Sequence {
		return false
	}
	for node, old := range r.carried {
		if old.Sequence < ready.Sequence {
			delete(r.carried, node)
		}
	}
	r.carried[ready.Node] = *ready
	return true
}

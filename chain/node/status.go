package node

import (
	"sync"

	"github.com/isthmus-network/isthmus/chain/consensus"
	"github.com/isthmus-network/isthmus/chain/p2p"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// status is what others may know of the core, as of its last flush.
type status struct {
	Order      consensus.Status
	Set        *proofs.ValidatorSet
	Self       int // this node's place in Set; -1 if it is not in it
	OwnWaiting int // own batches that wait for a car
	Backlog    int // final blocks that wait for cars, batches or execution
}

// publishStatus is called by the core after each group of events.
func (n *Node) publishStatus(c *core) {
	s := &status{Order: c.order.Status(), Set: c.set, Self: -1, OwnWaiting: c.lanes.Waiting(), Backlog: c.lanes.Backlog() + len(c.toExecute)}
	if i, ok := c.set.IndexOf(n.keys.NodeKey()); ok {
		s.Self = i
	}
	if last := n.status.Load(); last == nil || last.Set != s.Set {
		members := make(map[p2p.NodeKey]bool)
		for _, set := range c.sets {
			for i := range set.Len() {
				members[p2p.NodeKey(set.At(i).Node)] = true
			}
		}
		n.members.Store(&members)
	}
	n.status.Store(s)
}

// pulse lets goroutines wait for anything to change.
type pulse struct {
	mu sync.Mutex
	ch chan struct{}
}

// wait returns a channel that is closed at the next beat.
func (p *pulse) wait() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ch == nil {
		p.ch = make(chan struct{})
	}
	return p.ch
}

func (p *pulse) beat() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ch != nil {
		close(p.ch)
		p.ch = nil
	}
}

// seenBlocks remembers the newest proposed blocks, to serve those who missed one.
type seenBlocks struct {
	mu    sync.Mutex
	byID  map[proofs.Hash]*types.Block
	order []proofs.Hash
}

const maxSeen = 128

func (s *seenBlocks) put(b *types.Block) {
	id := b.Header.ID()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID == nil {
		s.byID = make(map[proofs.Hash]*types.Block)
	}
	if _, ok := s.byID[id]; ok {
		return
	}
	s.byID[id] = b
	if s.order = append(s.order, id); len(s.order) > maxSeen {
		delete(s.byID, s.order[0])
		s.order = s.order[1:]
	}
}

func (s *seenBlocks) get(id proofs.Hash) (*types.Block, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.byID[id]
	return b, ok
}

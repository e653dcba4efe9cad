package sim

import (
	"crypto/sha256"

	"github.com/isthmus-network/isthmus/chain/consensus"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// ledger is the observer who sees everything and checks what must hold:
//
//   - agreement: one block id and one result of execution for each height;
//   - heights are contiguous on each node, across restarts;
//   - no view is both finalized and nullified by a quorum, and none notarized or
//     finalized with two headers;
//   - an honest validator says at most one thing in each slot, across restarts;
//   - a final certificate that a node hands out verifies;
//   - no honest node is blamed by an honest node, or accused.
type ledger struct {
	world  *World
	ids    map[uint64]proofs.Hash
	roots  map[uint64]proofs.Hash
	said   map[saying]proofs.Hash
	voted  map[viewOf]*[3]map[proofs.Hash]map[int]bool // kind → statement → voters
	sets   map[uint64]*proofs.ValidatorSet             // by epoch
	height uint64                                      // of the newest block final anywhere
	proof  map[proofs.NodeKey]bool                     // against whom there is evidence
	blamed map[proofs.NodeKey]bool
}

type saying struct {
	node proofs.NodeKey
	slot slot
}

type viewOf struct{ epoch, view uint64 }

func newLedger(w *World) *ledger {
	return &ledger{
		world: w, ids: make(map[uint64]proofs.Hash), roots: make(map[uint64]proofs.Hash), said: make(map[saying]proofs.Hash),
		voted: make(map[viewOf]*[3]map[proofs.Hash]map[int]bool), sets: map[uint64]*proofs.ValidatorSet{0: w.zero.Set},
		proof: make(map[proofs.NodeKey]bool), blamed: make(map[proofs.NodeKey]bool),
	}
}

// afterStep checks an output as it leaves the machine.
func (l *ledger) afterStep(n *Node, out *consensus.Output) {
	if !n.honest() {
		return
	}
	if out.Alarm != nil {
		l.world.fail("node %d: alarm: %v", n.index, out.Alarm)
	}
	for _, b := range out.Blames {
		if l.isHonest(b.Node) {
			l.world.fail("node %d blames an honest node: %v", n.index, b.Err)
		}
		l.blamed[b.Node] = true
	}
	for _, e := range out.Evidence {
		if l.isHonest(e.Node) {
			l.world.fail("node %d has evidence against an honest node", n.index)
		}
		l.proof[e.Node] = true
	}
	if out.Wake != 0 && out.Wake+1 < n.clock() {
		l.world.fail("node %d: wake %d is past", n.index, out.Wake)
	}
}

func (l *ledger) isHonest(key proofs.NodeKey) bool {
	for _, n := range l.world.nodes {
		if n.key == key && !n.honest() {
			return false
		}
	}
	return true
}

// final checks a block that became final and durable on a node.
func (l *ledger) final(n *Node, f *types.FinalBlock) {
	h := &f.Block.Header
	if id, ok := l.ids[h.Height]; ok && id != f.ID {
		l.world.fail("agreement: node %d finalised %x at height %d, others %x", n.index, f.ID[:4], h.Height, id[:4])
	}
	if f.ID != h.ID() {
		l.world.fail("node %d: final block %d carries a wrong id", n.index, h.Height)
	}
	if _, ok := l.ids[h.Height]; ok {
		return
	}
	l.ids[h.Height] = f.ID
	l.height = max(l.height, h.Height)
	if f.Certificate != nil {
		v := proofs.Vote{Kind: proofs.TypeFinalize, Epoch: h.Epoch, SetHash: h.SetHash, View: f.Certificate.View,
			ParentView: f.Certificate.ParentView, Header: f.ID}
		if err := l.world.scenario.Crypto(n.id).Verify(n.set(), v.SigningBytes(l.world.zero.ID), &f.Certificate.Quorum); err != nil {
			l.world.fail("node %d: certificate of block %d: %v", n.index, h.Height, err)
		}
	}
	if h.IsKeyBlock() {
		if f.Certificate == nil {
			l.world.fail("key block %d is final without a certificate of its own", h.Height)
		}
		if next, err := n.anchor().Next(&f.Block); err == nil {
			l.sets[next.Epoch] = next.Set
		}
	}
	if last := l.roots[h.Executed]; h.Executed > 0 && last != (proofs.Hash{}) && last != h.StateRoot {
		l.world.fail("block %d certifies a root that execution did not yield", h.Height)
	}
	if len(n.results) > int(h.Executed) {
		l.roots[h.Executed] = n.results[h.Executed].StateRoot
	}
}

// sent checks a message as it enters the network.
func (l *ledger) sent(n *Node, msg any) {
	v, ok := msg.(*types.Vote)
	set := l.sets[0]
	if ok {
		set = l.sets[v.Epoch]
	}
	if !ok || set == nil {
		return
	}
	statement := v.Statement(set.Hash())
	digest := proofs.Hash(sha256.Sum256(statement.SigningBytes(l.world.zero.ID)))
	if n.honest() {
		at := saying{n.key, slot{consensus.SlotNotarize, v.Epoch, v.View}}
		if v.Kind != proofs.TypeNotarize {
			at.slot.kind = consensus.SlotClose
		}
		if old, ok := l.said[at]; ok && old != digest {
			l.world.fail("node %d votes twice in %+v", n.index, at.slot)
		}
		l.said[at] = digest
	}
	l.tally(v, digest, set)
}

// tally counts all votes, also those that the network loses.
func (l *ledger) tally(v *types.Vote, digest proofs.Hash, set *proofs.ValidatorSet) {
	at := viewOf{v.Epoch, v.View}
	t := l.voted[at]
	if t == nil {
		t = new([3]map[proofs.Hash]map[int]bool)
		for k := range t {
			t[k] = make(map[proofs.Hash]map[int]bool)
		}
		l.voted[at] = t
	}
	k := int(v.Kind - proofs.TypeNotarize)
	if t[k][digest] == nil {
		t[k][digest] = make(map[int]bool)
	}
	if t[k][digest][int(v.Voter)] {
		return
	}
	t[k][digest][int(v.Voter)] = true
	quorums := [3]int{}
	for k := range t {
		for _, voters := range t[k] { // counting does not depend on the order
			var weight uint64
			for i := range voters {
				weight += set.At(i).Weight
			}
			if set.IsQuorum(weight) {
				quorums[k]++
			}
		}
	}
	if quorums[0] > 1 || quorums[2] > 1 || quorums[1] > 0 && quorums[2] > 0 {
		l.world.fail("epoch %d view %d: %d notarizations, %d nullifications, %d finalizations", v.Epoch, v.View, quorums[0], quorums[1], quorums[2])
	}
}

// settled reports what is missing until the network has nothing left to do: every
// running honest node has the same height, everything offered is ordered, and the
// newest header certifies the newest state.
func (w *World) settled() string {
	for _, n := range w.nodes {
		if !n.honest() {
			continue
		}
		if n.machine == nil {
			return "a node is down"
		}
		if n.newestFinal() != w.ledger.height {
			return "a node is behind"
		}
		if n.executed().Height != n.newestFinal() {
			return "a node executes"
		}
		last := n.anchor().Header
		cut := types.NewCut(n.set().Len())
		if len(n.finals) > 0 && !n.finals[len(n.finals)-1].Block.Header.IsKeyBlock() {
			last, cut = n.finals[len(n.finals)-1].Block.Header, n.finals[len(n.finals)-1].Block.Cut
		}
		if last.StateRoot != n.executed().StateRoot || last.ReceiptRoot != n.executed().ReceiptRoot {
			return "a root is not certified"
		}
		for i := range n.lanes {
			if cut.Tips[i].Height < n.lanes[i].held {
				return "a car is not ordered"
			}
		}
	}
	return ""
}

package sim

import (
	"crypto/sha256"

	"github.com/isthmus-network/isthmus/chain/consensus"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// ledger is the observer of one network, who sees everything and checks at each
// step what must hold. It does not know what goes wrong.
//
//   - Order: one block id for each height; heights are contiguous on each node,
//     across restarts; no view is both finalized and nullified by a quorum, and
//     none notarized or finalized with two headers; an honest validator says at
//     most one thing in each slot, across restarts, and its signing record never
//     has to refuse; a final certificate verifies; nobody honest is blamed or
//     accused; no alarm is raised (this file).
//   - Data: whoever votes for a car holds it with all that is below it, durably;
//     so does who is in a certificate; what is final can be had from honest nodes
//     (check_data.go).
//   - Execution: one result for each height, which is the one in the headers; each
//     message is executed once and in order; one refund at most, of what failed;
//     value is conserved, here and between networks (check_value.go).
//   - Progress: after healing, everything is ordered, executed and certified
//     within the scenario's bound (check_settled.go).
type ledger struct {
	world   *World
	net     *network
	ids     map[uint64]proofs.Hash
	said    map[saying]proofs.Hash
	voted   map[viewOf]*[3]map[proofs.Hash]map[int]bool // kind → statement → voters
	sets    map[uint64]*proofs.ValidatorSet             // by epoch
	height  uint64                                      // of the newest block final anywhere
	last    proofs.Header                               // its header
	proof   map[proofs.NodeKey]bool                     // against whom there is evidence
	changes int                                         // of the validator set

	data  data
	value value
}

type saying struct {
	node proofs.NodeKey
	slot slot
}

type viewOf struct{ epoch, view uint64 }

func newLedger(w *World, net *network) *ledger {
	return &ledger{
		world: w, net: net, ids: make(map[uint64]proofs.Hash), said: make(map[saying]proofs.Hash),
		voted: make(map[viewOf]*[3]map[proofs.Hash]map[int]bool), sets: map[uint64]*proofs.ValidatorSet{0: net.zero.Set},
		proof: make(map[proofs.NodeKey]bool), data: newData(), value: newValue(net),
	}
}

// orderStep checks an output of the ordering core as it leaves the machine.
func (l *ledger) orderStep(n *Node, out *consensus.Output) {
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
	}
	for _, e := range out.Evidence {
		l.accused(n, e.Node)
	}
	if out.Wake != 0 && out.Wake+1 < n.clock() {
		l.world.fail("node %d: wake %d is past", n.index, out.Wake)
	}
}

func (l *ledger) accused(by *Node, node proofs.NodeKey) {
	if l.isHonest(node) {
		l.world.fail("node %d has evidence against an honest node", by.index)
	}
	l.proof[node] = true
}

func (l *ledger) isHonest(key proofs.NodeKey) bool {
	for _, n := range l.net.of(key) {
		if !n.honest() {
			return false
		}
	}
	return true
}

// refused notes that a signing record refused a vote: another process uses the
// key, or the machine forgot what it had said.
func (l *ledger) refused(n *Node, s slot) {
	if n.honest() {
		l.world.fail("node %d: the signing record refuses %+v", n.index, s)
		return
	}
	if n.evil == nil { // a twin stops, as chain/node does; here it comes back
		n.crash()
		l.world.after(500, n, "start", n.start)
	}
}

// contiguous checks the place of a block that is stored.
func (l *ledger) contiguous(n *Node, f *types.FinalBlock, have int) {
	if want := uint64(have) + 1; f.Block.Header.Height != want {
		l.world.fail("node %d: stores final block %d, want %d", n.index, f.Block.Header.Height, want)
	}
}

// final checks a block that became final on a node; base is the cut below it.
func (l *ledger) final(n *Node, f *types.FinalBlock, base *types.Cut) {
	h := &f.Block.Header
	if !n.honest() {
		return
	}
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
	if h.Height > l.height {
		l.height, l.last = h.Height, *h
	}
	l.certificate(n, f)
	if h.IsKeyBlock() {
		l.keyBlock(n, f)
	}
	l.certifies(h)
	l.canBeHad(f, base)
}

func (l *ledger) certificate(n *Node, f *types.FinalBlock) {
	h := &f.Block.Header
	if f.Certificate == nil {
		if h.IsKeyBlock() {
			l.world.fail("key block %d is final without a certificate of its own", h.Height)
		}
		return
	}
	v := proofs.Vote{Kind: proofs.TypeFinalize, Epoch: h.Epoch, SetHash: h.SetHash, View: f.Certificate.View,
		ParentView: f.Certificate.ParentView, Header: f.ID}
	set := l.sets[h.Epoch]
	if set == nil || set.Hash() != h.SetHash {
		l.world.fail("node %d: block %d of epoch %d carries a set that no key block named", n.index, h.Height, h.Epoch)
		return
	}
	if err := l.world.cryptoOf(n).Verify(set, v.SigningBytes(l.net.zero.ID), &f.Certificate.Quorum); err != nil {
		l.world.fail("node %d: certificate of block %d: %v", n.index, h.Height, err)
	}
}

func (l *ledger) keyBlock(n *Node, f *types.FinalBlock) {
	h := &f.Block.Header
	set, err := l.sets[h.Epoch].Apply(&f.Block.NextSet)
	if err != nil || set.Hash() != h.NextSetHash {
		l.world.fail("node %d: key block %d does not give the set that it names: %v", n.index, h.Height, err)
		return
	}
	l.sets[h.Epoch+1] = set
	if set.Hash() != h.SetHash {
		l.changes++
	}
}

// sent checks a message of the ordering core as it enters the network.
func (l *ledger) sent(n *Node, msg any) {
	if p, ok := msg.(*types.Proposal); ok {
		for i := range p.Available {
			l.certified(n, &p.Available[i])
		}
	}
	v, ok := msg.(*types.Vote)
	if !ok || l.sets[v.Epoch] == nil {
		return
	}
	set := l.sets[v.Epoch]
	statement := v.Statement(set.Hash())
	digest := proofs.Hash(sha256.Sum256(statement.SigningBytes(l.net.zero.ID)))
	if n.honest() {
		at := slot{kind: consensus.SlotNotarize, epoch: v.Epoch, view: v.View}
		if v.Kind != proofs.TypeNotarize {
			at.kind = consensus.SlotClose
		}
		l.says(n, at, digest)
	}
	l.tally(v, digest, set)
}

// says checks that an honest node says one thing in a slot.
func (l *ledger) says(n *Node, at slot, digest proofs.Hash) {
	if old, ok := l.said[saying{n.key, at}]; ok && old != digest {
		l.world.fail("node %d votes twice in %+v", n.index, at)
	}
	l.said[saying{n.key, at}] = digest
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

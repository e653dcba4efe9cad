package consensus

import (
	"fmt"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// node is a block of the epoch, final, notarized or proposed, or the epoch's
// anchor with an empty cut.
type node struct {
	block    *types.Block
	id       proofs.Hash
	held     bool // the data layer holds what it orders
	recorded bool // it is in the log
}

// enterEpoch starts the epoch of anchor a: what the log and other nodes said of it
// already counts.
func (m *Machine) enterEpoch(a Anchor) {
	m.resetEpoch(a)
	m.replayRecords()
	m.resumeView()
	early := m.early
	m.early = nil
	for _, in := range early {
		m.take(in)
	}
}

// resetEpoch starts an epoch on its anchor with nothing known above it.
func (m *Machine) resetEpoch(a Anchor) {
	n := a.Set.Len()
	m.epochState = epochState{
		anchor: a, set: a.Set, me: -1, views: make(map[uint64]*view), current: 1, entered: m.now,
		tree: make(map[proofs.Hash]*node), suspects: make([]uint8, n), accused: make([]bool, n), absent: make([]uint8, n),
	}
	if i, ok := a.Set.IndexOf(m.cfg.Node); ok {
		m.me = i
	}
	m.final = &node{block: &types.Block{Header: a.Header, Cut: types.NewCut(n)}, id: a.ID, held: true, recorded: true}
	m.tree[a.ID] = m.final
	m.pace.nullified = 0
	m.fetch.reset()
	m.forgetStrangers()
}

// forgetStrangers drops what is kept of nodes that have left the set.
func (m *Machine) forgetStrangers() {
	for _, byNode := range []map[proofs.NodeKey]uint64{m.hints, m.heard, m.replied} {
		for k := range byNode { // the order does not matter
			if _, ok := m.set.IndexOf(k); !ok {
				delete(byNode, k)
			}
		}
	}
}

// isAnchor reports whether n is the block that the epoch starts on.
func (m *Machine) isAnchor(n *node) bool { return n.id == m.anchor.ID }

// isKey reports whether n ends this epoch.
func (m *Machine) isKey(n *node) bool { return !m.isAnchor(n) && n.block.Header.IsKeyBlock() }

// newest returns the block of the highest notarized view whose block is known.
func (m *Machine) newest() *node {
	for v := m.high; v > m.finalView; v-- {
		if q := m.certified(v); q != nil {
			if n := m.tree[q.Header]; n != nil {
				return n
			}
		}
	}
	return m.final
}

// admit puts a block of this epoch into the tree, after checking that its body is
// the one that its header commits to.
func (m *Machine) admit(b *types.Block, id proofs.Hash) (*node, error) {
	if n := m.tree[id]; n != nil {
		return n, nil
	}
	if err := m.checkBody(b); err != nil {
		return nil, err
	}
	n := &node{block: b, id: id}
	m.tree[id] = n
	return n, nil
}

// checkBody checks that the block is of this epoch and that cut and next set are
// those of its header.
func (m *Machine) checkBody(b *types.Block) error {
	h := &b.Header
	at := fmt.Sprintf("block %d", h.Height)
	switch {
	case h.Version != proofs.Version:
		return fmt.Errorf("%s: got version %d, want %d: %w", at, h.Version, proofs.Version, proofs.ErrVersion)
	case h.Network != m.network:
		return fmt.Errorf("%s: got network %s: %w", at, h.Network.Short(), proofs.ErrNetwork)
	case h.Epoch != m.anchor.Epoch || h.SetHash != m.set.Hash():
		return fmt.Errorf("%s: got epoch %d, want %d and its set: %w", at, h.Epoch, m.anchor.Epoch, proofs.ErrSet)
	case h.PreviousKeyHeight != m.anchor.Header.Height:
		return fmt.Errorf("%s: got previous key block %d, want %d: %w", at, h.PreviousKeyHeight, m.anchor.Header.Height, proofs.ErrLink)
	case len(b.Cut.Tips) != m.set.Len():
		return fmt.Errorf("%s: got %d tips, want %d: %w", at, len(b.Cut.Tips), m.set.Len(), proofs.ErrMalformed)
	case b.Cut.Root(m.network, h.Epoch) != h.CutRoot:
		return fmt.Errorf("%s: cut: %w", at, proofs.ErrRoot)
	}
	if h.IsKeyBlock() {
		_, err := m.anchor.Next(b)
		return err
	}
	if len(b.NextSet.Removed)+len(b.NextSet.Upserted) > 0 {
		return fmt.Errorf("%s: a set delta without a key block: %w", at, proofs.ErrMalformed)
	}
	return nil
}

// tryFinal makes the pending finalization's block final with its ancestors, as soon
// as all of them are known.
func (m *Machine) tryFinal() bool {
	q := m.pending
	if q == nil {
		return false
	}
	chain, missing := m.path(q.Header)
	if missing != (proofs.Hash{}) {
		m.wantFor(q, missing, len(chain) > 0)
		return false
	}
	if m.alarm != nil {
		return false
	}
	cert := q.Certificate()
	m.extend(chain, &cert, q)
	return true
}

// path returns the blocks above the final one up to id, rising, or the first one
// found missing on the way down.
func (m *Machine) path(id proofs.Hash) (chain []*node, missing proofs.Hash) {
	for id != m.final.id {
		n := m.tree[id]
		if n == nil {
			return chain, id
		}
		if n.block.Header.Height <= m.final.block.Header.Height {
			m.stop(fmt.Errorf("a quorum finalized block %d (%x), which is not on final block %d (%x): %w",
				n.block.Header.Height, id[:4], m.final.block.Header.Height, m.final.id[:4], proofs.ErrEquivocation))
			return nil, proofs.Hash{}
		}
		chain = append(chain, n)
		id = n.block.Header.Parent
	}
	for i, j := 0, len(chain)-1; i < j; i, j = i+1, j-1 {
		chain[i], chain[j] = chain[j], chain[i]
	}
	return chain, proofs.Hash{}
}

// extend makes chain final; cert is the last one's. q is the same certificate in
// the form of this core.
func (m *Machine) extend(chain []*node, cert *proofs.Certificate, q *types.Quorum) {
	for i, n := range chain {
		if !m.checkRoots(&n.block.Header) {
			return
		}
		if n.block.Header.Executed > m.newestExecuted() && len(m.unchecked) < maxUnchecked {
			m.unchecked = append(m.unchecked, n.block.Header)
		}
		f := types.FinalBlock{Block: *n.block, ID: n.id}
		if i == len(chain)-1 {
			f.Certificate = cert
		}
		m.out.Finals = append(m.out.Finals, f)
		m.final = n
	}
	m.finalView, m.finalCert = q.View, q
	if m.pending != nil && m.pending.View <= q.View {
		m.pending = nil
	}
	m.fetch.reset()
	if m.isKey(m.final) {
		m.finishEpoch(q)
		return
	}
	m.prune()
}

// finishEpoch starts the next epoch on the key block that q finalised.
func (m *Machine) finishEpoch(q *types.Quorum) {
	next, err := m.anchor.Next(m.final.block)
	if err != nil {
		m.stop(err)
		return
	}
	m.out.NewEpochs = append(m.out.NewEpochs, next)
	m.lastKey, m.lastSet = q, m.set
	m.enterEpoch(next)
	if m.alarm == nil {
		m.checkpoint()
	}
}

// prune drops what finality has made useless.
func (m *Machine) prune() {
	for n := range m.views { // the order does not matter
		if n < m.finalView {
			delete(m.views, n)
		}
	}
	for id, n := range m.tree {
		if n.block.Header.Height <= m.final.block.Header.Height && n != m.final {
			delete(m.tree, id)
		}
	}
	m.pruneExecuted()
	m.checkpointIfDue()
}

// onExecuted takes a result of execution.
func (m *Machine) onExecuted(e *types.Executed) {
	if len(m.executed) > 0 && e.Height <= m.newestExecuted() {
		return
	}
	m.executed = append(m.executed, *e)
	for n, v := range m.views { // any contradiction stops the machine
		if v.certs[notarize] != nil && n >= m.finalView {
			if b := m.tree[v.certs[notarize].Header]; b != nil && !m.isAnchor(b) && !m.checkRoots(&b.block.Header) {
				return
			}
		}
	}
	rest := m.unchecked[:0]
	for i := range m.unchecked {
		if h := m.unchecked[i]; h.Executed > e.Height {
			rest = append(rest, h)
		} else if !m.checkRoots(&h) {
			return
		}
	}
	m.unchecked = rest
	m.pruneExecuted()
	m.hint()
}

// pruneExecuted drops results that no further header can name.
func (m *Machine) pruneExecuted() {
	i := 0
	for i+1 < len(m.executed) && m.executed[i].Height < m.final.block.Header.Executed {
		i++
	}
	m.executed = m.executed[i:]
}

// result returns what execution of block e yielded here, or nil if it is not
// known.
func (m *Machine) result(e uint64) *types.Executed {
	for i := len(m.executed) - 1; i >= 0; i-- {
		if m.executed[i].Height == e {
			return &m.executed[i]
		}
	}
	return nil
}

func (m *Machine) newestExecuted() uint64 { return m.executed[len(m.executed)-1].Height }

// maxUnchecked bounds the final headers kept for a later check.
const maxUnchecked = 1 << 13

// checkRoots compares a certified header with our own execution and stops the
// machine if they contradict each other. Results that are not known yet, or not any
// more, contradict nothing.
func (m *Machine) checkRoots(h *proofs.Header) bool {
	if r := m.result(h.Executed); r != nil && !r.Matches(h) && !m.cfg.Faults.TrustRoots {
		m.stop(fmt.Errorf("certified header %d: state root after block %d: got %x, want %x as executed here: %w",
			h.Height, h.Executed, h.StateRoot[:4], r.StateRoot[:4], proofs.ErrRoot))
		return false
	}
	return true
}

// quorumExecuted returns the newest block that more than two thirds of the weight,
// we included, report as executed.
func (m *Machine) quorumExecuted() uint64 {
	var best uint64
	for i := range m.set.Len() {
		if e := m.reported(i); e > best && m.set.IsQuorum(m.executedWeight(e)) {
			best = e
		}
	}
	return best
}

func (m *Machine) reported(i int) uint64 {
	if i == m.me {
		return m.newestExecuted()
	}
	return m.hints[m.set.At(i).Node]
}

// executedWeight is the weight that reports block e or a later one.
func (m *Machine) executedWeight(e uint64) (weight uint64) {
	for i := range m.set.Len() {
		if m.reported(i) >= e {
			weight += m.set.At(i).Weight
		}
	}
	return weight
}

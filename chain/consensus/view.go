package consensus

import (
	"math/bits"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// Votes are kept for views from oldest behind the present one to newest ahead.
const (
	windowBehind = 16
	windowAhead  = 64
)

// The three kinds of votes, as indexes.
const (
	notarize = iota
	nullify
	finalize
	kinds
)

// kindIndex maps a vote's kind on the wire to its index.
func kindIndex(k proofs.ObjectType) (int, bool) {
	i := int(k) - int(proofs.TypeNotarize)
	return i, i >= 0 && i < kinds
}

func kindOf(i int) proofs.ObjectType { return proofs.TypeNotarize + proofs.ObjectType(i) }

// view is what is known of one view of the epoch.
type view struct {
	number   uint64
	proposal *types.Proposal // the first one from the leader
	id       proofs.Hash     // of its header
	rejected bool            // the proposal is invalid
	asked    bool            // a hold was asked for

	certs   [kinds]*types.Quorum
	tallies [kinds]tally
	own     [kinds]*types.Vote
	abstain [kinds]bool // the signing record holds something else
}

// certified returns what lets a block be built on the view's header: its
// finalization or its notarization, or nil.
func (v *view) certified() *types.Quorum {
	if v.certs[finalize] != nil {
		return v.certs[finalize]
	}
	return v.certs[notarize]
}

// closed reports whether we have said, or may not say, finalize or nullify.
func (v *view) closed() bool {
	return v.own[finalize] != nil || v.own[nullify] != nil || v.abstain[finalize] || v.abstain[nullify]
}

// mayClose reports whether the rules leave room for a vote of kind k that closes v.
func (m *Machine) mayClose(v *view, k int) bool {
	if m.cfg.Faults.CloseTwice {
		return v.own[k] == nil
	}
	return !v.closed()
}

// view returns the state of view n, made on demand.
func (m *Machine) view(n uint64) *view {
	v := m.views[n]
	if v == nil {
		v = &view{number: n}
		m.views[n] = v
	}
	return v
}

// golden is 2^64 divided by the golden ratio: its multiples are spread evenly.
const golden = 0x9e3779b97f4a7c15

// leader returns the place of the leader of view n: the point
// (n + epoch·2^20)·golden mod 2^64 on the line of weights scaled to 2^64. Everybody
// leads in proportion to weight, and the turns of one validator are spread evenly.
func (m *Machine) leader(n uint64) int {
	point, _ := bits.Mul64((n+m.anchor.Epoch<<20)*golden, m.set.Total())
	for i := range m.set.Len() {
		w := m.set.At(i).Weight
		if point < w {
			return i
		}
		point -= w
	}
	return m.set.Len() - 1
}

func (m *Machine) leaderKey(n uint64) proofs.NodeKey { return m.set.At(m.leader(n)).Node }

// nullified reports whether view n is known to be nullified.
func (m *Machine) nullified(n uint64) bool {
	v := m.views[n]
	return v != nil && v.certs[nullify] != nil
}

// certified returns the notarization or finalization known for view n, or nil.
func (m *Machine) certified(n uint64) *types.Quorum {
	if v := m.views[n]; v != nil {
		return v.certified()
	}
	return nil
}

// entry returns a certificate that began the present view, or nil in view 1.
func (m *Machine) entry() *types.Quorum {
	v := m.views[m.current-1]
	if v == nil {
		return nil
	}
	if q := v.certified(); q != nil {
		return q
	}
	return v.certs[nullify]
}

// addCert takes a certificate that was verified or assembled here. It reports
// whether it is new.
func (m *Machine) addCert(q *types.Quorum) bool {
	k, _ := kindIndex(q.Kind)
	v := m.view(q.View)
	if v.certs[k] != nil {
		return false
	}
	v.certs[k] = q
	m.record(recordQuorum, q)
	m.noteCert(v, k)
	return true
}

// noteCert updates what follows from a new certificate of kind k in v.
func (m *Machine) noteCert(v *view, k int) {
	m.top = max(m.top, v.number)
	if v.proposal != nil && v.certs[k].Header == v.id && m.tree[v.id] == nil {
		m.takeWanted(&v.proposal.Block, v.id)
	}
	switch k {
	case notarize:
		m.high = max(m.high, v.number)
		m.closing = append(m.closing, v.number)
	case finalize:
		m.high = max(m.high, v.number)
		if v.number > m.finalView && (m.pending == nil || v.number > m.pending.View) {
			m.pending = v.certs[finalize]
		}
	}
}

// tryEnter moves to the view after the highest certificate.
func (m *Machine) tryEnter() bool {
	if m.top < m.current {
		return false
	}
	m.leave()
	m.current, m.entered = m.top+1, m.now
	m.workSince, m.resendAt, m.resends = 0, 0, 0
	for n, v := range m.views { // the order does not matter: each view is cleared alone
		if n+windowBehind < m.current {
			m.clear(v)
		}
	}
	return true
}

// clear drops what an old view can do without: its votes, and a proposal that came
// to nothing.
func (m *Machine) clear(v *view) {
	v.tallies = [kinds]tally{}
	if v.proposal == nil || v.own[notarize] != nil || v.certified() != nil {
		return
	}
	v.proposal = nil
	for _, o := range m.views {
		if q := o.certified(); q != nil && q.Header == v.id || o.own[notarize] != nil && o.own[notarize].Header == v.id || o.proposal != nil && o.id == v.id {
			return
		}
	}
	if v.id != m.final.id && v.id != m.anchor.ID {
		delete(m.tree, v.id)
	}
}

// leave draws the lessons from the view that ends.
func (m *Machine) leave() {
	ended := m.views[m.top]
	leader := m.leader(m.top)
	if ended.certified() == nil {
		m.pace.onNullified()
		m.absent[leader] = min(m.absent[leader]+1, 200)
		m.suspectLanes(ended)
		return
	}
	start := max(m.entered, m.workSince)
	m.pace.onNotarized(min(m.now-start, m.timeout()), m.workSince != 0 && m.top == m.current)
	m.absent[leader] = 0
	for i := range m.suspects {
		m.suspects[i] -= min(m.suspects[i], 1)
	}
}

// tryClose sends finalize for a view that was notarized, unless it was nullified
// by us.
func (m *Machine) tryClose() bool {
	if len(m.closing) == 0 {
		return false
	}
	v := m.views[m.closing[0]]
	m.closing = m.closing[1:]
	if v == nil || v.number < m.finalView {
		return true
	}
	q := v.certs[notarize]
	if n := m.tree[q.Header]; n != nil && !m.checkRoots(&n.block.Header) {
		return true
	}
	if m.me >= 0 && m.mayClose(v, finalize) {
		m.cast(v, finalize, q.ParentView, q.Header)
	}
	return true
}

package consensus

import (
	"fmt"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// onProposal takes a proposal: its bounds and its sender are checked before any of
// its certificates.
func (m *Machine) onProposal(in ProposalIn) {
	p := in.Proposal
	_, member := m.set.IndexOf(in.From)
	m.listen(in.From, member, 0)
	if p.Block.Header.Epoch != m.anchor.Epoch {
		m.otherEpoch(in.From, p.Block.Header.Epoch, false, in)
		return
	}
	if err := m.checkProposal(p, in.From); err != nil {
		m.blame(in.From, err)
		return
	}
	id := p.Block.Header.ID()
	switch {
	case p.View < m.finalView || p.View > m.current+windowAhead:
		return
	case p.View < m.current:
		m.takeLate(p, id)
		return
	}
	v := m.view(p.View)
	if v.proposal != nil {
		if v.id != id || v.proposal.ParentView != p.ParentView {
			m.blame(in.From, fmt.Errorf("proposals %x and %x in view %d: %w", v.id[:4], id[:4], p.View, proofs.ErrEquivocation))
		}
		return
	}
	v.proposal, v.id = p, id
	if err := m.learnProposal(p, id); err != nil {
		v.rejected = true
		m.blame(in.From, fmt.Errorf("proposal in view %d: %w", p.View, err))
	}
}

// takeLate takes the block of a proposal that was notarized before it arrived.
func (m *Machine) takeLate(p *types.Proposal, id proofs.Hash) {
	if q := m.certified(p.View); q != nil && q.Header == id {
		m.takeWanted(&p.Block, id)
	}
}

// checkProposal makes the checks that bound a proposal.
func (m *Machine) checkProposal(p *types.Proposal, from proofs.NodeKey) error {
	n := m.set.Len()
	at := fmt.Sprintf("proposal in view %d", p.View)
	switch {
	case p.View == 0 || m.leaderKey(p.View) != from:
		return fmt.Errorf("%s: the sender does not lead it: %w", at, proofs.ErrSigner)
	case p.ParentView >= p.View || (p.Parent == nil) != (p.ParentView == 0):
		return fmt.Errorf("%s: got parent view %d: %w", at, p.ParentView, proofs.ErrLink)
	case len(p.Nullifications) > types.MaxNullifications || len(p.Available) > n || len(p.Block.Cut.Tips) != n:
		return fmt.Errorf("%s: got %d nullifications, %d availability certificates, %d tips: %w",
			at, len(p.Nullifications), len(p.Available), len(p.Block.Cut.Tips), proofs.ErrTooLarge)
	}
	for i := range p.Available {
		if len(p.Available[i].Votes) > n {
			return fmt.Errorf("%s: availability certificate of %d votes: %w", at, len(p.Available[i].Votes), proofs.ErrTooLarge)
		}
	}
	last := p.ParentView
	for i := range p.Nullifications {
		q := &p.Nullifications[i]
		if q.Kind != proofs.TypeNullify || q.Epoch != m.anchor.Epoch || q.View <= last || q.View >= p.View {
			return fmt.Errorf("%s: nullification of view %d: %w", at, q.View, proofs.ErrNotCanon)
		}
		last = q.View
	}
	return nil
}

// learnProposal verifies the certificates of a proposal that teach something, and
// stops at the first bad one.
func (m *Machine) learnProposal(p *types.Proposal, id proofs.Hash) error {
	if q := p.Parent; q != nil {
		if q.Kind == proofs.TypeNullify || q.Epoch != m.anchor.Epoch || q.View != p.ParentView || q.Header != p.Block.Header.Parent && q.Header != id {
			return fmt.Errorf("certificate of the parent: view %d: %w", q.View, proofs.ErrLink)
		}
		if err := m.learn(q); err != nil {
			return err
		}
	}
	if q := p.Finalization; q != nil {
		if q.Kind != proofs.TypeFinalize || q.Epoch != m.anchor.Epoch {
			return fmt.Errorf("finalization: kind %#x of epoch %d: %w", uint8(q.Kind), q.Epoch, proofs.ErrMalformed)
		}
		if err := m.learn(q); err != nil {
			return err
		}
	}
	for i := range p.Nullifications {
		if err := m.learn(&p.Nullifications[i]); err != nil {
			return err
		}
	}
	return nil
}

// verdict is what a voter thinks of a proposal.
type verdict int

const (
	wait    verdict = iota // something is missing that may still come
	accept                 // notarize
	refuse                 // nullify; the leader may be honest
	invalid                // nullify, and blame the leader
)

// tryVote notarizes the present view's proposal as soon as everything about it is
// known to be right.
func (m *Machine) tryVote() bool {
	v := m.views[m.current]
	if m.me < 0 || v == nil || v.proposal == nil || v.rejected || v.own[notarize] != nil || v.abstain[notarize] || v.closed() {
		return false
	}
	what, err := m.judge(v)
	switch what {
	case wait:
		return false
	case accept:
		m.recordBlock(m.tree[v.id])
		m.cast(v, notarize, v.proposal.ParentView, v.id)
		return true
	case invalid:
		m.blame(m.leaderKey(v.number), fmt.Errorf("proposal in view %d: %w", v.number, err))
	}
	v.rejected = true
	return true
}

// judge applies the rules of section "Notarize" of docs/spec/ordering.md.
func (m *Machine) judge(v *view) (verdict, error) {
	p := v.proposal
	parent, what := m.parentOf(p, v.id)
	if what != accept {
		return what, nil
	}
	if m.isKey(parent) != (v.id == parent.id) {
		return invalid, fmt.Errorf("key block %d is notarized, got block %d: %w", parent.block.Header.Height, p.Block.Header.Height, proofs.ErrLink)
	}
	if v.id == parent.id {
		return m.judgeHeld(v, parent)
	}
	if what, err := m.judgeHeader(&p.Block, parent); what != accept {
		return what, err
	}
	n, err := m.admit(&p.Block, v.id)
	if err != nil {
		return invalid, err
	}
	if held, err := m.judgeHeld(v, n); held != accept {
		executed, bad := m.judgeExecuted(&p.Block, parent)
		if executed == invalid {
			return executed, bad
		}
		return held, err
	}
	return m.judgeExecuted(&p.Block, parent)
}

// parentOf finds the block that a proposal builds on, certified and known, and
// checks that all views between are nullified.
func (m *Machine) parentOf(p *types.Proposal, id proofs.Hash) (*node, verdict) {
	if p.ParentView < m.finalView {
		return nil, refuse
	}
	for n := p.ParentView + 1; n < p.View; n++ {
		if !m.nullified(n) && !m.cfg.Faults.SkipViews {
			return nil, wait
		}
	}
	parent := p.Block.Header.Parent
	if p.ParentView == 0 {
		if n := m.tree[m.anchor.ID]; n != nil && parent == n.id {
			return n, accept
		}
		return nil, refuse
	}
	q := m.certified(p.ParentView)
	if q == nil {
		return nil, wait
	}
	if q.Header == id {
		parent = id
	}
	if q.Header != parent {
		return nil, refuse
	}
	n := m.tree[parent]
	if n == nil {
		m.want(q, parent)
		return nil, wait
	}
	return n, accept
}

// judgeHeader checks what the header says on its own and about its parent.
func (m *Machine) judgeHeader(b *types.Block, parent *node) (verdict, error) {
	h, ph := &b.Header, &parent.block.Header
	if err := m.checkBody(b); err != nil {
		return invalid, err
	}
	if err := b.Cut.Extends(&parent.block.Cut, m.set.Len()); err != nil {
		return invalid, err
	}
	switch {
	case h.Parent != parent.id || h.Height != ph.Height+1:
		return invalid, fmt.Errorf("block %d on block %d: %w", h.Height, ph.Height, proofs.ErrLink)
	case h.Time <= ph.Time:
		return invalid, fmt.Errorf("block %d: got time %d, parent has %d: %w", h.Height, h.Time, ph.Time, proofs.ErrTime)
	case h.Time > m.now+m.par.MaxClockDrift:
		return refuse, nil
	case h.IsKeyBlock() != m.epochDue(h.Time):
		return invalid, fmt.Errorf("block %d at %d: key block %t: %w", h.Height, h.Time, h.IsKeyBlock(), proofs.ErrEpoch)
	case h.Executed < ph.Executed || h.Executed >= h.Height:
		return invalid, fmt.Errorf("block %d: got executed %d, parent has %d: %w", h.Height, h.Executed, ph.Executed, proofs.ErrIndex)
	case h.Height-h.Executed > m.par.MaxLag && !b.Cut.Same(&parent.block.Cut):
		return invalid, fmt.Errorf("block %d orders more, got executed %d, want at most %d behind: %w", h.Height, h.Executed, m.par.MaxLag, proofs.ErrIndex)
	}
	return accept, nil
}

// epochDue reports whether a block of that time ends the epoch.
func (m *Machine) epochDue(time uint64) bool { return time >= m.anchor.Header.Time+m.par.EpochDuration }

// judgeHeld waits until the data layer holds what n orders.
func (m *Machine) judgeHeld(v *view, n *node) (verdict, error) {
	if n.held {
		return accept, nil
	}
	parent := m.tree[n.block.Header.Parent]
	if !v.asked && parent != nil {
		v.asked = true
		m.out.Holds = append(m.out.Holds, Hold{
			ID: n.id, Epoch: m.anchor.Epoch, From: m.leaderKey(v.number),
			Base: parent.block.Cut, Cut: n.block.Cut, Available: v.proposal.Available,
		})
	}
	return wait, nil
}

// judgeExecuted compares the header's results with our own. Whoever is behind
// waits: so a notarization shows that a quorum has executed that far.
func (m *Machine) judgeExecuted(b *types.Block, parent *node) (verdict, error) {
	h, ph := &b.Header, &parent.block.Header
	r := m.result(h.Executed)
	switch {
	case m.cfg.Faults.TrustRoots:
	case r != nil:
		if !r.Matches(h) {
			return invalid, fmt.Errorf("block %d: state root after block %d: got %x, want %x: %w",
				h.Height, h.Executed, h.StateRoot[:4], r.StateRoot[:4], proofs.ErrRoot)
		}
	case h.Executed != ph.Executed:
		return wait, nil
	default:
		same := types.Executed{Height: ph.Executed, Time: ph.ExecutedTime, StateRoot: ph.StateRoot, OutboundRoot: ph.OutboundRoot,
			ReceiptRoot: ph.ReceiptRoot, ReceiptSize: ph.ReceiptSize}
		if !same.Matches(h) {
			return invalid, fmt.Errorf("block %d: not the roots of its parent after block %d: %w", h.Height, h.Executed, proofs.ErrRoot)
		}
	}
	if !h.IsKeyBlock() {
		return accept, nil
	}
	if r == nil {
		return wait, nil
	}
	if want := m.nextSet(r).Hash(); h.NextSetHash != want {
		return invalid, fmt.Errorf("key block %d: got next set %x, want %x: %w", h.Height, h.NextSetHash[:4], want[:4], proofs.ErrSet)
	}
	return accept, nil
}

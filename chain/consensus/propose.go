package consensus

import (
	"slices"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

const (
	// probation is how many notarized views pass before a lane that was in a
	// nullified view as an uncertified tip is taken uncertified again.
	probation = 16
	// maxAvailable bounds the signatures of availability certificates in one
	// proposal, about 68 bytes each.
	maxAvailable = 1 << 15
)

// tryPropose proposes in the present view if we lead it and there is work.
func (m *Machine) tryPropose() bool {
	if m.me < 0 || m.leader(m.current) != m.me {
		return false
	}
	if v := m.views[m.current]; v != nil && (v.proposal != nil || v.own[notarize] != nil || v.abstain[notarize] || v.closed()) {
		return false
	}
	if m.cfg.Signed != nil {
		if _, spent := m.cfg.Signed(SlotNotarize, m.anchor.Epoch, m.current); spent {
			return false // we proposed before the log was lost
		}
	}
	base, parentView, ok := m.base()
	if !ok {
		return false
	}
	block, available, ok := m.build(base, parentView)
	if !ok {
		return false
	}
	p := &types.Proposal{View: m.current, ParentView: parentView, Block: *block, Available: available}
	v := m.view(m.current)
	v.proposal, v.id = p, block.Header.ID()
	n, err := m.admit(block, v.id)
	if err != nil {
		m.stop(err)
		return false
	}
	n.held = true
	m.justify(p)
	m.sendAll(p)
	return true
}

// base returns the highest block that may be built on in the present view: it is
// certified and known, and every view since is nullified.
func (m *Machine) base() (n *node, view uint64, ok bool) {
	for w := m.current - 1; w > 0 && w >= m.finalView; w-- {
		if q := m.certified(w); q != nil {
			if n := m.tree[q.Header]; n != nil {
				return n, w, true
			}
			m.want(q, q.Header)
		}
		if !m.nullified(w) {
			return nil, 0, false
		}
	}
	n = m.tree[m.anchor.ID]
	return n, 0, n != nil && m.finalView == 0
}

// justify adds the certificates that make p acceptable. If more views were
// nullified than fit, the ones shown rotate from view to view.
func (m *Machine) justify(p *types.Proposal) {
	if p.ParentView > 0 {
		p.Parent = m.certified(p.ParentView)
	}
	if m.finalCert != nil && (p.Parent == nil || p.Parent.Kind != proofs.TypeFinalize) {
		p.Finalization = m.finalCert
	}
	var gap []uint64
	for w := p.ParentView + 1; w < p.View; w++ {
		gap = append(gap, w)
	}
	if n := len(gap); n > types.MaxNullifications {
		from := int(p.View) * types.MaxNullifications % n
		gap = append(gap[from:], gap[:from]...)[:types.MaxNullifications]
		slices.Sort(gap)
	}
	for _, w := range gap {
		p.Nullifications = append(p.Nullifications, *m.views[w].certs[nullify])
	}
}

// build makes the block to propose on base, if there is work for it.
func (m *Machine) build(base *node, parentView uint64) (*types.Block, []types.CarCertificate, bool) {
	if m.isKey(base) {
		return base.block, nil, m.overdueFinality(base)
	}
	bh := &base.block.Header
	h := proofs.Header{
		Version: proofs.Version, Network: m.network, Epoch: m.anchor.Epoch, SetHash: m.set.Hash(), Height: bh.Height + 1,
		Parent: base.id, PreviousKeyHeight: m.anchor.Header.Height, Time: max(m.now, bh.Time+1),
	}
	r := m.carry(&h, bh)
	if h.Time > m.now+m.par.MaxClockDrift {
		return nil, nil, false
	}
	cut, available := m.selectCut(base, m.current-parentView > 1)
	if h.Height-h.Executed > m.par.MaxLag {
		// Nothing more is ordered until execution is nearer. An empty block may still
		// have to finalise what execution waits for.
		if !m.overdueFinality(base) {
			return nil, nil, false
		}
		cut, available = base.block.Cut, nil
	}
	work := !cut.Same(&base.block.Cut) || h.StateRoot != bh.StateRoot || h.ReceiptRoot != bh.ReceiptRoot || h.ReceiptSize != bh.ReceiptSize
	if !work && m.now < bh.Time+m.par.Heartbeat && !m.epochDue(m.now) && !m.overdueFinality(base) {
		return nil, nil, false
	}
	b := &types.Block{Header: h, Cut: cut}
	b.Header.CutRoot = cut.Root(m.network, h.Epoch)
	if m.epochDue(h.Time) {
		if r == nil {
			return nil, nil, false
		}
		next := m.nextSet(r)
		b.Header.NextSetHash, b.NextSet = next.Hash(), m.set.Delta(next)
	}
	return b, available, true
}

// nextSet returns the set that a key block with result r hands over to: the chosen
// one if that is ready, or again the one in office. The latter is this epoch's,
// whatever epoch block e was in, so that no key block undoes the one before.
func (m *Machine) nextSet(r *types.Executed) *proofs.ValidatorSet {
	if r.NextSet == nil {
		return m.set
	}
	return r.NextSet
}

// carry fills in the newest results that a quorum reports and we have, or those of
// the parent header. It returns them if they are our own.
func (m *Machine) carry(h *proofs.Header, parent *proofs.Header) *types.Executed {
	limit := min(m.quorumExecuted(), parent.Height)
	for i := len(m.executed) - 1; i >= 0; i-- {
		if r := &m.executed[i]; r.Height <= limit && r.Height >= parent.Executed {
			h.Executed, h.ExecutedTime, h.StateRoot, h.OutboundRoot = r.Height, r.Time, r.StateRoot, r.OutboundRoot
			h.ReceiptRoot, h.ReceiptSize = r.ReceiptRoot, r.ReceiptSize
			return r
		}
	}
	h.Executed, h.ExecutedTime, h.StateRoot, h.OutboundRoot = parent.Executed, parent.ExecutedTime, parent.StateRoot, parent.OutboundRoot
	h.ReceiptRoot, h.ReceiptSize = parent.ReceiptRoot, parent.ReceiptSize
	return m.result(parent.Executed)
}

// selectCut returns the cut to propose on base: for each lane the highest tip that
// we hold, or, after a nullified view or for a lane on probation, the highest that
// is certified.
func (m *Machine) selectCut(base *node, careful bool) (types.Cut, []types.CarCertificate) {
	cut := types.Cut{Tips: slices.Clone(base.block.Cut.Tips)}
	var available []types.CarCertificate
	budget, n := maxAvailable, len(m.tips)
	for k := range n {
		i := (k + int(m.current%uint64(n))) % n
		tip, cert := &m.tips[i], m.tips[i].Certified
		switch {
		case !careful && m.suspects[i] == 0 && tip.Held.Height > cut.Tips[i].Height && (cert == nil || cert.Tip.Height <= tip.Held.Height):
			cut.Tips[i] = tip.Held
		case cert != nil && cert.Tip.Height > cut.Tips[i].Height && len(cert.Votes) <= budget:
			cut.Tips[i] = cert.Tip
			available = append(available, *cert)
			budget -= len(cert.Votes)
		}
		cut.Tips[i].Lane = uint32(i)
	}
	return cut, available
}

// suspectLanes puts the lanes on probation whose uncertified tips were in a view
// that was nullified.
func (m *Machine) suspectLanes(v *view) {
	if v.proposal == nil {
		return
	}
	parent := m.tree[v.proposal.Block.Header.Parent]
	if parent == nil {
		return
	}
	certified := make(map[uint32]uint64, len(v.proposal.Available))
	for i := range v.proposal.Available {
		t := &v.proposal.Available[i].Tip
		certified[t.Lane] = t.Height
	}
	for i := range v.proposal.Block.Cut.Tips {
		if t := &v.proposal.Block.Cut.Tips[i]; t.Height > parent.block.Cut.Tips[i].Height && certified[uint32(i)] < t.Height {
			m.suspects[i] = probation
		}
	}
}

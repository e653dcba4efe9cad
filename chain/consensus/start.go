package consensus

import (
	"fmt"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// start sets the machine up from what is durable.
func (m *Machine) start(s Start) error {
	if len(s.Executed) == 0 {
		return fmt.Errorf("consensus: start: no result of execution, want at least that of the zero-state: %w", proofs.ErrLink)
	}
	for i := range s.Executed {
		if i > 0 && s.Executed[i].Height <= s.Executed[i-1].Height {
			return fmt.Errorf("consensus: start: results of execution do not rise at block %d: %w", s.Executed[i].Height, proofs.ErrLink)
		}
	}
	m.executed = append(m.executed, s.Executed...)
	for _, b := range s.Records {
		r, err := decodeRecord(b)
		if err != nil {
			return err
		}
		m.replay = append(m.replay, r)
	}
	m.resetEpoch(s.Anchor)
	if f := s.LastFinal; f != nil && f.ID != s.Anchor.ID {
		if err := m.startAt(f); err != nil {
			return err
		}
	}
	m.replayRecords()
	m.resumeView()
	return nil
}

// startAt takes the newest final block of the epoch.
func (m *Machine) startAt(f *types.FinalBlock) error {
	h := &f.Block.Header
	if h.Epoch != m.anchor.Epoch || h.Height <= m.anchor.Header.Height || h.IsKeyBlock() {
		return fmt.Errorf("consensus: start: final block %d of epoch %d, want the anchor of epoch %d or a block above it, no key block: %w",
			h.Height, h.Epoch, m.anchor.Epoch, proofs.ErrLink)
	}
	if f.Certificate == nil {
		return fmt.Errorf("consensus: start: final block %d: no certificate: %w", h.Height, proofs.ErrQuorum)
	}
	if err := m.checkBody(&f.Block); err != nil {
		return fmt.Errorf("consensus: start: %w", err)
	}
	block := f.Block
	delete(m.tree, m.anchor.ID)
	m.final = &node{block: &block, id: h.ID(), held: true, recorded: true}
	m.tree[m.final.id] = m.final
	c := f.Certificate
	q := &types.Quorum{Kind: proofs.TypeFinalize, Epoch: h.Epoch, View: c.View, ParentView: c.ParentView, Header: m.final.id, Aggregate: c.Quorum}
	v := m.view(c.View)
	v.certs[finalize] = q
	m.finalView, m.finalCert = c.View, q
	m.noteCert(v, finalize)
	return nil
}

// resumeView puts the machine into the view that its certificates justify. A view
// in which we voted without a certificate that began it is resumed as well: the
// votes were made in it.
func (m *Machine) resumeView() {
	m.current = max(m.current, m.top+1)
	for n, v := range m.views { // a maximum does not depend on the order
		if v.own[notarize] != nil || v.own[nullify] != nil {
			m.current = max(m.current, n)
		}
	}
}

// begin is the first step's: what was said before is said again, and somebody is
// asked for what we missed.
func (m *Machine) begin(now uint64) {
	m.now, m.entered, m.resendAt = now, now, now
	f := &m.fetch
	f.behind, f.askAt = true, now
	for n := m.current; n < m.current+windowAhead && len(f.peers) < min(maxAskers, m.set.Len()); n++ {
		m.noteAhead(m.leaderKey(n))
	}
}

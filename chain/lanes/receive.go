package lanes

import (
	"fmt"
	"slices"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// early is a message of the next epoch.
type early struct {
	from proofs.NodeKey
	in   Input
}

// postpone keeps a message until the next epoch starts here too.
func (m *Machine) postpone(from proofs.NodeKey, in Input) error {
	n := 0
	for i := range m.early {
		if m.early[i].from == from {
			n++
		}
	}
	if n >= m.lim.Early || len(m.early) >= m.lim.Early*(m.set.Len()+1) {
		return fmt.Errorf("message for epoch %d: have %d of this sender: %w", m.epoch+1, n, ErrBusy)
	}
	m.early = append(m.early, early{from, in})
	return nil
}

func checkShape(c *types.Car) error {
	switch {
	case len(c.Batches) == 0 || len(c.Batches) > types.MaxCarBatches:
		return fmt.Errorf("car: got %d batches, want 1 to %d: %w", len(c.Batches), types.MaxCarBatches, proofs.ErrMalformed)
	case c.Height == 0 || (c.Height == 1) != (c.Parent == proofs.Hash{}):
		return fmt.Errorf("car: got height %d with parent %x: %w", c.Height, c.Parent[:4], proofs.ErrMalformed)
	}
	for i, d := range c.Batches {
		if slices.Contains(c.Batches[:i], d) {
			return fmt.Errorf("car: batch %x twice: %w", d[:4], proofs.ErrMalformed)
		}
	}
	return nil
}

func (m *Machine) carIn(in CarIn) error {
	c := &in.Car
	if c.Epoch > m.epoch+1 {
		return fmt.Errorf("car: got epoch %d, want %d: %w", c.Epoch, m.epoch, proofs.ErrEpoch)
	}
	if err := checkShape(c); err != nil {
		return err
	}
	if c.Epoch == m.epoch+1 {
		return m.postpone(in.From, in)
	}
	digest := c.Digest(m.network)
	if w := m.wants.byDigest[digest]; w != nil && w.epoch == c.Epoch && w.lane == c.Lane {
		return m.wantedCar(w, c)
	}
	if c.Epoch < m.epoch {
		return fmt.Errorf("car: got epoch %d, want %d: %w", c.Epoch, m.epoch, proofs.ErrStale)
	}
	if int(c.Lane) >= len(m.lanes) {
		return fmt.Errorf("car: got lane %d of %d: %w", c.Lane, len(m.lanes), proofs.ErrMalformed)
	}
	l := m.lanes[c.Lane]
	if have := l.cars[digest]; have != nil {
		if in.From == l.owner && have.vote != nil && int(l.index) != m.self {
			m.out.Sends = append(m.out.Sends, Send{To: l.owner, Vote: have.vote})
		}
		return nil
	}
	if err := m.checkRoom(l, c); err != nil {
		return err
	}
	if err := c.Verify(m.network, l.owner); err != nil {
		return err
	}
	m.accept(l, c, digest)
	return nil
}

// checkRoom keeps a lane within its bounds.
func (m *Machine) checkRoom(l *lane, c *types.Car) error {
	switch {
	case c.Height <= l.committed.Height:
		return fmt.Errorf("car of lane %d: got height %d, final is %d: %w", c.Lane, c.Height, l.committed.Height, proofs.ErrStale)
	case c.Height-l.committed.Height > uint64(m.lim.Window):
		return fmt.Errorf("car of lane %d: got height %d, want at most %d above %d: %w", c.Lane, c.Height, m.lim.Window, l.committed.Height, ErrBusy)
	case len(l.heights[c.Height]) >= m.lim.Forks:
		return fmt.Errorf("car of lane %d: have %d cars at height %d: %w", c.Lane, m.lim.Forks, c.Height, ErrBusy)
	}
	p := l.cars[c.Parent]
	onFinal := c.Height == l.committed.Height+1 && c.Parent == l.committed.Digest
	if !onFinal && (p == nil || !p.linked) && l.unlinked >= m.lim.Unlinked {
		return fmt.Errorf("car of lane %d: have %d cars without their ancestors: %w", c.Lane, l.unlinked, ErrBusy)
	}
	if p != nil && p.Height+1 != c.Height {
		return fmt.Errorf("car of lane %d: got height %d on a parent at %d: %w", c.Lane, c.Height, p.Height, proofs.ErrMalformed)
	}
	return nil
}

func (m *Machine) accept(l *lane, c *types.Car, digest proofs.Hash) {
	m.out.Store = append(m.out.Store, *c)
	m.insert(l, m.newCar(c, digest, l.owner))
}

// wantedCar takes a car that was fetched by its digest: its place is known, and
// the bounds of its lane do not apply.
func (m *Machine) wantedCar(w *want, c *types.Car) error {
	if c.Height != w.height {
		// A signed car names a parent that is not one lower: it can never be linked.
		m.wants.impossible(w.digest)
		m.dirty = true
		return fmt.Errorf("car of lane %d: got height %d, its child wants %d: %w", c.Lane, c.Height, w.height, proofs.ErrIndex)
	}
	owner := w.set.At(int(c.Lane)).Node
	if err := c.Verify(m.network, owner); err != nil {
		return err
	}
	m.wants.remove(w.digest)
	if c.Epoch == m.epoch && c.Height > m.lanes[c.Lane].committed.Height {
		m.accept(m.lanes[c.Lane], c, w.digest)
		return nil
	}
	for _, f := range m.finals {
		if f.covers(c) {
			m.out.Store = append(m.out.Store, *c)
			f.cars[w.digest] = m.newCar(c, w.digest, owner)
			m.dirty = true
			break
		}
	}
	return nil
}

func (m *Machine) certificateIn(in CertificateIn) error {
	c := &in.Cert
	switch {
	case len(c.Votes) > proofs.MaxValidators:
		return fmt.Errorf("car certificate: got %d votes: %w", len(c.Votes), proofs.ErrMalformed)
	case c.Epoch == m.epoch+1:
		return m.postpone(in.From, in)
	case c.Epoch > m.epoch:
		return fmt.Errorf("car certificate: got epoch %d, want %d: %w", c.Epoch, m.epoch, proofs.ErrEpoch)
	case c.Epoch < m.epoch:
		return fmt.Errorf("car certificate: got epoch %d, want %d: %w", c.Epoch, m.epoch, proofs.ErrStale)
	case int(c.Tip.Lane) >= len(m.lanes):
		return fmt.Errorf("car certificate: got lane %d of %d: %w", c.Tip.Lane, len(m.lanes), proofs.ErrMalformed)
	}
	l := m.lanes[c.Tip.Lane]
	switch {
	case c.Tip.Height <= l.committed.Height:
		return fmt.Errorf("car certificate: got height %d, final is %d: %w", c.Tip.Height, l.committed.Height, proofs.ErrStale)
	case l.certs[c.Tip.Digest] != nil:
		return nil
	case c.Tip.Height-l.committed.Height > uint64(m.lim.Window) || l.certTops[c.Tip.Height] >= m.lim.Forks:
		return fmt.Errorf("car certificate: lane %d, height %d: %w", c.Tip.Lane, c.Tip.Height, ErrBusy)
	}
	if err := c.Verify(m.network, m.set); err != nil {
		return err
	}
	m.addCertificate(l, c)
	return nil
}

// addCertificate takes a valid certificate of this epoch, above the final tip.
func (m *Machine) addCertificate(l *lane, c *types.CarCertificate) {
	if l.certs[c.Tip.Digest] != nil {
		return
	}
	l.certs[c.Tip.Digest] = c
	l.certTops[c.Tip.Height]++
	if l.best == nil || c.Tip.Height > l.best.Tip.Height {
		l.best, m.tips = c, true
	}
	if held := l.cars[c.Tip.Digest]; held != nil {
		l.certify(held)
		if int(l.index) == m.self {
			m.acknowledge(l, held)
		}
	}
	m.dirty = true
}

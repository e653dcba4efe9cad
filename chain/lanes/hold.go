package lanes

import (
	"fmt"
	"slices"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// hold is a cut that waits to be held, with the lanes still open.
type hold struct {
	Hold
	open []int
}

func (m *Machine) hold(in Hold) error {
	if slices.ContainsFunc(m.holds, func(h *hold) bool { return h.ID == in.ID }) {
		return nil
	}
	if err := in.Cut.Extends(&in.Base, len(m.lanes)); err != nil {
		return err
	}
	h := &hold{Hold: in}
	for i := range in.Cut.Tips {
		t, b := &in.Cut.Tips[i], &in.Base.Tips[i]
		if t.Height-b.Height > uint64(m.lim.Window) {
			return fmt.Errorf("hold %x: lane %d: got tip %d on %d, want at most %d more: %w", in.ID[:4], i, t.Height, b.Height, m.lim.Window, proofs.ErrTooLarge)
		}
		if t.Height > b.Height {
			h.open = append(h.open, i)
		}
	}
	if len(m.holds) >= m.lim.Holds {
		m.holds = m.holds[1:]
	}
	m.holds = append(m.holds, h)
	m.dirty = true
	return nil
}

func (m *Machine) drop(id proofs.Hash) {
	m.holds = slices.DeleteFunc(m.holds, func(h *hold) bool { return h.ID == id })
	m.dirty = true
}

func (m *Machine) checkHolds() {
	m.holds = slices.DeleteFunc(m.holds, func(h *hold) bool {
		h.open = slices.DeleteFunc(h.open, func(i int) bool { return m.holds1(h, m.lanes[i]) })
		if len(h.open) == 0 {
			m.out.Held = append(m.out.Held, h.ID)
			return true
		}
		return false
	})
}

// holds1 reports whether one lane of a hold is held or certified; it asks for what
// is missing otherwise.
func (m *Machine) holds1(h *hold, l *lane) bool {
	base, tip := &h.Base.Tips[l.index], &h.Cut.Tips[l.index]
	if c := l.certs[tip.Digest]; c != nil && c.Tip.Same(tip) {
		return true
	}
	if c := l.cars[tip.Digest]; c != nil && c.certified && c.Height == tip.Height {
		return true
	}
	if m.available(h, l, tip) {
		return true
	}
	if base.Height < l.committed.Height {
		return false // overtaken: the block can no longer become final
	}
	complete := true
	digest := tip.Digest
	for height := tip.Height; height > base.Height; height-- {
		c := l.cars[digest]
		if c == nil {
			m.need(m.wantIn(l, height, digest, base.Height), h.From, m.now)
			return false
		}
		if c.Height != height {
			return false
		}
		if c.missing > 0 {
			m.hurry(c, h.From)
			complete = false
		}
		digest = c.Parent
	}
	return complete && digest == base.Digest
}

// available looks for a certificate that came with the hold. Each is verified once,
// and only if the car is not held anyway.
func (m *Machine) available(h *hold, l *lane, tip *types.Tip) bool {
	if c := l.cars[tip.Digest]; c != nil && c.complete && c.Height == tip.Height && h.Base.Tips[l.index].Same(&l.committed) {
		return true
	}
	i := slices.IndexFunc(h.Available, func(c types.CarCertificate) bool { return c.Tip.Same(tip) })
	if i < 0 {
		return false
	}
	cert := h.Available[i]
	h.Available = slices.Delete(slices.Clone(h.Available), i, i+1)
	if cert.Epoch != m.epoch || tip.Height <= l.committed.Height {
		return false
	}
	if err := cert.Verify(m.network, m.set); err != nil {
		m.refuse(h.From, err)
		return false
	}
	m.addCertificate(l, &cert)
	return true
}

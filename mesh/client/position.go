package client

import (
	"math"

	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// position is how far our network has followed a peer: as its state has it, or as
// it will have it once the items in flight are executed.
type position struct {
	trust    proofs.Trust // Set is nil before the zero-header
	consumed merkle.Range
	executed uint64 // of the newest inducted header
	settled  uint64 // our queue towards the peer is known to be settled up to here
	active   bool
	due      uint64 // deadline of our oldest message that can still be refunded early; never if there is none
}

// never is a deadline that does not come.
const never = math.MaxUint64

func (v *PeerView) position() position {
	p := position{
		trust: v.Trust, consumed: v.Consumed.Clone(), executed: v.Executed, settled: v.OutBegin, active: v.Active,
		due: v.OutDeadline,
	}
	if p.due == 0 {
		p.due = never
	}
	return p
}

// covers reports whether p has all that q has.
func (p *position) covers(q *position) bool {
	return (p.trust.Set != nil || q.trust.Set == nil) && p.trust.Epoch >= q.trust.Epoch &&
		p.consumed.End() >= q.consumed.End() && p.settled >= q.settled && (p.active || !q.active) && p.due >= q.due
}

// raise takes over from q whatever is further there.
func (p *position) raise(q *position) {
	if p.trust.Set == nil || q.trust.Set != nil && q.trust.Epoch >= p.trust.Epoch {
		p.trust = q.trust
	}
	if q.consumed.End() > p.consumed.End() {
		p.consumed = q.consumed.Clone()
	}
	p.executed = max(p.executed, q.executed)
	p.settled = max(p.settled, q.settled)
	p.active = p.active || q.active
	p.due = max(p.due, q.due)
}

// claim is how far a peer is said to be: by its announcements, or by what was
// verified here and not submitted.
type claim struct {
	keyHeight    uint64
	end, settled uint64
	head         bool // there is a head for us
}

func (c *claim) merge(o claim) {
	c.keyHeight = max(c.keyHeight, o.keyHeight)
	c.end = max(c.end, o.end)
	c.settled = max(c.settled, o.settled)
	c.head = c.head || o.head
}

// wantsKeys reports whether the claim has key blocks that p lacks.
func (c *claim) wantsKeys(p *position) bool { return c.keyHeight > p.trust.KeyHeight }

// wantsSlice reports whether a slice under the claim would teach p something.
func (c *claim) wantsSlice(p *position) bool {
	return c.end > p.consumed.End() || c.settled > p.settled || c.head && !p.active
}

func (c *claim) wants(p *position) bool { return c.wantsKeys(p) || c.wantsSlice(p) }

// claimOf reads what an announcement says of reader's link. A head of another
// incarnation says nothing of ours.
func claimOf(a *Announcement, reader proofs.NetworkID, incarnation uint64) claim {
	c := claim{keyHeight: a.KeyHeight}
	for i := range a.Heads {
		if h := &a.Heads[i]; h.Peer == reader && h.Incarnation == incarnation {
			c.end, c.settled, c.head = h.End, h.Settled, true
		}
	}
	return c
}

package client

import (
	"errors"
	"fmt"
	"time"

	"github.com/isthmus-network/isthmus/proofs"
)

// status describes the peer to operators.
func (p *planner) status(now uint64) FollowStatus {
	s := FollowStatus{
		Network: p.peer, State: p.view.State, Epoch: p.committed.trust.Epoch, KeyHeight: p.committed.trust.KeyHeight,
		AnnouncedHeight: p.report.height, AnnouncedExecuted: p.report.executed,
		VerifiedHeight: p.report.verifiedHeight, VerifiedExecuted: p.report.verifiedExecuted,
		Consumed: p.committed.consumed.End(), Submitted: p.ahead.consumed.End(), InFlight: len(p.flights),
		LastErrorAt: p.report.errAt, LastProgress: p.report.progressAt, Alarm: p.alarm(now),
	}
	if p.report.err != nil {
		s.LastError = p.report.err.Error()
	}
	if p.report.pendingSince != 0 {
		s.PendingFor = span(p.report.pendingSince, now)
	}
	if t := &p.committed.trust; t.Set != nil {
		s.TrustLeft = span(now, t.Time+t.TrustPeriod)
	}
	return s
}

// span is the time from a to b, both in milliseconds.
func span(a, b uint64) time.Duration { return time.Duration(int64(b-a)) * time.Millisecond }

// alarm says what an operator must act on. A peer's epochs last at most a
// quarter of its trust period: half of it without a key block is no accident.
func (p *planner) alarm(now uint64) string {
	t := &p.committed.trust
	switch {
	case !p.known:
		return ""
	case p.view.Kind != nativeKind:
		return fmt.Sprintf("network kind %q is not known here", p.view.Kind)
	case p.report.diverged:
		return "the peer's certified history is not the one that was consumed"
	case errors.Is(p.report.err, proofs.ErrVersion):
		return "the peer certifies headers of a protocol version that is not known here"
	case t.Set == nil || p.view.Historical:
		return ""
	case t.Expired(now):
		return fmt.Sprintf("trust expired %v ago: nothing of this peer can be verified any more", span(t.Time+t.TrustPeriod, now))
	case now > t.Time && now-t.Time > t.TrustPeriod/2:
		return fmt.Sprintf("no key block or slice for %v; trust expires in %v: sources withhold key blocks, or the peer stands still",
			span(t.Time, now), span(now, t.Time+t.TrustPeriod))
	}
	return ""
}

package client

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// ours is our network's committed state about one peer. It takes items as the
// rules would.
type ours struct {
	t       testing.TB
	peer    *foreign
	view    PeerView
	applied []string // what changed the state
	useless int      // items that changed nothing
}

func newOurs(t testing.TB, f *foreign) *ours {
	o := &ours{t: t, peer: f}
	o.view.Network, o.view.Kind, o.view.State, o.view.Incarnation = f.zero.ID, nativeKind, "registered", 1
	o.view.TakesKeys, o.view.TakesSlices, o.view.Historical = true, true, true
	o.view.Trust.Network = f.zero.ID
	return o
}

// following starts ours on an active link.
func following(t testing.TB, f *foreign) *ours {
	o := newOurs(t, f)
	o.view.State, o.view.Active, o.view.Historical, o.view.Trust = "active", true, false, proofs.NewTrust(f.zero)
	return o
}

func (o *ours) execute(now uint64, items []submit) {
	for _, it := range items {
		what, err := o.apply(now, it)
		switch {
		case err != nil || what == "":
			o.useless++
		default:
			o.applied = append(o.applied, what)
		}
	}
}

func (o *ours) apply(now uint64, it submit) (string, error) {
	switch it.kind {
	case types.ItemZero:
		var z proofs.ZeroHeader
		if err := proofs.Decode(&z, it.data, 1<<20); err != nil || o.view.Trust.Set != nil {
			return "", err
		}
		zero, err := z.CheckID(o.peer.zero.ID)
		if err != nil {
			return "", err
		}
		o.view.Trust, o.view.State = proofs.NewTrust(zero), "bootstrapping"
		return "zero", nil
	case types.ItemKeyBlock:
		var kb proofs.KeyBlock
		if err := proofs.Decode(&kb, it.data, 1<<20); err != nil {
			return "", err
		}
		next, _, err := o.view.Trust.Advance(&kb, proofs.Clock{Now: now, Historical: o.view.Historical})
		if err != nil {
			return "", err
		}
		o.view.Trust = next
		return fmt.Sprintf("key %d", kb.Header.Height), nil
	}
	return o.applySlice(now, it.data)
}

func (o *ours) applySlice(now uint64, data []byte) (string, error) {
	s, err := proofs.DecodeSlice(data)
	if err != nil {
		return "", err
	}
	v, err := o.view.Trust.VerifyHeader(&s.Header, proofs.Clock{Now: now})
	if err != nil {
		return "", err
	}
	vh, err := v.VerifyHead(&s.Proof, reader)
	if err != nil {
		return "", err
	}
	vs, err := vh.VerifyMessages(s, o.view.Consumed)
	if errors.Is(err, proofs.ErrDiverged) {
		o.view.State, o.view.TakesKeys, o.view.TakesSlices, o.view.Active = "diverged", false, false, false
		return "divergence", nil
	}
	if err != nil {
		return "", err
	}
	head := vh.Head()
	late := o.view.OutDeadline != 0 && vh.Time() > o.view.OutDeadline
	if len(vs.Messages()) == 0 && head.Settled <= o.view.OutBegin && o.view.Active && !late {
		return "", nil
	}
	from := o.view.Consumed.End()
	o.view.Consumed, o.view.Executed = vs.Consumed(), s.Header.Header.Executed
	o.view.OutBegin = max(o.view.OutBegin, head.Settled)
	o.view.Active, o.view.Historical, o.view.State, o.view.OutDeadline = true, false, "active", 0
	return fmt.Sprintf("slice [%d, %d)", from, o.view.Consumed.End()), nil
}

// scene plays one planner against its peer: our lane holds what is submitted
// until commit.
type scene struct {
	t     testing.TB
	f     *foreign
	o     *ours
	p     *planner
	now   uint64
	index int
	n     int
	lane  []submit
	log   []string // every ask, submission and blame, in order
	// answer replaces what the asked node says; nil is an honest node.
	answer func(proto Proto, req []byte) ([]byte, error)
}

// play begins with this node first in turn of one.
func play(t testing.TB, f *foreign, o *ours) *scene {
	cfg := Config{}.withDefaults()
	s := &scene{t: t, f: f, o: o, p: newPlanner(reader, f.zero.ID, cfg.timings()), now: f.time + 1000, n: 1}
	s.tell()
	return s
}

func (s *scene) tell() { s.p.state(s.now, s.o.view, s.index, s.n) }

// settle lets the planner do all that it wants now.
func (s *scene) settle() {
	s.t.Helper()
	for range 1000 {
		effects := s.p.plan(s.now)
		if len(effects) == 0 {
			if at := s.p.next(s.now); at != 0 && at <= s.now {
				s.t.Fatalf("next wake is %d, not after %d", at, s.now)
			}
			return
		}
		for _, e := range effects {
			s.do(e)
		}
	}
	s.t.Fatalf("the planner never rests: %q", s.log[len(s.log)-5:])
}

func (s *scene) do(e effect) {
	switch e := e.(type) {
	case submit:
		names := map[types.ItemKind]string{types.ItemZero: "zero", types.ItemKeyBlock: "key", types.ItemSlice: "slice"}
		s.log = append(s.log, "submit "+names[e.kind])
		s.lane = append(s.lane, e)
	case penalize:
		s.log = append(s.log, "blame")
		s.t.Log(e.err)
	case ask:
		s.log = append(s.log, "ask "+e.proto.Name())
		resp, err := Answer(s.f, e.proto, e.req)
		if s.answer != nil {
			resp, err = s.answer(e.proto, e.req)
		}
		s.p.answered(s.now, "node", resp, err)
	}
}

// commit executes the lane and tells the planner.
func (s *scene) commit() {
	s.o.execute(s.now, s.lane)
	s.lane = nil
	s.tell()
	s.settle()
}

// pass lets time go by, waking the planner when it wants.
func (s *scene) pass(ms uint64) {
	s.t.Helper()
	for end := s.now + ms; ; {
		s.settle()
		at := s.p.next(s.now)
		if at == 0 || at > end {
			s.now = end
			s.settle()
			return
		}
		s.now = at
	}
}

// hear hands over an announcement and lets the planner act.
func (s *scene) hear(a *Announcement) {
	s.p.hear(a)
	s.settle()
}

// since returns what was done since the last call.
func (s *scene) did() []string {
	log := s.log
	s.log = nil
	return log
}

func (s *scene) wantDid(want ...string) {
	s.t.Helper()
	if got := s.did(); !slices.Equal(got, want) {
		s.t.Fatalf("the planner did\n  %q, want\n  %q", got, want)
	}
}

func (s *scene) count(what string) (n int) {
	for _, l := range s.log {
		if l == what {
			n++
		}
	}
	return n
}

func (s *scene) wantConsumed(want uint64) {
	s.t.Helper()
	if got := s.o.view.Consumed.End(); got != want {
		s.t.Fatalf("our state consumed %d messages, want %d", got, want)
	}
}

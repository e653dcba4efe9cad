package client

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/isthmus-network/isthmus/proofs"
)

// SECURITY: verus, bnb, range omission: whatever a source changes fails.
func TestALyingSourceIsBlamedAndAnotherTriedAtOnce(t *testing.T) {
	lies := map[string]func(*proofs.Slice){
		"amount":          func(s *proofs.Slice) { s.Messages[0].Amount = proofs.NewAmount(8) },
		"recipient":       func(s *proofs.Slice) { s.Messages[1].Recipient[0] ^= 1 },
		"order":           func(s *proofs.Slice) { s.Messages[0], s.Messages[1] = s.Messages[1], s.Messages[0] },
		"omission":        func(s *proofs.Slice) { s.Messages = s.Messages[1:]; s.Start++ },
		"truncation":      func(s *proofs.Slice) { s.Messages = s.Messages[:1] },
		"head":            func(s *proofs.Slice) { s.Proof.Head.Settled, s.Proof.Head.Acked = 9, 9 },
		"branch":          func(s *proofs.Slice) { s.Proof.Root[0] ^= 1 },
		"state root":      func(s *proofs.Slice) { s.Header.Header.StateRoot[0] ^= 1 },
		"other network":   func(s *proofs.Slice) { s.Header.Header.Network[0] ^= 1 },
		"signature":       func(s *proofs.Slice) { s.Header.Certificate.Quorum.Signature[9] ^= 1 },
		"fewer signers":   func(s *proofs.Slice) { s.Header.Certificate.Quorum.Bitmap[0] = 1 },
		"unknown signers": func(s *proofs.Slice) { s.Header.Certificate.Quorum.Bitmap[0] = 0xff },
	}
	for name, lie := range lies {
		t.Run(name, func(t *testing.T) {
			f := newForeign(t, "alpha")
			f.emit(3)
			s := play(t, f, following(t, f))
			s.settle()
			s.did()
			lied := false
			s.answer = func(proto Proto, req []byte) ([]byte, error) {
				resp, err := Answer(f, proto, req)
				if proto != ProtoSlice || lied || err != nil {
					return resp, err
				}
				lied = true
				slice, err := proofs.DecodeSlice(resp)
				if err != nil {
					t.Fatal(err)
				}
				lie(slice)
				return slice.MarshalCanoto(), nil
			}
			s.hear(f.block())
			if got := s.did(); name == "omission" {
				// A gap may be a source that thinks we are further: no blame.
				if slices.Contains(got, "submit slice") {
					t.Fatalf("got %q, want nothing submitted", got)
				}
				s.pass(s.p.t.retry)
			} else if want := []string{"ask slice", "blame", "ask slice", "submit slice"}; !slices.Equal(got, want) {
				t.Fatalf("got %q, want %q: %v", got, want, s.p.report.err)
			}
			s.commit()
			s.wantConsumed(3)
			if s.o.useless != 0 || !strings.Contains(s.p.status(s.now).LastError, "slice from node") {
				t.Fatalf("%d useless items, status %+v", s.o.useless, s.p.status(s.now))
			}
		})
	}
}

// SECURITY: a lane is ignored for what cannot verify: a source must not be able to
// make it carry a Left where nothing differs.
func TestALeftThatNobodyAskedForIsNotCarried(t *testing.T) {
	f := newForeign(t, "alpha")
	f.emit(3)
	s := play(t, f, following(t, f))
	s.settle()
	s.did()
	added := false
	s.answer = func(proto Proto, req []byte) ([]byte, error) {
		resp, err := Answer(f, proto, req)
		if proto != ProtoSlice || err != nil || len(resp) == 0 {
			return resp, err
		}
		slice, err := proofs.DecodeSlice(resp)
		if err != nil {
			t.Fatal(err)
		}
		slice.Left, added = []proofs.Hash{{1}}, true
		return slice.MarshalCanoto(), nil
	}
	s.hear(f.block())
	s.wantDid("ask slice", "submit slice")
	s.commit()
	s.wantConsumed(3)
	if !added || s.o.useless != 0 {
		t.Fatalf("added %v, got %d useless items, want none", added, s.o.useless)
	}
}

func TestGarbageIsBlamedAndCannotSpin(t *testing.T) {
	f := newForeign(t, "alpha")
	f.emit(1)
	for _, o := range []*ours{newOurs(t, f), following(t, f)} {
		s := play(t, f, o)
		s.answer = func(Proto, []byte) ([]byte, error) { return []byte("\xff\xffgarbage"), nil }
		s.hear(f.block())
		s.pass(60_000)
		if asks := len(s.log) - s.count("blame"); asks > 40 || s.count("blame") < 5 {
			t.Fatalf("a minute of garbage: got %d requests, want few, each blamed", asks)
		}
		s.answer = nil
		s.pass(10_000)
		s.commit()
		s.pass(10_000)
		s.commit()
		s.wantConsumed(1)
	}
}

func TestSilentSources(t *testing.T) {
	f := newForeign(t, "alpha")
	f.emit(1)
	s := play(t, f, following(t, f))
	s.settle()
	s.did()
	s.answer = func(Proto, []byte) ([]byte, error) { return nil, errors.New("deadline exceeded") }
	a := f.block()
	s.hear(a)
	s.pass(60_000)
	if got := len(s.did()); got > 30 {
		t.Fatalf("a minute of silence: got %d requests, want few", got)
	}
	if st := s.p.status(s.now); st.PendingFor < 50*1e9 || !strings.Contains(st.LastError, "deadline exceeded") {
		t.Fatalf("got status %+v", st)
	}
	s.answer = nil
	s.pass(5000)
	s.commit()
	s.wantConsumed(1)
}

func TestFalseNewsCausesFewRequests(t *testing.T) {
	f := newForeign(t, "alpha")
	s := play(t, f, following(t, f))
	s.settle()
	a := f.block()
	a.Heads[0].End, a.KeyHeight = 1<<40, a.Height
	s.did()
	s.hear(a)
	s.pass(4000)
	if got := len(s.did()); got == 0 || got > 2*maxVain {
		t.Fatalf("got %d requests for one false announcement, want at most %d", got, 2*maxVain)
	}
	// Repeating the lie buys requests only at the rate of the retry; and the truth
	// is found meanwhile.
	for range 1000 {
		s.p.hear(a)
		s.pass(1)
	}
	if got := len(s.did()); got > 88 {
		t.Fatalf("got %d requests in a second of lies, want about forty of each kind", got)
	}
	f.emit(1)
	f.block()
	for range 110 {
		s.p.hear(a)
		s.pass(1)
	}
	s.commit()
	s.wantConsumed(1)
}

// SECURITY: skipped rotation: a header of a set that was not followed is useless
// until its key block is.
func TestARotationIsFollowedFirst(t *testing.T) {
	f := newForeign(t, "alpha")
	s := play(t, f, following(t, f))
	s.settle()
	s.did()
	f.keyBlock("d")
	f.emit(1)
	a := f.block()
	a.KeyHeight = 0 // an announcement that hides the key block
	s.hear(a)
	s.pass(s.p.t.retry)
	s.wantDid("ask slice", "ask keyblocks", "submit key", "ask slice", "submit slice")
	s.commit()
	s.wantConsumed(1)
	if s.o.useless != 0 {
		t.Fatalf("got %d useless items, want none", s.o.useless)
	}
}

func TestAMissingKeyBlockIsTheSourcesFault(t *testing.T) {
	f := newForeign(t, "alpha")
	f.keyBlock("d")
	f.keyBlock("e")
	a := f.keyBlock()
	s := play(t, f, following(t, f))
	lied := false
	s.answer = func(proto Proto, req []byte) ([]byte, error) {
		if proto == ProtoKeyBlocks && !lied {
			lied = true
			r := KeyBlocksResponse{Blocks: f.keyBlocks[1:]}
			return r.MarshalCanoto(), nil
		}
		return Answer(f, proto, req)
	}
	s.hear(a)
	if got := s.log; !slices.Equal(got[:5], []string{"ask keyblocks", "blame", "ask keyblocks", "submit key", "submit key"}) {
		t.Fatalf("got %q", got)
	}
	s.commit()
	if got := s.o.view.Trust.Epoch; got != 3 {
		t.Fatalf("got epoch %d, want 3", got)
	}
}

// SECURITY: eclipse: key blocks withheld until trust expires.
func TestAnEclipseIsAlarmed(t *testing.T) {
	f := newForeign(t, "alpha")
	f.keyBlock()
	s := play(t, f, following(t, f))
	s.answer = func(Proto, []byte) ([]byte, error) { return nil, nil } // sources say: nothing new
	s.pass(40_000)
	if st := s.p.status(s.now); st.Alarm != "" || st.TrustLeft <= 0 {
		t.Fatalf("after 40%% of the trust period: got alarm %q, trust left %v", st.Alarm, st.TrustLeft)
	}
	s.pass(20_000)
	if st := s.p.status(s.now); !strings.Contains(st.Alarm, "trust expires in") {
		t.Fatalf("after 60%% of the trust period: got alarm %q", st.Alarm)
	}
	s.pass(60_000)
	s.answer = nil
	s.did()
	s.pass(300_000)
	s.wantDid() // nothing can be verified any more
	if st := s.p.status(s.now); !strings.Contains(st.Alarm, "trust expired") || st.TrustLeft >= 0 {
		t.Fatalf("after the trust period: got alarm %q, trust left %v", st.Alarm, st.TrustLeft)
	}
}

// SECURITY: peer's fork rolled back: stop and alarm, no carrier blamed.
func TestADivergenceIsShownToOurNetworkOnce(t *testing.T) {
	f := newForeign(t, "alpha")
	f.emit(5)
	s := play(t, f, following(t, f))
	s.hear(f.block())
	s.commit()
	s.wantConsumed(5)
	s.did()
	f.queue = nil // the peer forgot, and goes on
	f.emit(3)
	f.block()
	s.pass(200_000 - s.now%1000)
	s.did()
	s.o.view.Trust.TrustPeriod = 1 << 40
	s.tell()
	f.head.Settled, f.head.Acked = 0, 0
	s.pass(150_000)
	if s.count("submit slice") == 0 || s.count("blame") != 0 {
		t.Fatalf("got %q, want the proof submitted and nobody blamed", s.log)
	}
	if st := s.p.status(s.now); !strings.Contains(st.Alarm, "not the one that was consumed") {
		t.Fatalf("got alarm %q", st.Alarm)
	}
	s.commit()
	s.did()
	s.pass(600_000)
	s.wantDid()
	if s.o.view.State != "diverged" {
		t.Fatalf("got state %s", s.o.view.State)
	}
}

// SECURITY: peer's fork rolled back, and longer than what was consumed.
func TestALongerForkIsShownWithItsHistory(t *testing.T) {
	f := newForeign(t, "alpha")
	f.emit(5)
	s := play(t, f, following(t, f))
	s.hear(f.block())
	s.commit()
	s.wantConsumed(5)
	s.did()
	f.queue[2].Amount = proofs.NewAmount(8) // another message in its place, and more behind
	f.emit(3)
	s.hear(f.block())
	s.pass(20_000)
	if s.count("submit slice") == 0 {
		t.Fatalf("got %q, want the proof submitted", s.log)
	}
	if st := s.p.status(s.now); !strings.Contains(st.Alarm, "not the one that was consumed") {
		t.Fatalf("got alarm %q", st.Alarm)
	}
	s.commit()
	if s.o.view.State != "diverged" {
		t.Fatalf("got state %s", s.o.view.State)
	}
}

func TestAStaleHeaderIsNoDivergence(t *testing.T) {
	f := newForeign(t, "alpha")
	f.emit(2)
	f.block()
	old, err := f.Slice(reader, 0, 10, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.emit(2)
	s := play(t, f, following(t, f))
	s.hear(f.block())
	s.commit()
	s.wantConsumed(4)
	s.did()
	s.answer = func(Proto, []byte) ([]byte, error) { return old.MarshalCanoto(), nil }
	f.emit(1)
	s.hear(f.block())
	if slices.Contains(s.log, "submit slice") || slices.Contains(s.log, "blame") || s.p.report.diverged {
		t.Fatalf("got %q, want a source that lags to be asked again, no more", s.log)
	}
	s.answer = nil
	s.pass(1000)
	s.commit()
	s.wantConsumed(5)
}

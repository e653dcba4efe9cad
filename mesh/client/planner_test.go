package client

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestBootstrapsARegisteredPeer(t *testing.T) {
	f := newForeign(t, "alpha")
	f.emit(3)
	f.block()
	f.keyBlock()
	f.keyBlock("d") // the set changes
	f.keyBlock()
	f.keyBlock()
	f.block()
	s := play(t, f, newOurs(t, f))
	s.settle()
	// Everything goes out at once, without waiting for our own blocks. Of the four
	// key blocks the one that changes the set and the newest are needed.
	s.wantDid("ask zero", "submit zero", "ask keyblocks", "submit key", "submit key", "ask slice", "submit slice")
	s.commit()
	s.wantDid("ask keyblocks", "ask slice") // empty: that was all
	s.wantConsumed(3)
	if got, want := s.o.view.State, "active"; got != want || s.o.useless != 0 {
		t.Fatalf("got state %s with %d useless items, want %s with none", got, s.o.useless, want)
	}
}

func TestAnAnnouncementBringsItsSlice(t *testing.T) {
	f := newForeign(t, "alpha")
	s := play(t, f, following(t, f))
	s.settle()
	s.did()
	f.emit(2)
	s.hear(f.block())
	s.wantDid("ask slice", "submit slice")
	// More follows before our state has the first: it starts where that ends.
	f.emit(3)
	s.hear(f.block())
	s.wantDid("ask slice", "submit slice")
	s.commit()
	s.wantConsumed(5)
	if s.o.useless != 0 {
		t.Fatalf("got %d useless items, want none", s.o.useless)
	}
}

func TestAnIdleLinkCostsAlmostNothing(t *testing.T) {
	f := newForeign(t, "alpha")
	f.block()
	s := play(t, f, following(t, f))
	s.p.t.idlePoll = 120_000
	s.o.view.Trust.TrustPeriod = 1 << 40
	s.tell()
	s.settle()
	s.did()
	for range 10 {
		s.hear(f.block()) // blocks without anything for us
	}
	s.wantDid()
	s.pass(600_000)
	if n := len(s.log); n == 0 || n > 14 || slices.Contains(s.log, "submit slice") {
		t.Fatalf("ten idle minutes: got %q, want about five polls of two requests and nothing submitted", s.log)
	}
}

func TestValidatorsTakeTurns(t *testing.T) {
	f := newForeign(t, "alpha")
	s := play(t, f, following(t, f))
	s.settle()
	for s.n, s.index = 4, 0; s.p.t.turn-s.now%s.p.t.turn < 1000; s.now++ {
	}
	s.tell()
	for s.p.rank(s.now) != 2 { // third in turn
		s.index++
		s.tell()
	}
	s.settle()
	s.did()
	f.emit(1)
	a := f.block()
	s.hear(a)
	s.pass(399)
	s.wantDid()
	s.pass(1)
	s.wantDid("ask slice", "submit slice") // the two before us did not
	s.commit()

	f.emit(1)
	s.hear(f.block())
	s.pass(300)
	slice, err := Answer(f, ProtoSlice, s.p.askSlice(s.now, true).req)
	if err != nil {
		t.Fatal(err)
	}
	s.o.execute(s.now, []submit{{kind: 4, data: slice}}) // the one before us did
	s.tell()
	s.pass(1000)
	s.wantDid()
	s.wantConsumed(2)
}

func TestANodeOutsideTheSetSubmitsNothing(t *testing.T) {
	f := newForeign(t, "alpha")
	f.emit(1)
	s := play(t, f, newOurs(t, f))
	s.index = -1
	s.tell()
	s.hear(f.block())
	s.pass(60_000)
	s.wantDid()
}

func TestPipelineIsBounded(t *testing.T) {
	f := newForeign(t, "alpha")
	f.emit(95)
	a := f.block()
	s := play(t, f, following(t, f))
	s.p.t.messages, s.p.t.flying = 10, 50
	s.hear(a)
	if got := s.count("submit slice"); got != 5 {
		t.Fatalf("got %d slices in flight, want 5: 50 messages", got)
	}
	if st := s.p.status(s.now); st.InFlight != 5 || st.Submitted != 50 || st.Consumed != 0 {
		t.Fatalf("got status %+v", st)
	}
	s.commit()
	s.commit()
	s.wantConsumed(95)
	if s.o.useless != 0 {
		t.Fatalf("got %d useless items, want none", s.o.useless)
	}

	// Under a new header for each slice two are in flight: our rules verify no more
	// for one lane and block.
	s.did()
	for range 5 {
		f.emit(1)
		s.hear(f.block())
	}
	if got := s.count("submit slice"); got != maxFlyingHeaders {
		t.Fatalf("got %d slices under different headers in flight, want %d", got, maxFlyingHeaders)
	}
	s.commit()
	s.commit()
	s.wantConsumed(100)
}

func TestWhatGetsLostIsSubmittedAgain(t *testing.T) {
	f := newForeign(t, "alpha")
	f.emit(2)
	s := play(t, f, following(t, f))
	s.hear(f.block())
	s.did()
	s.lane = nil // our lane lost it
	s.pass(1999)
	s.wantDid()
	s.pass(1)
	s.wantDid("ask slice", "submit slice")
	s.lane = nil
	s.pass(3999)
	s.wantDid() // the second time it is given longer
	s.pass(1)
	s.wantDid("ask slice", "submit slice")
	s.commit()
	s.wantConsumed(2)
	if st := s.p.status(s.now); st.LastError == "" || st.InFlight != 0 || st.PendingFor != 0 {
		t.Fatalf("got status %+v", st)
	}
}

func TestOurLaneRefusing(t *testing.T) {
	f := newForeign(t, "alpha")
	f.emit(2)
	s := play(t, f, following(t, f))
	s.hear(f.block())
	s.p.refused(s.now, errors.New("lane is full"))
	s.lane = nil
	s.did()
	s.settle()
	s.wantDid()
	s.pass(s.p.t.retry)
	s.wantDid("ask slice", "submit slice")
}

func TestNothingIsSubmittedThatTeachesNothing(t *testing.T) {
	f := newForeign(t, "alpha")
	o := following(t, f)
	o.view.OutEnd = 5
	s := play(t, f, o)
	f.block()
	s.pass(30_000) // polls: five of ours are unsettled
	if n := s.count("ask slice"); n < 4 || s.count("submit slice") != 0 {
		t.Fatalf("got %q, want polls and no submission", s.log)
	}
	s.did()
	f.head.Acked, f.head.Settled = 2, 2
	s.hear(f.block())
	s.wantDid("ask slice", "submit slice") // a head alone
	s.hear(f.block())
	s.wantDid() // not again while it is in flight
	s.commit()
	if s.o.view.OutBegin != 2 || s.o.useless != 0 {
		t.Fatalf("got our queue settled up to %d, want 2", s.o.view.OutBegin)
	}
	f.head.Acked = 3 // an ack alone is no news
	s.hear(f.block())
	s.wantDid()
}

func TestAPassedDeadlineIsProvedByABareHead(t *testing.T) {
	f := newForeign(t, "alpha")
	o := following(t, f)
	o.view.OutEnd, o.view.OutDeadline = 1, f.time+3000
	s := play(t, f, o)
	s.pass(1000)
	f.block()
	s.pass(10_000)
	if slices.Contains(s.log, "submit slice") {
		t.Fatal("a head from before the deadline proves nothing")
	}
	f.time += 5000
	f.block()
	for s.count("submit slice") == 0 {
		s.pass(1000)
	}
	s.pass(1500)
	if got := s.count("submit slice"); got != 1 {
		t.Fatalf("got %d heads submitted, want 1: %q", got, s.log)
	}
	s.commit()
	if s.o.useless != 0 {
		t.Fatalf("got %d useless items", s.o.useless)
	}
	s.did()
	s.pass(20_000)
	if slices.Contains(s.log, "submit slice") {
		t.Fatalf("got %q, want nothing more", s.log)
	}
}

func TestAnUnknownKindIsLeftAlone(t *testing.T) {
	f := newForeign(t, "alpha")
	o := newOurs(t, f)
	o.view.Kind = "other"
	s := play(t, f, o)
	s.pass(60_000)
	s.wantDid()
	if st := s.p.status(s.now); !strings.Contains(st.Alarm, `"other"`) {
		t.Fatalf("got alarm %q", st.Alarm)
	}
}

func TestAPauseKeepsTheTrust(t *testing.T) {
	f := newForeign(t, "alpha")
	o := following(t, f)
	o.view.State, o.view.TakesSlices, o.view.Active = "paused", false, false
	s := play(t, f, o)
	f.emit(1)
	s.hear(f.keyBlock())
	s.wantDid("ask keyblocks", "submit key")
	s.commit()
	s.did()
	f.block()
	o.view.State, o.view.TakesSlices, o.view.Active = "active", true, true
	s.tell()
	s.settle()
	s.commit()
	s.wantConsumed(1)
}

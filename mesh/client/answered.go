package client

import (
	"errors"
	"fmt"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// answered takes the answer to the last ask, verifies all of it, and decides what
// becomes of it.
func (p *planner) answered(now uint64, from string, resp []byte, err error) {
	a := p.asking
	p.asking = nil
	if a == nil || !p.known {
		return
	}
	if err != nil {
		p.note(now, fmt.Errorf("%s from %s: %w", a.proto.Name(), source(from), err))
		p.backOff(now, 1)
		return
	}
	switch a.proto {
	case ProtoZero:
		err = p.zeroAnswer(now, resp)
	case ProtoKeyBlocks:
		err = p.keysAnswer(now, a, resp)
	case ProtoSlice:
		err = p.sliceAnswer(now, a, resp)
	}
	if err == nil {
		p.errs = 0
		return
	}
	err = fmt.Errorf("%s from %s: %w", a.proto.Name(), source(from), err)
	p.note(now, err)
	// Key blocks were asked for from where we are: a gap in them is the source's.
	missing := errors.Is(err, proofs.ErrEpoch)
	if blames(err) || missing && a.proto == ProtoKeyBlocks {
		p.out = append(p.out, penalize{from, err})
		p.wantKeys = p.wantKeys || a.proto == ProtoKeyBlocks
		p.wantSlice = p.wantSlice || a.proto == ProtoSlice
		p.backOff(now, 3)
		return
	}
	p.wantKeys = p.wantKeys || missing
	p.nothing(now, a.proto)
}

func source(from string) string {
	if from == "" {
		return "nobody"
	}
	return from
}

// blames reports whether an error of verification is the source's fault. The
// others are for who knows more, or knew it earlier: a source that lags, a trust
// or a clock of ours that does.
func blames(err error) bool {
	for _, kind := range []error{
		proofs.ErrDiverged, proofs.ErrEpoch, proofs.ErrStale, proofs.ErrGap, proofs.ErrExpired, proofs.ErrVersion, proofs.ErrClock,
		errIncarnation,
	} {
		if errors.Is(err, kind) {
			return false
		}
	}
	return true
}

// errIncarnation: the peer's certified head belongs to another life of the link.
const errIncarnation proofs.Error = "link is in another incarnation at the peer"

// nothing notes that a fetch found nothing new. If somebody claimed that there
// was, the next one waits, and after a few the hearsay is dropped.
func (p *planner) nothing(now uint64, proto Proto) {
	if proto == ProtoKeyBlocks && (p.heard.wantsKeys(&p.ahead) || p.seen.wantsKeys(&p.ahead)) {
		p.forKeys.nothing(now, p.t.retry, p.t.poll)
		if p.forKeys.vain >= maxVain {
			p.heard.keyHeight = 0
		}
	}
	if proto == ProtoSlice && (p.heard.wantsSlice(&p.ahead) || p.seen.wantsSlice(&p.ahead)) {
		p.forSlice.nothing(now, p.t.retry, p.t.poll)
		if p.forSlice.vain >= maxVain {
			p.heard = claim{keyHeight: p.heard.keyHeight}
		}
	}
}

// launch notes that an item was submitted, and counts on our state to reach after.
func (p *planner) launch(now uint64, f flight) {
	f.deadline = now + p.timeout
	p.ahead = f.after
	if !f.late {
		f.after.due = 0 // a newer message of ours may be due sooner: that is no step back
	}
	p.flights = append(p.flights, f)
}

// refused tells that our own lane did not take an item: what was counted on will
// not come.
func (p *planner) refused(now uint64, err error) {
	p.asking = nil
	p.note(now, fmt.Errorf("our own lane: %w", err))
	p.restart()
	p.backOff(now, 0)
}

func (p *planner) zeroAnswer(now uint64, resp []byte) error {
	var z proofs.ZeroHeader
	if err := proofs.Decode(&z, resp, proofs.MaxZeroBytes); err != nil {
		return err
	}
	zero, err := z.CheckID(p.peer)
	if err != nil {
		return err
	}
	if p.ahead.trust.Set != nil {
		return nil
	}
	after := p.ahead
	after.trust = proofs.NewTrust(zero)
	p.out = append(p.out, submit{types.ItemZero, resp})
	p.launch(now, flight{after: after})
	p.wantKeys, p.wantSlice = true, true
	return nil
}

// keysAnswer walks the key blocks. Those that only renew the set, but for the
// last one, teach our state nothing and are left out: an epoch may be jumped over
// if the very same set signs.
func (p *planner) keysAnswer(now uint64, a *ask, resp []byte) error {
	p.wantKeys = false
	var r KeyBlocksResponse
	if err := proofs.Decode(&r, resp, MaxKeyBlocksBytes); err != nil {
		return err
	}
	if len(r.Blocks) > MaxKeyBlocks {
		return fmt.Errorf("got %d key blocks, want at most %d: %w", len(r.Blocks), MaxKeyBlocks, proofs.ErrTooLarge)
	}
	after, items := p.ahead, []effect(nil)
	var failed error
	for i := range r.Blocks {
		kb := &r.Blocks[i]
		if i+1 < len(r.Blocks) && kb.Header.NextSetHash == kb.Header.SetHash || kb.Header.Epoch < after.trust.Epoch {
			continue
		}
		next, v, err := after.trust.Advance(kb, proofs.Clock{Now: now, Historical: p.view.Historical})
		if err != nil {
			failed = err
			break
		}
		p.verified(v)
		after.trust = next
		items = append(items, submit{types.ItemKeyBlock, kb.MarshalCanoto()})
	}
	if len(items) > 0 {
		p.forKeys = patience{}
		p.take(now, a, flight{after: after, keys: true}, items, claim{keyHeight: after.trust.KeyHeight})
		p.wantKeys = failed == nil && p.ahead.trust.KeyHeight == after.trust.KeyHeight
	} else if failed == nil {
		p.nothing(now, a.proto)
	}
	return failed
}

// take submits what was verified, or only remembers that it is there if it is
// another validator's turn.
func (p *planner) take(now uint64, a *ask, f flight, items []effect, c claim) {
	mine := a.onTurn || p.rank(now) == 0 || p.since != 0 && p.mine(now)
	if !mine {
		p.seen.merge(c)
		return
	}
	p.out = append(p.out, items...)
	p.launch(now, f)
}

func (p *planner) verified(v *proofs.VerifiedHeader) {
	h := v.Header()
	p.report.verifiedHeight = max(p.report.verifiedHeight, h.Height)
	p.report.verifiedExecuted = max(p.report.verifiedExecuted, h.Executed)
}

func (p *planner) sliceAnswer(now uint64, a *ask, resp []byte) error {
	p.wantSlice = false
	if len(resp) == 0 {
		p.nothing(now, a.proto)
		return nil
	}
	s, err := proofs.DecodeSlice(resp)
	if err != nil {
		return err
	}
	header, err := p.ahead.trust.VerifyHeader(&s.Header, proofs.Clock{Now: now})
	if err != nil {
		return err
	}
	p.verified(header)
	vh, err := header.VerifyHead(&s.Proof, p.self)
	if err != nil {
		return err
	}
	head := vh.Head()
	if head.Incarnation != p.view.Incarnation {
		return fmt.Errorf("got incarnation %d, want %d: %w", head.Incarnation, p.view.Incarnation, errIncarnation)
	}
	if h := header.Header(); h.Executed < p.ahead.executed {
		return fmt.Errorf("got execution %d, known is %d: %w", h.Executed, p.ahead.executed, proofs.ErrStale)
	}
	vs, err := p.verifySlice(vh, s)
	if errors.Is(err, proofs.ErrDiverged) {
		p.divergence(now, vh, s, resp)
	}
	if err != nil {
		return err
	}
	p.wantLeft = false
	if len(s.Left) > 0 { // a network that consumed this history takes no Left, whoever added it
		s.Left = nil
		resp = s.MarshalCanoto()
	}
	p.takeSlice(now, a, vs, resp)
	return nil
}

// verifySlice verifies the messages as if there were no Left. If their root is not
// the certified one, either the source lies or the peer's history changed: with a
// Left the slice says which, and without one the next is asked for with it.
func (p *planner) verifySlice(vh *proofs.VerifiedHead, s *proofs.Slice) (*proofs.VerifiedSlice, error) {
	plain := *s
	plain.Left = nil
	vs, err := vh.VerifyMessages(&plain, p.ahead.consumed)
	if !errors.Is(err, proofs.ErrRoot) || errors.Is(err, proofs.ErrDiverged) {
		return vs, err
	}
	if len(s.Left) > 0 {
		return vh.VerifyMessages(s, p.ahead.consumed)
	}
	p.wantLeft = true
	return nil, err
}

// takeSlice submits a verified slice if it teaches something.
func (p *planner) takeSlice(now uint64, a *ask, vs *proofs.VerifiedSlice, resp []byte) {
	vh := vs.Head()
	head := vh.Head()
	header := vh.Header().Header()
	c := claim{end: head.End, settled: head.Settled, head: true}
	late := vh.Time() > p.ahead.due && head.Acked <= p.view.OutBegin
	n := len(vs.Messages())
	if n == 0 && head.Settled <= p.ahead.settled && p.ahead.active && !late {
		p.nothing(now, a.proto)
		return
	}
	after := p.ahead
	after.consumed, after.executed = vs.Consumed(), header.Executed
	after.settled, after.active = max(after.settled, head.Settled), true
	if late {
		after.due++
	}
	p.forSlice = patience{}
	p.seen.merge(c)
	p.take(now, a, flight{after: after, header: vh.Header().ID(), count: uint64(n), late: late}, []effect{submit{types.ItemSlice, resp}}, c)
}

// divergence handles a certified head that contradicts what was consumed. If it
// contradicts our committed state, our network must learn it and stop; if only
// what is in flight, that is given up.
func (p *planner) divergence(now uint64, vh *proofs.VerifiedHead, s *proofs.Slice, resp []byte) {
	_, err := vh.VerifyMessages(s, p.committed.consumed)
	if !errors.Is(err, proofs.ErrDiverged) {
		p.restart()
		return
	}
	p.report.diverged = true
	p.out = append(p.out, submit{types.ItemSlice, resp})
	p.launch(now, flight{after: p.ahead, header: vh.Header().ID(), evidence: true})
}

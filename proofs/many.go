package proofs

import (
	"errors"
	"io"

	"github.com/isthmus-network/isthmus/proofs/bls"
)

// walkKeys bounds the new keys that a walk parses before it verifies a signature:
// who cannot sign makes a reader waste 25 ms of work on them at most.
const walkKeys = 256

// Walk is a chain of key blocks of which everything was checked but the signatures
// of the key blocks and the possession proofs of new keys. These are verified
// together (see [bls.Sum]): in parts that may be worked on at the same time
// ([Walk.Part]), and then as a whole ([Walk.Finish]). Before that it tells nothing.
//
// The blocks must not change until then. A Walk never changes.
type Walk struct {
	blocks  []KeyBlock // whose cheap checks passed, or all if the one after them did not
	clock   Clock
	trusts  []Trust // before each block taken, and after the last
	headers []*VerifiedHeader
	claims  []bls.Certificate
	owner   []int // of each claim: the index of its block
}

// Walk begins to follow blocks, as [Trust.Advance] does one of them. It takes as
// many as can be verified together: all of them, unless one is refused, or so
// many keys are new that nobody should have them parsed for nothing.
func (t *Trust) Walk(blocks []KeyBlock, clock Clock) *Walk {
	w := &Walk{clock: clock, trusts: []Trust{*t}}
	keys := 0
	for i := range blocks {
		kb, signed := &blocks[i], w.keep
		if keys += len(kb.Next.Upserted); keys > walkKeys {
			if i > 0 {
				break
			}
			signed = atOnce
		}
		w.blocks = blocks[:i+1]
		known := len(w.claims)
		next, v, err := w.trusts[i].advance(kb, clock, signed)
		if err != nil {
			w.claims, w.owner = w.claims[:known], w.owner[:known]
			break
		}
		w.trusts, w.headers = append(w.trusts, next), append(w.headers, v)
	}
	return w
}

// keep is the verifier of a walk.
func (w *Walk) keep(c bls.Certificate) error {
	w.claims, w.owner = append(w.claims, c), append(w.owner, len(w.headers))
	return nil
}

// Claims returns how many signatures there are to verify.
func (w *Walk) Claims() int { return len(w.claims) }

// WalkPart is the work on a part of a walk's signatures.
type WalkPart struct {
	walk   *Walk
	lo, hi int
	sum    *bls.Sum
	err    error
}

// Part works on the signatures of the k-th of n equal parts of the walk, k from 0.
// It is most of the work. Different parts may be worked on at the same time; then
// rand must bear it. rand must be unpredictable to those who made the blocks.
func (w *Walk) Part(k, n int, rand io.Reader) *WalkPart {
	p := &WalkPart{walk: w, lo: k * len(w.claims) / n, hi: (k + 1) * len(w.claims) / n}
	if p.lo < p.hi {
		p.sum, p.err = bls.SumCertificates(w.claims[p.lo:p.hi], rand)
	}
	return p
}

// Finish verifies the walk, given all its parts in order; what is missing it does
// itself. It returns what [Trust.Advance] would have returned from block to block:
// the trust after the last block that holds, its header and those before it, and
// the error of the next one. Without an error the walk may still have taken fewer
// blocks than it was given: as many as there are headers.
//
// Errors besides: bls.ErrRandomness, with the trust at the beginning.
func (w *Walk) Finish(parts []*WalkPart, rand io.Reader) (Trust, []*VerifiedHeader, error) {
	valid := len(w.headers)
	if err := w.verify(parts, rand); err != nil {
		var bad *bls.BadCertificateError
		if !errors.As(err, &bad) {
			return w.trusts[0], nil, err
		}
		valid = w.owner[bad.Index]
	}
	trust, headers := w.trusts[valid], w.headers[:valid]
	if valid == len(w.blocks) {
		return trust, headers, nil
	}
	// The block after the valid ones is refused. What exactly is said of it depends
	// on what comes first in Advance, so that is asked.
	next, v, err := trust.Advance(&w.blocks[valid], w.clock)
	if err != nil {
		return trust, headers, err
	}
	return next, append(headers[:valid:valid], v), nil
}

// verify checks all claims.
func (w *Walk) verify(parts []*WalkPart, rand io.Reader) error {
	if len(w.claims) == 0 {
		return nil
	}
	if sum := w.merge(parts); sum != nil && sum.Verify() == nil {
		return nil
	}
	return bls.VerifyMany(w.claims, rand)
}

// merge adds the parts; nil if they are not the parts of this walk, or one of them
// found something wrong already.
func (w *Walk) merge(parts []*WalkPart) *bls.Sum {
	sum, done := new(bls.Sum), 0
	for _, p := range parts {
		if p.walk != w || p.lo != done || p.err != nil {
			return nil
		}
		if p.sum != nil {
			sum.Merge(p.sum)
		}
		done = p.hi
	}
	if done != len(w.claims) {
		return nil
	}
	return sum
}

// AdvanceMany follows blocks, one on the other, and verifies their signatures
// together: hundreds take a quarter of the time, and with a fixed set less. It
// returns what [Trust.Advance] would have returned from block to block: the trust
// after the last block that holds, its header and those before it, and the error
// of the next one. No blocks are no error.
//
// rand must be unpredictable to those who made the blocks. Errors besides:
// bls.ErrRandomness, with what was verified before.
func (t *Trust) AdvanceMany(blocks []KeyBlock, clock Clock, rand io.Reader) (Trust, []*VerifiedHeader, error) {
	trust, headers := *t, []*VerifiedHeader(nil)
	for len(blocks) > 0 {
		w := trust.Walk(blocks, clock)
		next, valid, err := w.Finish([]*WalkPart{w.Part(0, 1, rand)}, rand)
		trust, headers = next, append(headers, valid...)
		if err != nil {
			return trust, headers, err
		}
		blocks = blocks[len(valid):]
	}
	return trust, headers, nil
}

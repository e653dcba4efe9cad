package mesh

import (
	"errors"
	"fmt"

	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// zeroHeader starts the trust of a registered peer: the zero-header's hash is the
// id that governance named.
func (in *induction) zeroHeader(j *job) (Note, error) {
	n := j.note(proofs.NetworkID{}, 0)
	awaited, err := in.anyRegistered()
	if err != nil {
		return n, err
	}
	if !awaited {
		n.Err = fmt.Errorf("zero-header: no peer awaits one: %w", ErrNothing)
		return n, nil
	}
	z, err := j.zero.Check()
	if err != nil {
		return in.refuse(n, err), nil
	}
	n.Peer = z.ID
	rec, ok, err := readRecord(in.st, z.ID)
	switch {
	case err != nil:
		return n, err
	case !ok:
		return in.refuse(n, fmt.Errorf("zero-header of %s: %w: %w", z.ID.Short(), proofs.ErrNetwork, ErrUnknown)), nil
	case rec.state != Registered:
		n.Err = fmt.Errorf("zero-header of %s: peer is %s: %w", z.ID.Short(), rec.state, ErrNothing)
		return n, nil
	}
	t := proofs.NewTrust(z)
	rec.period = shorter(rec.period, t.TrustPeriod)
	rec.drift = t.MaxDrift
	rec.set(Bootstrapping, reasonNone, 0)
	if err := in.writeTrust(in.st, z.ID, rec, &t); err != nil {
		return n, err
	}
	if _, err := in.st.AppendLog(ZeroLog(z.ID), merkle.LeafHash(z.ID[:]), j.Data); err != nil {
		return n, err
	}
	writeRecord(in.st, z.ID, rec)
	n.Applied = true
	return n, nil
}

// shorter is the trust period that governance chose, or the peer's own if that is
// shorter or governance chose none.
func shorter(act, own uint64) uint64 {
	if act == 0 {
		return own
	}
	return min(act, own)
}

func (in *induction) anyRegistered() (found bool, err error) {
	err = eachRecord(in.st, func(_ proofs.NetworkID, rec *record) error {
		found = found || rec.state == Registered
		return nil
	})
	return found, err
}

// clock says how strict a verification is about time. Until a link is active its
// key blocks are a walk from the zero-header towards the present; what activates
// it is judged at the present.
func (in *induction) clock(rec *record) proofs.Clock {
	return proofs.Clock{Now: in.env.Time, Historical: rec.state == Bootstrapping}
}

// keyBlock takes the trust of a peer over one key block. A pause does not stop
// this: a link that is resumed must not have lost its trust.
func (in *induction) keyBlock(j *job) (Note, error) {
	h := &j.key.Header
	n := j.note(h.Network, h.Height)
	rec, ok, err := readRecord(in.st, h.Network)
	if err != nil {
		return n, err
	}
	if n.Err = follows(h.Network, rec, ok); n.Err != nil {
		return n, nil
	}
	ch := &proofs.CertifiedHeader{Header: *h, Certificate: j.key.Certificate}
	other, err := in.seenOther(h)
	if err != nil {
		return n, err
	}
	if other != nil {
		return in.judge(n, rec, ch, other)
	}
	t, err := in.trust(in.st, h.Network, rec)
	if err != nil {
		return n, err
	}
	k := laneLink{j.Lane, h.Network}
	if in.keyBlocks[k]++; in.keyBlocks[k] > maxKeyBlocks {
		n.Err = fmt.Errorf("key blocks of %s: more than %d: %w", h.Network.Short(), maxKeyBlocks, ErrLimit)
		return n, nil
	}
	next, v, err := t.Advance(j.key, in.clock(rec))
	if errors.Is(err, proofs.ErrExpired) {
		return in.expire(n, rec, err), nil
	}
	if err != nil {
		return in.refuse(n, err), nil
	}
	if err := in.replaceTrust(in.st, h.Network, rec, &t, &next); err != nil {
		return n, err
	}
	writeRecord(in.st, h.Network, rec)
	n.Applied = true
	return n, in.remember(v, ch)
}

// follows reports why the key blocks of a peer are not looked at.
func follows(peer proofs.NetworkID, rec *record, known bool) error {
	switch {
	case !known:
		return fmt.Errorf("network %s: %w", peer.Short(), ErrUnknown)
	case rec.state == Registered || rec.state == Expired || rec.state == Diverged || rec.state == Frozen:
		return fmt.Errorf("peer %s is %s: %w", peer.Short(), rec.state, ErrState)
	}
	return nil
}

// expire records that the peer's set was not followed in time. Time alone decides
// it, whoever shows what.
func (in *induction) expire(n Note, rec *record, err error) Note {
	rec.set(Expired, reasonTrust, rec.trust.time)
	writeRecord(in.st, n.Peer, rec)
	n.Applied, n.Err = true, err
	return n
}

package mesh

import (
	"fmt"

	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// seenOther returns the inducted header at h's height if it is not h. It costs one
// hash.
func (in *induction) seenOther(h *proofs.Header) (*seen, error) {
	v, ok, err := in.st.Get(seenKey(h.Network, h.Height))
	if err != nil || !ok {
		return nil, err
	}
	s, err := decodeSeen(v)
	if err != nil || s.id == h.ID() {
		return nil, err
	}
	return s, nil
}

// judge verifies a header that differs from an inducted one at its height, under
// the set of its epoch: the present one or the one before. If a quorum of that set
// finalised it too, the peer is frozen and both stay as evidence.
func (in *induction) judge(n Note, rec *record, ch *proofs.CertifiedHeader, other *seen) (Note, error) {
	if !in.allowHeader(n.Lane, n.Peer) {
		n.Err = fmt.Errorf("headers of %s: more than %d: %w", n.Peer.Short(), maxHeaders, ErrLimit)
		return n, nil
	}
	t, err := in.trust(in.st, n.Peer, rec)
	if err != nil {
		return n, err
	}
	if ch.Header.Epoch < t.Epoch {
		old, ok, err := in.oldTrust(in.st, n.Peer, rec)
		if err != nil {
			return n, err
		}
		if ok && ch.Header.Epoch == old.Epoch {
			t = old
		}
	}
	v, err := t.VerifyHeader(ch, in.clock(rec))
	if err != nil {
		return in.refuse(n, err), nil
	}
	id := v.ID()
	n.Err = fmt.Errorf("header %d of %s: ids %x and %x: %w", n.Height, n.Peer.Short(), other.id[:4], id[:4], proofs.ErrEquivocation)
	n.Applied = true
	return n, in.freeze(n, rec, ch, id, other)
}

// freeze stops everything with the peer and keeps both certified headers.
func (in *induction) freeze(n Note, rec *record, ch *proofs.CertifiedHeader, id proofs.Hash, other *seen) error {
	first, err := in.st.LogEntry(headerLog(n.Peer), other.index)
	if err != nil {
		return err
	}
	log := evidenceLog(n.Peer)
	if _, err := in.st.AppendLog(log, merkle.LeafHash(other.id[:]), first); err != nil {
		return err
	}
	if _, err := in.st.AppendLog(log, merkle.LeafHash(id[:]), ch.MarshalCanoto()); err != nil {
		return err
	}
	in.st.Set(evidenceKey(n.Peer), (&evidence{height: n.Height, a: other.id, b: id}).encode())
	rec.set(Frozen, reasonEquivocation, n.Height)
	writeRecord(in.st, n.Peer, rec)
	return nil
}

// remember keeps an inducted header with its checked proof, and forgets the lowest
// beyond the bound. The key block that the trust rests on is kept already.
func (in *induction) remember(v *proofs.VerifiedHeader, ch *proofs.CertifiedHeader) error {
	h, id := v.Header(), v.ID()
	key := seenKey(h.Network, h.Height)
	if _, ok, err := in.st.Get(key); err != nil || ok || ch == nil {
		return err
	}
	log := headerLog(h.Network)
	index, err := in.st.AppendLog(log, merkle.LeafHash(id[:]), ch.MarshalCanoto())
	if err != nil {
		return err
	}
	in.st.Set(key, (&seen{id: id, index: index}).encode())
	return in.forget(h.Network, log)
}

func (in *induction) forget(peer proofs.NetworkID, log string) error {
	var keys [][]byte
	lowest := ^uint64(0)
	err := in.st.Iterate(seenPrefix(peer), nil, func(key, value []byte) (bool, error) {
		s, err := decodeSeen(value)
		if err != nil {
			return false, err
		}
		keys = append(keys, append([]byte(nil), key...))
		if len(keys) > 1 {
			lowest = min(lowest, s.index)
		}
		return true, nil
	})
	if err != nil || len(keys) <= maxSeenHeaders {
		return err
	}
	in.st.Delete(keys[0])
	return in.st.SetLogBegin(log, lowest)
}

// ReadEvidence returns the two headers that froze peer; ok is false if nothing
// did.
func ReadEvidence(st EntryReader, peer proofs.NetworkID) (e Evidence, ok bool, err error) {
	v, ok, err := st.Get(evidenceKey(peer))
	if err != nil || !ok {
		return Evidence{}, false, err
	}
	f := fields{b: v}
	height, a, b := f.u64(), f.hash(), f.hash()
	if err := f.end("evidence"); err != nil {
		return Evidence{}, false, err
	}
	e.Height = height
	for i, h := range [...]*proofs.CertifiedHeader{&e.A, &e.B} {
		wire, err := st.LogEntry(evidenceLog(peer), uint64(i))
		if err != nil {
			return Evidence{}, false, err
		}
		if err := proofs.Decode(h, wire, proofs.MaxCertifiedHeaderBytes); err != nil {
			return Evidence{}, false, fmt.Errorf("evidence: %w: %w", ErrCorrupt, err)
		}
	}
	if e.A.Header.ID() != a || e.B.Header.ID() != b {
		return Evidence{}, false, fmt.Errorf("evidence: ids differ: %w", ErrCorrupt)
	}
	return e, true, nil
}

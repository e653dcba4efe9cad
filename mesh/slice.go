package mesh

import (
	"errors"
	"fmt"

	"github.com/isthmus-network/isthmus/proofs"
)

// link is all that the state says about one peer while a slice of it is looked
// at.
type link struct {
	peer   proofs.NetworkID
	rec    *record
	remote *remote // nil before the first inducted head
	head   proofs.QueueHead
}

// slice inducts what a slice proves. The checks go from cheap to dear: place and
// state of the peer, staleness, limits, then the certificate, then hashes.
func (in *induction) slice(j *job) (Note, error) {
	h := &j.slice.Header.Header
	n := j.note(h.Network, h.Height)
	rec, ok, err := readRecord(in.st, h.Network)
	if err != nil {
		return n, err
	}
	if n.Err = takes(h.Network, rec, ok); n.Err != nil {
		return n, nil
	}
	rem, err := readRemote(in.st, h.Network)
	if err != nil {
		return n, err
	}
	other, err := in.seenOther(h)
	switch {
	case err != nil:
		return n, err
	case other != nil:
		return in.judge(n, rec, &j.slice.Header, other)
	case rem != nil && h.Executed < rem.executed:
		n.Err = fmt.Errorf("header %d of %s: got executed %d, newest is %d: %w", h.Height, h.Network.Short(), h.Executed, rem.executed, proofs.ErrStale)
		return n, nil
	}
	t, err := in.trust(in.st, h.Network, rec)
	if err != nil {
		return n, err
	}
	v, n, err := in.header(n, rec, &t, &j.slice.Header)
	if err != nil || v == nil {
		return n, err
	}
	return in.queue(n, j, &t, v, &link{peer: h.Network, rec: rec, remote: rem})
}

// takes reports why the slices of a peer are not looked at.
func takes(peer proofs.NetworkID, rec *record, known bool) error {
	switch {
	case !known:
		return fmt.Errorf("network %s: %w", peer.Short(), ErrUnknown)
	case rec.paused, rec.state != Bootstrapping && rec.state != Active && rec.state != Lagging:
		return fmt.Errorf("peer %s is %s: %w", peer.Short(), rec.shown(), ErrState)
	}
	return nil
}

// header verifies a slice's header, once in a block for each. A nil result is
// explained in the note.
func (in *induction) header(n Note, rec *record, t *proofs.Trust, ch *proofs.CertifiedHeader) (*proofs.VerifiedHeader, Note, error) {
	if v := in.verified[n.Peer].header; v != nil && v.ID() == ch.Header.ID() {
		return v, n, nil
	}
	if !in.allowHeader(n.Lane, n.Peer) {
		n.Err = fmt.Errorf("headers of %s: more than %d: %w", n.Peer.Short(), maxHeaders, ErrLimit)
		return nil, n, nil
	}
	v, err := t.VerifyHeader(ch, proofs.Clock{Now: in.env.Time})
	switch {
	case err == nil:
		in.verified[n.Peer] = verified{header: v, proof: ch}
		if v.ID() == t.KeyID {
			in.verified[n.Peer] = verified{header: v}
		}
		return v, n, nil
	case errors.Is(err, proofs.ErrExpired) && rec.state != Bootstrapping:
		return nil, in.expire(n, rec, err), nil
	case errors.Is(err, proofs.ErrVersion):
		return nil, in.lag(n, rec, t, ch, err), nil
	}
	return nil, in.refuse(n, err), nil
}

// lag handles a header of an unknown version. Only one that the followed set
// certified says something about the peer.
func (in *induction) lag(n Note, rec *record, t *proofs.Trust, ch *proofs.CertifiedHeader, why error) Note {
	h := &ch.Header
	if h.SetHash != t.Set.Hash() || len(ch.Links) != 0 || h.Time > in.env.Time+t.MaxDrift {
		n.Err = why
		return n
	}
	vote := proofs.Vote{
		Kind: proofs.TypeFinalize, Epoch: h.Epoch, SetHash: h.SetHash,
		View: ch.Certificate.View, ParentView: ch.Certificate.ParentView, Header: h.ID(),
	}
	if err := ch.Certificate.Quorum.Verify(t.Set, vote.SigningBytes(t.Network), 2, 3); err != nil {
		return in.refuse(n, err)
	}
	n.Err = why
	if rec.state == Active {
		rec.set(Lagging, reasonVersion, uint64(h.Version))
		writeRecord(in.st, n.Peer, rec)
		n.Applied = true
	}
	return n
}

// queue checks what the verified header says about our queues, and the messages.
func (in *induction) queue(n Note, j *job, t *proofs.Trust, v *proofs.VerifiedHeader, l *link) (Note, error) {
	vh, err := v.VerifyHead(&j.slice.Proof, in.self.ID)
	if err != nil {
		return in.refuse(n, err), nil
	}
	l.head = vh.Head()
	if got, want := l.head.Incarnation, l.rec.incarnation; got != want {
		n.Err = fmt.Errorf("queue of %s: got incarnation %d, want %d: %w", n.Peer.Short(), got, want, proofs.ErrIncarnation)
		return n, nil
	}
	out, err := in.st.LogInfo(OutLog(n.Peer, l.rec.incarnation))
	if err != nil {
		return n, err
	}
	if l.head.Acked > out.End() {
		err := fmt.Errorf("queue to %s: acked %d, sent %d: %w", n.Peer.Short(), l.head.Acked, out.End(), proofs.ErrDiverged)
		return in.diverge(n, l.rec, reasonAcked, l.head.Acked, err), nil
	}
	consumed, err := in.st.LogInfo(InLog(n.Peer, l.rec.incarnation))
	if err != nil {
		return n, err
	}
	vs, err := vh.VerifyMessages(j.slice, consumed.Range)
	var messages []proofs.Message
	switch {
	case err == nil:
		messages = vs.Messages()
	case errors.Is(err, proofs.ErrDiverged):
		return in.diverge(n, l.rec, reasonQueueHistory, consumed.End(), err), nil
	case errors.Is(err, proofs.ErrGap):
		n.Err = err
		return n, nil
	case !errors.Is(err, proofs.ErrStale): // of stale messages the head may still be news
		return in.blame(n, err), nil
	}
	n.Err = err
	return in.apply(n, t, vh, l, messages)
}

// diverge stops the link: the peer certified a history that is not the one that
// was consumed. Whoever carried the proof is not to blame.
func (in *induction) diverge(n Note, rec *record, why reason, detail uint64, err error) Note {
	rec.set(Diverged, why, detail)
	writeRecord(in.st, n.Peer, rec)
	n.Applied, n.Err = true, err
	return n
}

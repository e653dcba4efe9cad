package mesh

import (
	"fmt"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// news is what a certified head changes here besides new messages.
type news struct {
	activates bool
	settled   uint64   // the new begin of our queue, or 0 if it does not advance
	early     []uint64 // indexes whose deadline passed before they were inducted
	drops     bool     // it released outcomes that we keep
}

func (w *news) any() bool {
	return w.activates || w.settled > 0 || len(w.early) > 0 || w.drops
}

// news compares a head, as of the peer's time at, with the state. It changes
// nothing.
func (r *Rules) news(rd Reader, l *link, at uint64) (w news, err error) {
	peer, rec, head := l.peer, l.rec, &l.head
	w.activates = rec.state == Bootstrapping || rec.state == Lagging
	out, err := rd.LogInfo(OutLog(peer, rec.incarnation))
	if err != nil {
		return w, err
	}
	if head.Settled > out.Begin {
		w.settled = head.Settled
	}
	err = rd.Iterate(outcomePrefix(peer, rec.incarnation), nil, func(key, _ []byte) (bool, error) {
		w.drops = lastU64(key) < head.Begin
		return false, nil
	})
	if err != nil {
		return w, err
	}
	acked, scanned := head.Acked, 0
	if l.remote != nil {
		acked = max(acked, l.remote.acked)
	}
	err = rd.Iterate(refundPrefix(peer, rec.incarnation), refundKey(peer, rec.incarnation, acked), func(key, value []byte) (bool, error) {
		rf, err := decodeRefund(value)
		if err != nil {
			return false, err
		}
		if rf.deadline < at {
			w.early = append(w.early, lastU64(key))
		}
		scanned++
		return scanned < maxDeadlineScan && len(w.early) < maxEarlyRefunds, nil
	})
	return w, err
}

// Wants reports whether a slice without messages that shows head, as of the
// peer's time at, would be inducted now. It does not judge who certified it.
func (r *Rules) Wants(rd Reader, peer proofs.NetworkID, head *proofs.QueueHead, at uint64) (bool, error) {
	rec, ok, err := readRecord(rd, peer)
	if err != nil || takes(peer, rec, ok) != nil || head.Incarnation != rec.incarnation {
		return false, err
	}
	rem, err := readRemote(rd, peer)
	if err != nil || rem != nil && at < rem.executedTime {
		return false, err
	}
	w, err := r.news(rd, &link{peer: peer, rec: rec, remote: rem, head: *head}, at)
	return w.any(), err
}

// apply changes the state by what a slice proved. A slice without news and
// without messages that fit changes nothing at all, so that idle links end.
func (in *induction) apply(n Note, t *proofs.Trust, vh *proofs.VerifiedHead, l *link, messages []proofs.Message) (Note, error) {
	w, err := in.news(in.st, l, vh.Time())
	if err != nil {
		return n, err
	}
	room, err := in.room(l)
	if err != nil {
		return n, err
	}
	if offered := uint64(len(messages)); offered > room {
		n.Err = fmt.Errorf("queue of %s: %d of %d messages: %w", l.peer.Short(), room, offered, ErrLimit)
		messages = messages[:room]
	}
	if len(messages) == 0 && !w.any() {
		if n.Err == nil {
			n.Err = fmt.Errorf("head of %s at %d: %w", l.peer.Short(), l.head.End, ErrNothing)
		}
		return n, nil
	}
	if n.First, err = in.append(l, messages); err != nil {
		return n, err
	}
	n.Applied, n.Count = true, uint64(len(messages))
	in.inducted[l.peer] += n.Count
	if err := in.settle(l, &w); err != nil {
		return n, err
	}
	v := vh.Header()
	fresh := t.Refresh(v)
	if err := in.writeTrust(in.st, l.peer, l.rec, &fresh); err != nil {
		return n, err
	}
	l.rec.set(Active, reasonNone, 0)
	writeRecord(in.st, l.peer, l.rec)
	in.writeRemote(l, v)
	return n, in.remember(v, in.verified[l.peer].proof)
}

// room is how many messages of the peer may still be inducted in this block. All
// that was inducted and not yet released must fit in the outcomes of one head.
func (in *induction) room(l *link) (uint64, error) {
	info, err := in.st.LogInfo(InLog(l.peer, l.rec.incarnation))
	if err != nil {
		return 0, err
	}
	room := in.self.Parameters.BlockMessages - min(in.inducted[l.peer], in.self.Parameters.BlockMessages)
	released := min(l.head.Begin, info.Begin)
	if l.remote != nil {
		released = max(released, min(l.remote.begin, info.Begin))
	}
	open := info.End() - released
	return min(room, proofs.MaxOutcomes-min(open, proofs.MaxOutcomes)), nil
}

func (in *induction) append(l *link, messages []proofs.Message) (first uint64, err error) {
	log := InLog(l.peer, l.rec.incarnation)
	for i := range messages {
		m := &messages[i]
		index, err := in.st.AppendLog(log, m.ID(), m.MarshalCanoto())
		if err != nil {
			return 0, err
		}
		if index != m.Index {
			return 0, fmt.Errorf("%s: appended at %d, want %d: %w", log, index, m.Index, ErrCorrupt)
		}
		if i == 0 {
			first = index
		}
	}
	return first, nil
}

// settle releases our queue, gives back what failed, and drops the outcomes that
// the peer has read.
func (in *induction) settle(l *link, w *news) error {
	if w.settled > 0 {
		if err := in.release(l, w.settled); err != nil {
			return err
		}
	}
	for _, index := range w.early {
		if err := in.giveBack(l, index, proofs.CodeDeadline); err != nil {
			return err
		}
	}
	if w.drops {
		return in.dropOutcomes(l)
	}
	return nil
}

// release ends our queue's entries below settled: those with an outcome are given
// back, of the others the refund record is deleted.
func (in *induction) release(l *link, settled uint64) error {
	failed := make(map[uint64]proofs.Code, len(l.head.Outcomes))
	for _, o := range l.head.Outcomes {
		failed[o.Index] = o.Code
	}
	indexes, err := collect(in.st, refundPrefix(l.peer, l.rec.incarnation), settled)
	if err != nil {
		return err
	}
	for _, index := range indexes {
		if code, ok := failed[index]; ok {
			err = in.giveBack(l, index, code)
		} else {
			in.st.Delete(refundKey(l.peer, l.rec.incarnation, index))
		}
		if err != nil {
			return err
		}
	}
	return in.st.SetLogBegin(OutLog(l.peer, l.rec.incarnation), settled)
}

// collect lists the numbers below end that end keys with this prefix.
func collect(st types.State, prefix []byte, end uint64) (indexes []uint64, err error) {
	err = st.Iterate(prefix, nil, func(key, _ []byte) (bool, error) {
		i := lastU64(key)
		if i < end {
			indexes = append(indexes, i)
		}
		return i < end, nil
	})
	return indexes, err
}

// giveBack undoes what Send did with the value of one message, once: the record
// is deleted before anything else happens, and without a record nothing does.
func (in *induction) giveBack(l *link, index uint64, code proofs.Code) error {
	key := refundKey(l.peer, l.rec.incarnation, index)
	v, ok, err := in.st.Get(key)
	if err != nil || !ok {
		return err
	}
	rf, err := decodeRefund(v)
	if err != nil {
		return err
	}
	in.st.Delete(key)
	abroad := rf.asset.Abroad(in.self.ID)
	supply, claim, ok := in.escrow(l.peer, abroad)
	if !ok {
		return fmt.Errorf("refund %d of %s: asset %s: %w", index, l.peer.Short(), rf.asset, ErrCorrupt)
	}
	short, over, err := move(in.st, rf.amount, claim, supply)
	if err != nil {
		return err
	}
	if short || over {
		// The peer let the message fail and spent its value as well: what is left
		// of the claim belongs to others. Nothing is paid out that is not covered.
		return nil
	}
	if err := addFlow(in.st, l.peer, l.rec.incarnation, rf.asset, Flow{Refunded: rf.amount}); err != nil {
		return err
	}
	in.refunds = append(in.refunds, proofs.Message{
		Version: proofs.Version, Source: in.self.ID, Destination: in.self.ID, Kind: proofs.KindRefund,
		Sender: rf.account, Recipient: rf.account, Asset: abroad, Amount: rf.amount,
		Emitted: in.env.Time, Cause: rf.id, Payload: encodeCode(code),
	})
	return nil
}

func (in *induction) dropOutcomes(l *link) error {
	indexes, err := collect(in.st, outcomePrefix(l.peer, l.rec.incarnation), l.head.Begin)
	for _, i := range indexes {
		in.st.Delete(outcomeKey(l.peer, l.rec.incarnation, i))
	}
	return err
}

// writeRemote merges the head into what is known of the peer's queue.
func (in *induction) writeRemote(l *link, v *proofs.VerifiedHeader) {
	h := v.Header()
	rem := &remote{
		incarnation: l.rec.incarnation, height: h.Height, id: v.ID(), executed: h.Executed, executedTime: h.ExecutedTime,
		begin: l.head.Begin, end: l.head.End, root: l.head.Root, acked: l.head.Acked, settled: l.head.Settled,
	}
	if old := l.remote; old != nil && old.incarnation == rem.incarnation {
		rem.begin, rem.end = max(rem.begin, old.begin), max(rem.end, old.end)
		rem.acked, rem.settled = max(rem.acked, old.acked), max(rem.settled, old.settled)
	}
	in.st.Set(proofs.HeadKey(l.peer), rem.encode())
}

package mesh

import "github.com/isthmus-network/isthmus/proofs"

// Deadline returns the deadline (ms, by the peer's time) of the oldest message
// towards peer that the peer has not inducted, as far as is known here, and whose
// value was not given back: past it, a head that still does not acknowledge the
// message proves that it can only be rejected. ok is false if there is none.
func (r *Rules) Deadline(rd Reader, peer proofs.NetworkID) (deadline uint64, ok bool, err error) {
	rec, ok, err := readRecord(rd, peer)
	if err != nil || !ok {
		return 0, false, err
	}
	rem, err := readRemote(rd, peer)
	if err != nil {
		return 0, false, err
	}
	var acked uint64
	if rem != nil {
		acked = rem.acked
	}
	ok = false
	err = rd.Iterate(refundPrefix(peer, rec.incarnation), refundKey(peer, rec.incarnation, acked), func(_, value []byte) (bool, error) {
		rf, err := decodeRefund(value)
		if err != nil {
			return false, err
		}
		deadline, ok = rf.deadline, true
		return false, nil
	})
	return deadline, ok, err
}

package mesh

import (
	"fmt"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// reason says in the state why a peer is not active.
type reason uint8

const (
	reasonNone         reason = 0
	reasonVersion      reason = 1 // detail: the version
	reasonTrust        reason = 2 // detail: time of the last header, ms
	reasonQueueHistory reason = 3 // detail: the index up to which it was consumed
	reasonAcked        reason = 4 // detail: the index that it acked
	reasonEquivocation reason = 5 // detail: the height
	reasonCount        reason = 6
)

func (r *record) why() string {
	switch {
	case r.paused:
		return "governance paused the link"
	case r.state == Registered:
		return "its zero-header is awaited"
	case r.state == Bootstrapping:
		return "a certified queue head for this network is awaited"
	}
	switch r.reason {
	case reasonVersion:
		return fmt.Sprintf("it certified a header of protocol version %d, known is %d", r.detail, proofs.Version)
	case reasonTrust:
		return fmt.Sprintf("it was not followed since %d ms, longer than the trust period", r.detail)
	case reasonQueueHistory:
		return fmt.Sprintf("its certified queue is not the one that was consumed up to %d", r.detail)
	case reasonAcked:
		return fmt.Sprintf("it certified that it inducted up to %d, which was never sent", r.detail)
	case reasonEquivocation:
		return fmt.Sprintf("it finally certified two headers at height %d", r.detail)
	}
	return ""
}

// shown is the state as people see it: a pause covers what it found.
func (r *record) shown() State {
	if r.paused && r.state != Frozen && r.state != Diverged {
		return Paused
	}
	return r.state
}

// held reports whether nothing of the peer may move.
func (r *record) held() bool {
	return r.paused || r.state == Frozen || r.state == Diverged
}

func (r *record) expired(now uint64) bool {
	return now > r.trust.time && now-r.trust.time > r.period
}

func (r *record) set(s State, why reason, detail uint64) {
	r.state, r.reason, r.detail = s, why, detail
}

func readRecord(rd Reader, peer proofs.NetworkID) (*record, bool, error) {
	v, ok, err := rd.Get(proofs.PeerKey(peer))
	if err != nil || !ok {
		return nil, false, err
	}
	rec, err := decodeRecord(v)
	if err != nil {
		return nil, false, fmt.Errorf("peer %s: %w", peer.Short(), err)
	}
	return rec, true, nil
}

func writeRecord(st types.State, peer proofs.NetworkID, rec *record) {
	st.Set(proofs.PeerKey(peer), rec.encode())
}

// eachRecord calls fn for all registered peers, sorted by id, after it has read
// them all.
func eachRecord(rd Reader, fn func(proofs.NetworkID, *record) error) error {
	var ids []proofs.NetworkID
	var recs []*record
	err := rd.Iterate([]byte(peerPrefix), nil, func(key, value []byte) (bool, error) {
		if len(key) != len(peerPrefix)+32 {
			return false, fmt.Errorf("key %x: %w", key, ErrCorrupt)
		}
		rec, err := decodeRecord(value)
		ids, recs = append(ids, proofs.NetworkID(key[len(peerPrefix):])), append(recs, rec)
		return true, err
	})
	if err != nil {
		return err
	}
	for i := range ids {
		if err := fn(ids[i], recs[i]); err != nil {
			return err
		}
	}
	return nil
}

func readRemote(rd Reader, peer proofs.NetworkID) (*remote, error) {
	v, ok, err := rd.Get(proofs.HeadKey(peer))
	if err != nil || !ok {
		return nil, err
	}
	return decodeRemote(v)
}

// Heads returns the heads of all our queues, sorted by peer. A registered peer
// has one at once, so that it can see that it was registered.
func (r *Rules) Heads(rd Reader) ([]proofs.QueueHead, error) {
	var heads []proofs.QueueHead
	err := eachRecord(rd, func(peer proofs.NetworkID, rec *record) error {
		h, err := readHead(rd, peer, rec.incarnation)
		heads = append(heads, h)
		return err
	})
	return heads, err
}

func readHead(rd Reader, peer proofs.NetworkID, incarnation uint64) (h proofs.QueueHead, err error) {
	out, err := rd.LogInfo(OutLog(peer, incarnation))
	if err != nil {
		return h, err
	}
	in, err := rd.LogInfo(InLog(peer, incarnation))
	if err != nil {
		return h, err
	}
	root, err := out.Range.Root()
	if err != nil {
		return h, err
	}
	h = proofs.QueueHead{
		Peer: peer, Incarnation: incarnation, Begin: out.Begin, End: out.End(), Root: root,
		Acked: in.End(), Settled: in.Begin,
	}
	err = rd.Iterate(outcomePrefix(peer, incarnation), nil, func(key, value []byte) (bool, error) {
		code, err := decodeCode(value)
		h.Outcomes = append(h.Outcomes, proofs.Outcome{Index: lastU64(key), Code: code})
		return true, err
	})
	return h, err
}

// Peers lists the registered networks, sorted by id.
func (r *Rules) Peers(rd Reader) ([]Peer, error) {
	var ps []Peer
	err := eachRecord(rd, func(id proofs.NetworkID, rec *record) error {
		p, err := r.describe(rd, id, rec)
		ps = append(ps, p)
		return err
	})
	return ps, err
}

// Peer describes one registered network.
func (r *Rules) Peer(rd Reader, id proofs.NetworkID) (p Peer, ok bool, err error) {
	rec, ok, err := readRecord(rd, id)
	if err != nil || !ok {
		return Peer{}, false, err
	}
	p, err = r.describe(rd, id, rec)
	return p, true, err
}

func (r *Rules) describe(rd Reader, id proofs.NetworkID, rec *record) (Peer, error) {
	p := Peer{
		ID: id, State: rec.shown(), Reason: rec.why(), Incarnation: rec.incarnation, Window: r.window(rec), GasRate: rec.gasRate,
		Epoch: rec.trust.epoch, KeyHeight: rec.trust.keyHeight, TrustTime: rec.trust.time, SetHash: rec.trust.setHash,
	}
	if rec.state != Registered {
		p.TrustExpiry = rec.trust.time + rec.period
	}
	out, err := rd.LogInfo(OutLog(id, rec.incarnation))
	if err != nil {
		return Peer{}, err
	}
	in, err := rd.LogInfo(InLog(id, rec.incarnation))
	if err != nil {
		return Peer{}, err
	}
	p.OutBegin, p.OutEnd, p.InBegin, p.InEnd = out.Begin, out.End(), in.Begin, in.End()
	rem, err := readRemote(rd, id)
	if err != nil || rem == nil {
		return p, err
	}
	p.LastHeight, p.LastExecuted, p.LastTime, p.Acked = rem.height, rem.executed, rem.executedTime, rem.acked
	return p, nil
}

// ZeroHeader returns the zero-header of a peer; ok is false before it was
// inducted.
func ZeroHeader(st EntryReader, peer proofs.NetworkID) (z *proofs.ZeroHeader, ok bool, err error) {
	info, err := st.LogInfo(ZeroLog(peer))
	if err != nil || info.End() == 0 {
		return nil, false, err
	}
	b, err := st.LogEntry(ZeroLog(peer), 0)
	if err != nil {
		return nil, false, err
	}
	z = new(proofs.ZeroHeader)
	if err := proofs.Decode(z, b, proofs.MaxZeroBytes); err != nil {
		return nil, false, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return z, true, nil
}

// EntryReader is a [Reader] that also reads the entries of logs.
type EntryReader interface {
	Reader
	LogEntry(name string, index uint64) ([]byte, error)
}

// String names the state.
func (s State) String() string {
	names := [...]string{"unknown", "registered", "bootstrapping", "active", "lagging", "expired", "diverged", "frozen", "paused"}
	if int(s) < len(names) {
		return names[s]
	}
	return names[0]
}

package mesh

import (
	"fmt"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// GasRate returns the units that one gas at peer costs here; ok is false for a
// network that is not registered.
func (r *Rules) GasRate(rd Reader, peer proofs.NetworkID) (rate uint64, ok bool, err error) {
	rec, ok, err := readRecord(rd, peer)
	if err != nil || !ok {
		return 0, false, err
	}
	return rec.gasRate, true, nil
}

// Send takes the message's value, already debited, out of the supply, keeps a
// refund record and appends the message to the queue for its destination; it sets
// Incarnation and Index. Unless the code is CodeOK nothing has changed.
func (r *Rules) Send(st types.State, env Env, m *proofs.Message) (proofs.EmittedRef, proofs.Code, error) {
	rec, ok, err := readRecord(st, m.Destination)
	if err != nil {
		return proofs.EmittedRef{}, 0, err
	}
	if code := r.maySend(env, m, rec, ok); code != proofs.CodeOK {
		return proofs.EmittedRef{}, code, nil
	}
	out := OutLog(m.Destination, rec.incarnation)
	info, err := st.LogInfo(out)
	if err != nil {
		return proofs.EmittedRef{}, 0, err
	}
	if info.End()-info.Begin >= r.window(rec) {
		return proofs.EmittedRef{}, proofs.CodeWindowFull, nil
	}
	supply, claim, ok := r.escrow(m.Destination, m.Asset)
	if !ok {
		return proofs.EmittedRef{}, proofs.CodeAsset, nil
	}
	if err := mustMove(st, "escrow", m.Amount, supply, claim); err != nil {
		return proofs.EmittedRef{}, 0, err
	}
	m.Incarnation, m.Index = rec.incarnation, info.End()
	ref, err := r.enqueue(st, out, m)
	return ref, proofs.CodeOK, err
}

// maySend checks the link and the message, without reading more state.
func (r *Rules) maySend(env Env, m *proofs.Message, rec *record, known bool) proofs.Code {
	switch {
	case !known || rec.state == Registered || rec.state == Bootstrapping:
		return proofs.CodeUnknownPeer
	case rec.paused || rec.state != Active || rec.expired(env.Time):
		return proofs.CodePaused
	case m.Kind != proofs.KindTransfer || m.Amount.IsZero() || uint64(len(m.Payload)) > r.self.Parameters.MaxPayload:
		return proofs.CodeMalformed
	}
	return proofs.CodeOK
}

// window is the most unsettled messages towards the peer: never more than the
// outcomes that its head can list.
func (r *Rules) window(rec *record) uint64 {
	return min(rec.window, r.self.Parameters.LinkWindow, proofs.MaxOutcomes)
}

func (r *Rules) enqueue(st types.State, out string, m *proofs.Message) (proofs.EmittedRef, error) {
	id, home := m.ID(), m.Asset.At(r.self.ID)
	rf := refund{account: m.Sender, asset: home, amount: m.Amount, deadline: m.Deadline, id: id}
	st.Set(refundKey(m.Destination, m.Incarnation, m.Index), rf.encode())
	if err := addFlow(st, m.Destination, m.Incarnation, home, Flow{Sent: m.Amount}); err != nil {
		return proofs.EmittedRef{}, err
	}
	index, err := st.AppendLog(out, id, m.MarshalCanoto())
	if err != nil {
		return proofs.EmittedRef{}, err
	}
	if index != m.Index {
		return proofs.EmittedRef{}, fmt.Errorf("%s: appended at %d, want %d: %w", out, index, m.Index, ErrCorrupt)
	}
	return proofs.EmittedRef{Destination: m.Destination, Incarnation: m.Incarnation, Index: m.Index, ID: id}, nil
}

// Inbound lists the queues with messages to execute, sorted by peer. What was
// inducted from a link that is paused, frozen or diverged is held.
func (r *Rules) Inbound(rd Reader) ([]Pending, error) {
	var ps []Pending
	err := eachRecord(rd, func(peer proofs.NetworkID, rec *record) error {
		if rec.held() {
			return nil
		}
		info, err := rd.LogInfo(InLog(peer, rec.incarnation))
		if err == nil && info.Begin < info.End() {
			ps = append(ps, Pending{Peer: peer, Incarnation: rec.incarnation, Begin: info.Begin, End: info.End()})
		}
		return err
	})
	return ps, err
}

// Entry reads an inducted message.
func (r *Rules) Entry(st types.State, p Pending, index uint64) (*proofs.Message, error) {
	log := InLog(p.Peer, p.Incarnation)
	b, err := st.LogEntry(log, index)
	if err != nil {
		return nil, err
	}
	var m proofs.Message
	if err := proofs.Decode(&m, b, proofs.MaxSliceBytes); err != nil {
		return nil, fmt.Errorf("%s, entry %d: %w: %w", log, index, ErrCorrupt, err)
	}
	return &m, nil
}

// Settle records that the messages of p below settled are done, and which of them
// failed.
func (r *Rules) Settle(st types.State, p Pending, settled uint64, failed []proofs.Outcome) error {
	for _, o := range failed {
		if o.Index < p.Begin || o.Index >= settled || o.Code == proofs.CodeOK {
			return fmt.Errorf("outcome %d (code %d) of [%d, %d): %w", o.Index, o.Code, p.Begin, settled, ErrCorrupt)
		}
		st.Set(outcomeKey(p.Peer, p.Incarnation, o.Index), encodeCode(o.Code))
	}
	return st.SetLogBegin(InLog(p.Peer, p.Incarnation), settled)
}

package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/isthmus-network/isthmus/chain/admission"
	"github.com/isthmus-network/isthmus/chain/api"
	"github.com/isthmus-network/isthmus/chain/execution"
	"github.com/isthmus-network/isthmus/chain/state"
	"github.com/isthmus-network/isthmus/mesh"
	"github.com/isthmus-network/isthmus/proofs"
)

// tracer collects the steps of one message.
type tracer struct {
	n *Node
	*api.Trace
}

// Trace implements api.Backend.
func (b *backend) Trace(_ context.Context, id proofs.Hash) (*api.Trace, error) {
	t := tracer{b.n, &api.Trace{Network: b.n.zero.ID, ID: id}}
	st, known := b.n.ingress.lookup(id)
	if known {
		t.admitted(&st)
	}
	r, done, err := b.n.receiptOf(id)
	if err != nil {
		return nil, err
	}
	if !known && !done {
		return nil, fmt.Errorf("message %x: %w", id[:4], api.ErrNotFound)
	}
	if done {
		if err := t.receipt(r); err != nil {
			return nil, err
		}
	}
	t.sort()
	return t.Trace, nil
}

// TraceMessage implements api.Backend.
func (b *backend) TraceMessage(_ context.Context, source proofs.NetworkID, incarnation, index uint64) (*api.Trace, error) {
	t := tracer{b.n, &api.Trace{Network: b.n.zero.ID}}
	known, err := t.inducted(source, incarnation, index)
	if err != nil {
		return nil, err
	}
	r, done, err := b.n.receiptUnder(execution.MessageIndexKey(source, incarnation, index))
	if err != nil {
		return nil, err
	}
	if !known && !done {
		return nil, fmt.Errorf("message %d of %s: %w", index, source.Short(), api.ErrNotFound)
	}
	if done {
		t.ID = r.ID
		if err := t.receipt(r); err != nil {
			return nil, err
		}
	}
	t.sort()
	return t.Trace, nil
}

// order of the steps that may bear the same time.
var stepOrder = []string{
	api.StepReceived, api.StepBatched, api.StepAcknowledged, api.StepOrdered, api.StepInducted, api.StepExecuted,
	api.StepEmitted, api.StepCertified, api.StepAcked, api.StepSettled, api.StepReleased, api.StepRefunded, api.StepExpired,
}

func sortSteps(steps []api.Step) {
	slices.SortStableFunc(steps, func(a, b api.Step) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(slices.Index(stepOrder, a.Name), slices.Index(stepOrder, b.Name)))
	})
}

func (t *tracer) sort() {
	sortSteps(t.Steps)
	for i := range t.Emitted {
		sortSteps(t.Emitted[i].Steps)
	}
}

// admitted adds what the pool saw.
func (t *tracer) admitted(st *admission.Status) {
	for _, s := range [...]struct {
		stage admission.Stage
		name  string
	}{
		{admission.Received, api.StepReceived}, {admission.Batched, api.StepBatched},
		{admission.Acknowledged, api.StepAcknowledged}, {admission.Ordered, api.StepOrdered}, {admission.Expired, api.StepExpired},
	} {
		if at := st.Times[s.stage]; at != 0 {
			step := api.Step{Name: s.name, Time: at}
			if s.stage == admission.Ordered {
				step.Height, step.Proof = st.Ordered, api.ProofHint{Kind: api.ProofHeader, Height: st.Ordered}
			}
			t.Steps = append(t.Steps, step)
		}
	}
	t.Done = st.Stage >= admission.Executed
}

// receipt adds the execution, what it emitted, and the header that certifies both.
func (t *tracer) receipt(r *proofs.Receipt) error {
	t.Code, t.Done = r.Code, true
	at, err := t.n.traces.executedAt(r.Height)
	if err != nil {
		return err
	}
	step := api.Step{Name: api.StepExecuted, Time: at, Height: r.Height}
	if r.Code != proofs.CodeOK {
		step.Detail = r.Code.String()
	}
	h, certified, err := t.n.coveredBy(r.Height)
	if err != nil {
		return err
	}
	if certified {
		place, _, err := t.n.receiptPlace(execution.ReceiptIndexKey(r.ID))
		if err != nil {
			return err
		}
		step.Proof = api.ProofHint{Kind: api.ProofReceipt, Height: h.Height, Index: place}
		seen, err := t.n.traces.executedAt(h.Height)
		if err != nil {
			seen = h.Time
		}
		t.Steps = append(t.Steps, api.Step{
			Name: api.StepCertified, Time: max(seen, at), Height: h.Height,
			Detail: fmt.Sprintf("roots after block %d", h.Executed), Proof: api.ProofHint{Kind: api.ProofHeader, Height: h.Height},
		})
	}
	t.Steps = append(t.Steps, step)
	for i := range r.Emitted {
		if err := t.emitted(&r.Emitted[i], at, r.Height, h); err != nil {
			return err
		}
	}
	return nil
}

// emitted adds a message that the execution emitted, and what is known of it here.
func (t *tracer) emitted(ref *proofs.EmittedRef, at, height uint64, certified *proofs.Header) error {
	e := api.Emitted{Ref: *ref}
	step := api.Step{Name: api.StepEmitted, Time: at, Height: height, Detail: fmt.Sprintf("index %d", ref.Index)}
	if certified != nil {
		step.Proof = api.ProofHint{Kind: api.ProofQueue, Height: certified.Height, Index: ref.Index}
	}
	if ref.Destination == t.n.zero.ID {
		step.Detail = fmt.Sprintf("local queue, index %d", ref.Index)
		step.Proof = api.ProofHint{}
		r, ok, err := t.n.receiptOf(ref.ID)
		if err != nil {
			return err
		}
		e.Steps = append(e.Steps, step)
		if ok {
			sub := tracer{t.n, &api.Trace{}}
			if err := sub.receipt(r); err != nil {
				return err
			}
			e.Steps = append(e.Steps, sub.Steps...)
		}
		t.Emitted = append(t.Emitted, e)
		return nil
	}
	e.Steps = append(e.Steps, step)
	for _, p := range [...]struct {
		letter byte
		name   string
	}{{keyAcked, api.StepAcked}, {keySettled, api.StepSettled}} {
		s, ok, err := t.passed(p.letter, p.name, ref.Destination, ref.Incarnation, ref.Index)
		if err != nil {
			return err
		}
		if ok {
			e.Steps = append(e.Steps, s)
		}
	}
	height, ok, err := t.n.traces.refunded(ref.ID)
	if err != nil {
		return err
	}
	if ok {
		at, err := t.n.traces.executedAt(height)
		if err != nil {
			return err
		}
		e.Steps = append(e.Steps, api.Step{Name: api.StepRefunded, Time: at, Height: height})
	}
	t.Emitted = append(t.Emitted, e)
	return nil
}

// passed makes a step of a queue's position having passed index.
func (t *tracer) passed(letter byte, name string, peer proofs.NetworkID, incarnation, index uint64) (api.Step, bool, error) {
	height, ok, err := t.n.traces.passed(letter, peer, incarnation, index)
	if err != nil || !ok {
		return api.Step{}, false, err
	}
	at, err := t.n.traces.executedAt(height)
	step := api.Step{Name: name, Time: at, Height: height}
	if h, ok, err := t.n.coveredBy(height); err == nil && ok {
		step.Proof = api.ProofHint{Kind: api.ProofHead, Height: h.Height}
	}
	return step, true, err
}

// inducted adds the induction of a message from another network.
func (t *tracer) inducted(source proofs.NetworkID, incarnation, index uint64) (bool, error) {
	s, ok, err := t.passed(keyInducted, api.StepInducted, source, incarnation, index)
	if ok {
		s.Detail = fmt.Sprintf("index %d of %s", index, source.Short())
		t.Steps = append(t.Steps, s)
	}
	return ok, err
}

// Links implements api.Backend.
func (b *backend) Links(context.Context) ([]api.Link, error) {
	v, err := b.n.newest()
	if err != nil {
		return nil, err
	}
	peers, err := b.n.rules.Peers(v)
	if err != nil {
		return nil, err
	}
	heads, err := b.n.rules.Heads(v)
	if err != nil {
		return nil, err
	}
	status := b.n.mesh.Status()
	links := make([]api.Link, len(peers))
	for i := range peers {
		if links[i], err = b.n.link(&peers[i]); err != nil {
			return nil, err
		}
		l := &links[i]
		for k := range heads {
			if heads[k].Peer == l.Peer {
				l.Outcomes = uint64(len(heads[k].Outcomes))
			}
		}
		for k := range status {
			if s := &status[k]; s.Network == l.Peer && s.LastErrorAt > s.LastProgress {
				l.FollowerError = s.LastError
			}
		}
	}
	return links, nil
}

// link describes one peer's link.
func (n *Node) link(p *mesh.Peer) (api.Link, error) {
	l := api.Link{
		Peer: p.ID, State: p.State.String(), Reason: p.Reason, Incarnation: p.Incarnation,
		Epoch: p.Epoch, KeyHeight: p.KeyHeight, HeaderTime: p.TrustTime, TrustExpiry: p.TrustExpiry,
		OutBegin: p.OutBegin, OutEnd: p.OutEnd, OutAcked: p.Acked, OutSettled: p.OutBegin,
		InAcked: p.InEnd, InSettled: p.InBegin, Addresses: n.foreign.count(p.ID),
	}
	if err := n.name(&l); err != nil {
		return l, err
	}
	if p.OutBegin == p.OutEnd {
		return l, nil
	}
	m, ok, err := n.queued(p, p.OutBegin)
	if err != nil || !ok {
		return l, err
	}
	if now := uint64(time.Now().UnixMilli()); now > m.Emitted {
		l.OldestPending = now - m.Emitted
	}
	return l, nil
}

// name adds what the peer's zero-header says of it.
func (n *Node) name(l *api.Link) error {
	b, ok, err := n.logEntry(mesh.ZeroLog(l.Peer), 0)
	if err != nil || !ok {
		return err
	}
	var z proofs.ZeroHeader
	if err := proofs.Decode(&z, b, maxStoredLen); err != nil {
		return fmt.Errorf("zero-header of %s: %w", l.Peer.Short(), err)
	}
	l.Name, l.Symbol, l.Decimals = z.Parameters.Name, z.Parameters.Symbol, z.Parameters.Decimals
	return nil
}

// logEntry reads one entry of a log; ok is false if there is none.
func (n *Node) logEntry(name string, index uint64) (entry []byte, ok bool, err error) {
	log, err := n.state.ReadLog(name)
	if errors.Is(err, state.ErrNoLog) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	if index >= log.End() {
		return nil, false, nil
	}
	entries, err := log.Entries(index, index+1, maxStoredLen)
	if err != nil {
		return nil, false, err
	}
	return entries[0], true, nil
}

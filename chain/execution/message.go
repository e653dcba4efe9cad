package execution

import (
	"encoding/binary"
	"fmt"

	"github.com/isthmus-network/isthmus/proofs"
)

// maxTurn is the most messages of one inbound queue that run before the next
// queue's.
const maxTurn = 64

// maxEntryBytes bounds the wire form of a message in the local log.
const maxEntryBytes = proofs.MaxPayload + 4096

// queue is one inbound queue in this block.
type queue struct {
	Pending
	next   uint64
	failed []proofs.Outcome
	full   bool // its next message does not fit in the block
}

// inbound runs the messages of peers: in turns, so that all queues advance in
// every block however long one is. Of the budget, as much as waiting local
// messages can use is left to them, up to a half.
func (r *run) inbound() error {
	pending, err := r.mesh.Inbound(r.st)
	if err != nil || len(pending) == 0 {
		return err
	}
	queues := make([]queue, len(pending))
	for i, p := range pending {
		queues[i] = queue{Pending: p, next: p.Begin}
	}
	waiting := r.end - r.next
	keepMessages := min(waiting, r.messages/2)
	keepGas := r.gas / 2
	if waiting < keepGas/GasTransfer {
		keepGas = waiting * GasTransfer
	}
	turn := min(max((r.messages-keepMessages)/uint64(len(queues)), 1), maxTurn)
	for more := true; more; {
		more = false
		for i := range queues {
			ran, err := r.turn(&queues[i], turn, keepMessages, keepGas)
			if err != nil {
				return err
			}
			more = more || ran
		}
	}
	for i := range queues {
		if q := &queues[i]; q.next > q.Begin {
			if err := r.mesh.Settle(r.st, q.Pending, q.next, q.failed); err != nil {
				return err
			}
		}
	}
	return nil
}

// turn runs at most n messages of a queue and reports whether it ran any.
func (r *run) turn(q *queue, n, keepMessages, keepGas uint64) (ran bool, err error) {
	for range n {
		if q.full || q.next == q.End {
			return ran, nil
		}
		m, err := r.mesh.Entry(r.st, q.Pending, q.next)
		if err != nil {
			return ran, err
		}
		if q.full = !r.fits(m, keepMessages, keepGas); q.full {
			return ran, nil
		}
		code, err := r.handleInbound(m)
		if err != nil {
			return ran, err
		}
		if code != proofs.CodeOK {
			q.failed = append(q.failed, proofs.Outcome{Index: q.next, Code: code})
		}
		q.next++
		ran = true
	}
	return ran, nil
}

// fits reports whether a message may run: its most gas is within the budget, or
// it is more than any block has and the block is still unused.
func (r *run) fits(m *proofs.Message, keepMessages, keepGas uint64) bool {
	need := min(r.accounts.Gas(m), r.zero.Parameters.BlockGas-keepGas)
	return r.messages > keepMessages && r.gas >= keepGas && r.gas-keepGas >= need
}

// handleInbound takes a message's value in and lets the account handle it, both
// or neither.
func (r *run) handleInbound(m *proofs.Message) (proofs.Code, error) {
	mark := r.st.Snapshot()
	var gas uint64
	asset, code, err := r.mesh.Receive(r.st, r.env, m)
	if err == nil && code == proofs.CodeOK {
		gas, code, err = r.accounts.Handle(r.st, r.env, m, asset)
	}
	if err != nil {
		return 0, err
	}
	if code != proofs.CodeOK {
		r.st.Revert(mark)
	}
	r.spend(gas)
	return code, r.receipt(messageReceipt(m, m.ID(), code, gas))
}

func messageReceipt(m *proofs.Message, id proofs.Hash, code proofs.Code, gas uint64) proofs.Receipt {
	return proofs.Receipt{
		Kind: proofs.ReceiptMessage, ID: id, Source: m.Source, Incarnation: m.Incarnation, Index: m.Index, Code: code, Gas: gas,
	}
}

// local runs the local queue in its order while the budget lasts. What its
// messages emit is at its end, so that they run in generations. What is left
// waits; it is not touched.
func (r *run) local() error {
	for r.next < r.end {
		m, err := r.localMessage(r.next)
		if err != nil {
			return err
		}
		if !r.fits(m, 0, 0) {
			return nil
		}
		r.next++
		if err := r.handleLocal(m); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) localMessage(index uint64) (*proofs.Message, error) {
	if index >= r.freshFrom {
		return &r.fresh[index-r.freshFrom], nil
	}
	b, err := r.st.LogEntry(LocalLog, index)
	if err != nil {
		return nil, err
	}
	m := new(proofs.Message)
	if err := proofs.Decode(m, b, maxEntryBytes); err != nil {
		return nil, fmt.Errorf("local message %d: %w: %w", index, ErrCorrupt, err)
	}
	return m, nil
}

// handleLocal lets the account handle a message. If it fails, its value goes back
// to the sender by one more message.
func (r *run) handleLocal(m *proofs.Message) error {
	mark := r.st.Snapshot()
	id := m.ID()
	gas, code, err := r.accounts.Handle(r.st, r.env, m, m.Asset.At(r.zero.ID))
	if err != nil {
		return err
	}
	r.spend(gas)
	rc := messageReceipt(m, id, code, gas)
	if code != proofs.CodeOK {
		r.st.Revert(mark)
		if m.Kind == proofs.KindRefund {
			return fmt.Errorf("refund %x to %s: %s: %w", id[:4], m.Recipient.Short(), code, ErrCorrupt)
		}
		ref, err := r.emit(&proofs.Message{
			Version: proofs.Version, Source: r.zero.ID, Destination: r.zero.ID, Kind: proofs.KindRefund,
			Sender: m.Sender, Recipient: m.Sender, Asset: m.Asset, Amount: m.Amount,
			Emitted: r.env.Time, Cause: id, Payload: binary.BigEndian.AppendUint32(nil, uint32(code)),
		})
		if err != nil {
			return err
		}
		rc.Emitted = []proofs.EmittedRef{ref}
	}
	return r.receipt(rc)
}

// emit appends a message to the local queue, whose value is in the supply and in
// no balance until it is handled.
func (r *run) emit(m *proofs.Message) (proofs.EmittedRef, error) {
	m.Incarnation, m.Index = 0, r.end
	id := m.ID()
	index, err := r.st.AppendLog(LocalLog, id, m.MarshalCanoto())
	if err != nil {
		return proofs.EmittedRef{}, err
	}
	if index != r.end {
		return proofs.EmittedRef{}, fmt.Errorf("local queue: appended at %d, want %d: %w", index, r.end, ErrCorrupt)
	}
	r.end++
	r.fresh = append(r.fresh, *m)
	return proofs.EmittedRef{Destination: m.Destination, Index: index, ID: id}, nil
}

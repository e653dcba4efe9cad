package sim

import (
	"fmt"

	"github.com/isthmus-network/isthmus/chain/execution"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/internal/memstate"
	"github.com/isthmus-network/isthmus/internal/memstate/memnet"
	"github.com/isthmus-network/isthmus/proofs"
)

// value is what was seen of execution.
type value struct {
	results   []types.Executed       // by height, of who was first
	externals map[proofs.Hash]int    // bodies → executions
	next      [2]map[uint64]uint64   // of local and of foreign messages, by incarnation: the next index
	emitted   map[uint64]proofs.Hash // index in the queue to the other network → message
	refunds   map[proofs.Hash]int    // failed message → refunds
	local     uint64                 // messages of the local queue that were looked at
	crossed   int                    // foreign messages executed
	pending   map[uint64]proofs.Hash // roots in headers of blocks that nobody executed yet
	vouchers  proofs.Amount          // of the other network's asset here
	claim     proofs.Amount          // on the own asset there
}

func newValue(net *network) value {
	return value{
		results: []types.Executed{net.executed}, externals: make(map[proofs.Hash]int), next: [2]map[uint64]uint64{{}, {}},
		emitted: make(map[uint64]proofs.Hash), refunds: make(map[proofs.Hash]int), pending: make(map[uint64]proofs.Hash),
	}
}

// certifies compares the results in a final header with what was executed.
func (l *ledger) certifies(h *proofs.Header) {
	if h.Executed >= uint64(len(l.value.results)) {
		l.value.pending[h.Executed] = h.StateRoot
		return
	}
	if !l.value.results[h.Executed].Matches(h) {
		l.world.fail("block %d certifies results of block %d that execution did not yield", h.Height, h.Executed)
	}
}

// executed checks what a node's execution gave.
func (l *ledger) executed(n *Node, e *types.Executed, res *execution.Result) {
	l.world.trace.executed(n, e)
	v := &l.value
	if e.Height < uint64(len(v.results)) {
		if w := &v.results[e.Height]; w.StateRoot != e.StateRoot || w.OutboundRoot != e.OutboundRoot || w.ReceiptRoot != e.ReceiptRoot || w.Time != e.Time {
			l.world.fail("node %d executes block %d with root %x, others have %x", n.index, e.Height, e.StateRoot[:4], w.StateRoot[:4])
		}
		return
	}
	v.results = append(v.results, *e)
	if root, ok := v.pending[e.Height]; ok && root != e.StateRoot {
		l.world.fail("a header certifies a root after block %d that execution did not yield", e.Height)
	}
	delete(v.pending, e.Height)
	for i := range res.Receipts {
		l.receipt(&res.Receipts[i])
	}
	st := n.disk.state.state
	if err := l.refunded(st); err != nil {
		l.world.fail("node %d: block %d: %v", n.index, e.Height, err)
	}
	if err := l.conserved(st, e.Height); err != nil {
		l.world.fail("node %d: %v", n.index, err)
	}
}

// receipt checks that what was executed was due: each external message once, the
// messages of each queue once and in order.
func (l *ledger) receipt(r *proofs.Receipt) {
	v := &l.value
	switch r.Kind {
	case proofs.ReceiptExternal:
		if v.externals[r.Body]++; v.externals[r.Body] > 1 {
			l.world.fail("external message %x was executed twice", r.Body[:4])
		}
		for i := range r.Emitted {
			if em := &r.Emitted[i]; em.Destination != l.net.zero.ID {
				v.emitted[em.Index] = em.ID
			}
		}
	case proofs.ReceiptMessage:
		queue := 0
		if r.Source != l.net.zero.ID {
			queue = 1
			v.crossed++
			if other := l.world.other(l.net); other == nil || other.ledger.value.emitted[r.Index] != r.ID {
				l.world.fail("message %d of another network was executed, which it never sent", r.Index)
			}
		}
		if want := v.next[queue][r.Incarnation]; r.Index != want {
			l.world.fail("message %d of network %s was executed, want %d", r.Index, r.Source.Short(), want)
		}
		v.next[queue][r.Incarnation] = r.Index + 1
		if _, again := l.world.handled[r.ID]; again {
			l.world.fail("message %x was executed twice", r.ID[:4])
		}
		l.world.handled[r.ID] = r.Code
	}
}

// refunded looks through the messages that were added to the local queue.
func (l *ledger) refunded(st *memstate.State) error {
	v := &l.value
	log, err := st.LogInfo(execution.LocalLog)
	if err != nil {
		return err
	}
	for ; v.local < log.End(); v.local++ {
		b, err := st.LogEntry(execution.LocalLog, v.local)
		if err != nil {
			return err
		}
		var m proofs.Message
		if err := proofs.Decode(&m, b, proofs.MaxSliceBytes); err != nil {
			return err
		}
		if m.Kind != proofs.KindRefund {
			continue
		}
		if v.refunds[m.Cause]++; v.refunds[m.Cause] > 1 {
			return fmt.Errorf("message %x is refunded twice", m.Cause[:4])
		}
		if code, ok := l.world.handled[m.Cause]; !ok || code == proofs.CodeOK {
			return fmt.Errorf("message %x is refunded, which did not fail", m.Cause[:4])
		}
	}
	return nil
}

// conserved compares the sums of the state, and what circulates abroad with what
// is escrowed for it.
func (l *ledger) conserved(st *memstate.State, height uint64) error {
	books := memnet.Network{Zero: l.net.zero, State: st, Height: height, Issued: proofs.NewAmount(funds * accounts)}
	if err := books.Check(); err != nil {
		return err
	}
	other := l.world.other(l.net)
	if other == nil {
		return nil
	}
	v, o := &l.value, &other.ledger.value
	var err error
	if v.vouchers, err = execution.Supply(st, proofs.NativeAsset.Abroad(other.zero.ID)); err != nil {
		return err
	}
	b, _, err := st.Get(proofs.ClaimKey(other.zero.ID, proofs.NativeAsset))
	if err != nil {
		return err
	}
	v.claim = proofs.Amount{}
	copy(v.claim[:], b)
	if v.vouchers.Cmp(o.claim) > 0 {
		return fmt.Errorf("block %d: vouchers for %s circulate, %s is escrowed", height, v.vouchers, o.claim)
	}
	if o.vouchers.Cmp(v.claim) > 0 {
		return fmt.Errorf("block %d: %s is escrowed, vouchers for %s circulate abroad", height, v.claim, o.vouchers)
	}
	return nil
}

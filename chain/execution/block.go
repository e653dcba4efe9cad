package execution

import (
	"encoding/binary"
	"fmt"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// Engine executes the blocks of one network. It is used by one goroutine.
type Engine struct {
	zero     *proofs.Zero
	mesh     Mesh
	accounts Handler
}

// New returns the engine of a network.
func New(zero *proofs.Zero, mesh Mesh) *Engine {
	return &Engine{zero: zero, mesh: mesh, accounts: accounts{}}
}

// run is the execution of one block.
type run struct {
	*Engine
	st     types.State
	env    Env
	block  *Block
	result *Result

	messages, gas uint64 // what is left of the block's budget
	fees          proofs.Amount

	// The local queue: [next, end) waits. The entries from freshFrom on were
	// emitted in this block and are at hand.
	begin, next, end, freshFrom uint64
	fresh                       []proofs.Message
}

// Execute runs a block on the state after the one before it. A block without
// work, and without buckets or queues that wait, changes no entry of the state.
func (e *Engine) Execute(st types.State, b *Block) (*Result, error) {
	r, err := e.start(st, b)
	if err != nil {
		return nil, err
	}
	steps := [...]func() error{
		r.closeBuckets, r.peers, r.inbound, r.local, r.externals, r.local, r.finish,
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return nil, fmt.Errorf("block %d: %w", b.Height, err)
		}
	}
	return r.result, nil
}

func (e *Engine) start(st types.State, b *Block) (*run, error) {
	receipts, err := st.LogInfo(ReceiptLog)
	if err != nil {
		return nil, err
	}
	local, err := st.LogInfo(LocalLog)
	if err != nil {
		return nil, err
	}
	p := &e.zero.Parameters
	return &run{
		Engine: e, st: st, block: b, env: Env{Height: b.Height, Time: b.Time, Epoch: b.Epoch, Set: b.Set},
		result:   &Result{FirstReceipt: receipts.End()},
		messages: p.BlockMessages, gas: p.BlockGas,
		begin: local.Begin, next: local.Begin, end: local.End(), freshFrom: local.End(),
	}, nil
}

// peers does the block's work with other networks and governance.
func (r *run) peers() error {
	var work []Work
	var items []int
	for i := range r.block.Items {
		it := &r.block.Items[i]
		switch it.Item.Kind {
		case types.ItemZero, types.ItemKeyBlock, types.ItemSlice, types.ItemAct, types.ItemReady:
			work = append(work, Work{Lane: it.Lane, Kind: it.Item.Kind, Data: it.Item.Data})
			items = append(items, i)
		}
	}
	if len(work) == 0 {
		return nil
	}
	notes, refunds, err := r.mesh.Induct(r.st, r.env, work)
	if err != nil {
		return err
	}
	r.result.Notes = notes
	for i := range notes {
		n := &notes[i]
		if n.Fault {
			r.charge(items[n.Work], ChargePeer)
		}
		if n.Kind == types.ItemAct && n.Applied {
			rc := proofs.Receipt{Kind: proofs.ReceiptAct, ID: n.Act, Source: r.zero.ID, Index: n.First, Code: n.Code}
			if err := r.receipt(rc); err != nil {
				return err
			}
		}
	}
	for i := range refunds {
		if _, err := r.emit(&refunds[i]); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) charge(item int, why ChargeReason) {
	r.result.Charges = append(r.result.Charges, Charge{Lane: r.block.Items[item].Lane, Item: item, Reason: why})
}

// spend takes one handled message off the block's budget.
func (r *run) spend(gas uint64) {
	r.messages -= min(1, r.messages)
	r.gas -= min(gas, r.gas)
	r.result.Messages++
	r.result.Gas += gas
}

// receipt completes a receipt, appends it to the log and makes it findable.
func (r *run) receipt(rc proofs.Receipt) error {
	rc.Height, rc.Time = r.env.Height, r.env.Time
	index, err := r.st.AppendLog(ReceiptLog, rc.Leaf(r.zero.ID), rc.MarshalCanoto())
	if err != nil {
		return err
	}
	place := binary.BigEndian.AppendUint64(nil, index)
	r.st.SetIndex(ReceiptIndexKey(rc.ID), place)
	if rc.Kind == proofs.ReceiptMessage {
		r.st.SetIndex(MessageIndexKey(rc.Source, rc.Incarnation, rc.Index), place)
	}
	for i := range rc.Emitted {
		em := &rc.Emitted[i]
		r.st.SetIndex(EmittedIndexKey(em.Destination, em.Incarnation, em.Index), place)
	}
	r.result.Receipts = append(r.result.Receipts, rc)
	return nil
}

// finish writes the sums that were kept aside and reads what the next headers
// carry.
func (r *run) finish() (err error) {
	if r.next > r.begin {
		if err := r.st.SetLogBegin(LocalLog, r.next); err != nil {
			return err
		}
	}
	if !r.fees.IsZero() {
		have, err := readAmount(r.st, proofs.FeesKey())
		if err != nil {
			return err
		}
		sum, ok := have.Add(r.fees)
		if !ok {
			return fmt.Errorf("fees exceed 128 bits: %w", ErrCorrupt)
		}
		writeAmount(r.st, proofs.FeesKey(), sum)
	}
	r.result.Waiting = r.end - r.next
	if r.result.Heads, err = r.mesh.Heads(r.st); err != nil {
		return err
	}
	r.result.NextSet, err = r.mesh.NextSet(r.st)
	return err
}

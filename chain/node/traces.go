package node

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/isthmus-network/isthmus/chain/execution"
	"github.com/isthmus-network/isthmus/chain/store"
	"github.com/isthmus-network/isthmus/proofs"
)

// traces remembers when this node saw things happen to messages, so that a trace
// can tell more than receipts do. Positions of queues only rise, so one entry for
// each rise tells when every index was passed:
//
//	x height                     → when this node had executed the block (ms)
//	i peer incarnation end       → height that inducted messages up to end
//	q peer incarnation acked     → height that learnt how far the peer inducted ours
//	s peer incarnation settled   → height that learnt how far the peer settled ours
//	f message id                 → height that gave its value back
//
// Entries are not synced: a trace may miss a time after a crash.
type traces struct{ n *Node }

func newTraces(n *Node) *traces { return &traces{n} }

func queuePlace(letter byte, peer proofs.NetworkID, incarnation, index uint64) []byte {
	return key(letter, peer[:], u64(incarnation), u64(index))
}

// executed notes what a block did.
func (t *traces) executed(now uint64, j *job, res *execution.Result) error {
	height := j.Final.Block.Header.Height
	var b store.Batch
	b.Set(key(keyTime, u64(height)), u64(now))
	seen := make(map[proofs.NetworkID]bool)
	for i := range res.Notes {
		if p := res.Notes[i].Peer; res.Notes[i].Applied && !seen[p] {
			seen[p] = true
			if err := t.link(&b, height, p); err != nil {
				return err
			}
		}
	}
	for i := range res.Receipts {
		if err := t.refund(&b, &res.Receipts[i]); err != nil {
			return err
		}
	}
	return t.n.chainDB.Write(&b, false)
}

// refund notes whose value a local message gave back.
func (t *traces) refund(b *store.Batch, r *proofs.Receipt) error {
	if r.Kind != proofs.ReceiptMessage || r.Source != t.n.zero.ID || r.Code != proofs.CodeOK {
		return nil
	}
	entry, ok, err := t.n.logEntry(execution.LocalLog, r.Index)
	if err != nil || !ok {
		return err
	}
	var m proofs.Message
	if err := proofs.Decode(&m, entry, maxStoredLen); err != nil {
		return fmt.Errorf("local message %d: %w", r.Index, err)
	}
	if m.Kind == proofs.KindRefund {
		b.Set(key(keyRefund, m.Cause[:]), u64(r.Height))
	}
	return nil
}

// refunded returns the height that gave the value of a message back.
func (t *traces) refunded(id proofs.Hash) (height uint64, ok bool, err error) {
	v, err := t.n.chainDB.Get(key(keyRefund, id[:]))
	if errors.Is(err, store.ErrNotFound) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	return binary.BigEndian.Uint64(v), true, nil
}

func (t *traces) link(b *store.Batch, height uint64, id proofs.NetworkID) error {
	v, err := t.n.viewAt(height)
	if err != nil {
		return err
	}
	p, ok, err := t.n.rules.Peer(v, id)
	if err != nil || !ok {
		return err
	}
	for _, e := range [...]struct {
		letter byte
		index  uint64
	}{{keyInducted, p.InEnd}, {keyAcked, p.Acked}, {keySettled, p.OutBegin}} {
		k := queuePlace(e.letter, id, p.Incarnation, e.index)
		if known, err := t.n.chainDB.Has(k); err != nil {
			return err
		} else if !known {
			b.Set(k, u64(height))
		}
	}
	return nil
}

// passed returns the height at which a position of a queue rose above index.
func (t *traces) passed(letter byte, peer proofs.NetworkID, incarnation, index uint64) (height uint64, ok bool, err error) {
	r := store.Prefix(key(letter, peer[:], u64(incarnation)))
	r.Start = queuePlace(letter, peer, incarnation, index+1)
	err = t.n.chainDB.Iterate(r, func(_, v []byte) (bool, error) {
		height, ok = binary.BigEndian.Uint64(v), true
		return false, nil
	})
	return height, ok, err
}

// executedAt returns when this node had executed the block, or the block's own time.
func (t *traces) executedAt(height uint64) (uint64, error) {
	v, err := t.n.chainDB.Get(key(keyTime, u64(height)))
	if err == nil {
		return binary.BigEndian.Uint64(v), nil
	}
	if !errors.Is(err, store.ErrNotFound) {
		return 0, err
	}
	f, err := t.n.blocks.final(height)
	if err != nil {
		return 0, err
	}
	return f.Block.Header.Time, nil
}

// receiptOf finds the receipt of an external message, a message or an act.
func (n *Node) receiptOf(id proofs.Hash) (*proofs.Receipt, bool, error) {
	return n.receiptUnder(execution.ReceiptIndexKey(id))
}

// receiptPlace returns the place of a receipt in the receipt log.
func (n *Node) receiptPlace(indexKey []byte) (place uint64, ok bool, err error) {
	b, ok, err := n.state.Index(indexKey)
	if err != nil || !ok {
		return 0, false, err
	}
	if len(b) != 8 {
		return 0, false, fmt.Errorf("receipt index: %d bytes", len(b))
	}
	return binary.BigEndian.Uint64(b), true, nil
}

// receiptUnder reads the receipt that an index entry points at.
func (n *Node) receiptUnder(indexKey []byte) (*proofs.Receipt, bool, error) {
	place, ok, err := n.receiptPlace(indexKey)
	if err != nil || !ok {
		return nil, false, err
	}
	entry, ok, err := n.logEntry(execution.ReceiptLog, place)
	if err != nil || !ok {
		return nil, false, err
	}
	r := new(proofs.Receipt)
	if err := proofs.Decode(r, entry, maxStoredLen); err != nil {
		return nil, false, fmt.Errorf("receipt %d: %w", place, err)
	}
	return r, true, nil
}

// coveredBy returns the first final header whose roots are of the block at height
// or a later one, if there is one with a certificate.
func (n *Node) coveredBy(height uint64) (*proofs.Header, bool, error) {
	for h := height + 1; h <= height+n.zero.Parameters.MaxLag+proofs.MaxLinks; h++ {
		f, err := n.blocks.final(h)
		if errors.Is(err, store.ErrNotFound) {
			return nil, false, nil
		}
		if err != nil {
			return nil, false, err
		}
		if f.Block.Header.Executed >= height && f.Certificate != nil {
			return &f.Block.Header, true, nil
		}
	}
	return nil, false, nil
}

package proofs

//go:generate go tool -modfile=../tools/go.mod canoto --import=github.com/isthmus-network/isthmus/internal/canoto $GOFILE

import (
	"encoding/binary"
	"fmt"

	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// Bounds of one entry of a state (docs/spec/state.md).
const (
	MaxStateKey   = 4 << 10  // bytes
	MaxStateValue = 16 << 20 // bytes
)

// StateEntry is the claim that a state holds Value under a key, or nothing if not
// Present. The key is not in it: who asks knows it. Proof is the binary form of a
// merkle.TrieProof.
type StateEntry struct {
	Present bool   `canoto:"bool,1"`
	Value   []byte `canoto:"bytes,2"`
	Proof   []byte `canoto:"bytes,3"`

	canotoData canotoData_StateEntry
}

// NewStateEntry makes the claim that a store's proof supports.
func NewStateEntry(value []byte, present bool, proof merkle.TrieProof) (StateEntry, error) {
	b, err := proof.AppendBinary(nil)
	return StateEntry{Present: present, Value: value, Proof: b}, err
}

// VerifiedEntry is what a certified state holds under one key.
type VerifiedEntry struct {
	key, value []byte
	present    bool
	header     *VerifiedHeader
}

// Key returns the raw key; the caller must not change it.
func (v *VerifiedEntry) Key() []byte { return v.key }

// Value returns the value; ok is false if the state holds nothing under the key.
// The caller must not change it.
func (v *VerifiedEntry) Value() (value []byte, ok bool) { return v.value, v.present }

// Header returns the header that certifies it: the state is that after block
// Executed.
func (v *VerifiedEntry) Header() *VerifiedHeader { return v.header }

// VerifyEntry checks that the state which v certifies holds under key what e says.
// Errors: ErrTooLarge, ErrNotCanon for an absent value that is not empty,
// ErrMalformed for a proof that cannot be read, ErrBranch.
func (v *VerifiedHeader) VerifyEntry(key []byte, e *StateEntry) (*VerifiedEntry, error) {
	switch {
	case len(key) > MaxStateKey:
		return nil, fmt.Errorf("state key: got %d bytes, want at most %d: %w", len(key), MaxStateKey, ErrTooLarge)
	case len(e.Value) > MaxStateValue:
		return nil, fmt.Errorf("state entry %q: got a value of %d bytes, want at most %d: %w", key, len(e.Value), MaxStateValue, ErrTooLarge)
	case !e.Present && len(e.Value) > 0:
		return nil, fmt.Errorf("state entry %q: got a value of %d bytes that is absent: %w", key, len(e.Value), ErrNotCanon)
	}
	p, err := merkle.ParseTrieProof(e.Proof)
	if err != nil {
		return nil, fmt.Errorf("state entry %q: %w: %w", key, ErrMalformed, err)
	}
	if e.Present {
		err = merkle.VerifyPresence(v.header.StateRoot, key, e.Value, p)
	} else {
		err = merkle.VerifyAbsence(v.header.StateRoot, key, p)
	}
	if err != nil {
		return nil, fmt.Errorf("state entry %q of %s: %w: %w", key, v.header.Network.Short(), ErrBranch, err)
	}
	return &VerifiedEntry{key: key, value: e.Value, present: e.Present, header: v}, nil
}

// Amount reads an entry whose value is an Amount; absence is nothing. Rules never
// leave an amount of zero in the state, so that one is ErrMalformed.
func (v *VerifiedEntry) Amount() (a Amount, err error) {
	if !v.present {
		return a, nil
	}
	if len(v.value) != len(a) {
		return a, fmt.Errorf("amount under %q: got %d bytes, want %d: %w", v.key, len(v.value), len(a), ErrMalformed)
	}
	if a = Amount(v.value); a.IsZero() {
		return a, fmt.Errorf("amount under %q: got an entry of zero, want none: %w", v.key, ErrMalformed)
	}
	return a, nil
}

// VerifyAmount checks an entry whose value is an Amount, and returns it.
func (v *VerifiedHeader) VerifyAmount(key []byte, e *StateEntry) (Amount, error) {
	entry, err := v.VerifyEntry(key, e)
	if err != nil {
		return Amount{}, err
	}
	return entry.Amount()
}

// VerifiedBalance is what an account has of an asset in a certified state.
type VerifiedBalance struct {
	account AccountID
	asset   AssetID // under its name abroad
	amount  Amount
	header  *VerifiedHeader
}

// Account returns whose balance it is.
func (b *VerifiedBalance) Account() AccountID { return b.account }

// Asset returns the asset, under its name abroad.
func (b *VerifiedBalance) Asset() AssetID { return b.asset }

// Amount returns the balance in the asset's smallest unit.
func (b *VerifiedBalance) Amount() Amount { return b.amount }

// Header returns the header that certifies it.
func (b *VerifiedBalance) Header() *VerifiedHeader { return b.header }

// VerifyBalance checks an account's balance of an asset; asset may be named as at
// home or as abroad. The state knows a network's own assets under the zero origin
// only, so the name is never taken from the prover.
func (v *VerifiedHeader) VerifyBalance(account AccountID, asset AssetID, e *StateEntry) (*VerifiedBalance, error) {
	amount, err := v.VerifyAmount(BalanceKey(account, asset.At(v.header.Network)), e)
	if err != nil {
		return nil, err
	}
	return &VerifiedBalance{account: account, asset: asset.Abroad(v.header.Network), amount: amount, header: v}, nil
}

// VerifiedReceipt is an entry of a certified receipt log.
type VerifiedReceipt struct {
	receipt Receipt
	index   uint64
	header  *VerifiedHeader
}

// Receipt returns the receipt; it shares what it lists, which the caller must not
// change.
func (r *VerifiedReceipt) Receipt() Receipt { return r.receipt }

// Index returns its place in the receipt log.
func (r *VerifiedReceipt) Index() uint64 { return r.index }

// Header returns the header that certifies it.
func (r *VerifiedReceipt) Header() *VerifiedHeader { return r.header }

// VerifyReceipt checks that receipt r is entry index of the receipt log whose root
// and size v certifies. Errors: ErrBranch.
func (v *VerifiedHeader) VerifyReceipt(r *Receipt, index uint64, branch []Hash) (*VerifiedReceipt, error) {
	h := &v.header
	if err := merkle.VerifyInclusion(r.Leaf(h.Network), index, h.ReceiptSize, branch, h.ReceiptRoot); err != nil {
		return nil, fmt.Errorf("receipt %d of %s: %w: %w", index, h.Network.Short(), ErrBranch, err)
	}
	return &VerifiedReceipt{receipt: *r, index: index, header: v}, nil
}

// VerifiedMessage is a message in a certified queue.
type VerifiedMessage struct {
	message Message
	head    *VerifiedHead
}

// Message returns the message; the caller must not change its payload.
func (m *VerifiedMessage) Message() Message { return m.message }

// Head returns the certified head of its queue.
func (m *VerifiedMessage) Head() *VerifiedHead { return m.head }

// VerifyMessage checks that m is in the queue, at its index: a single message, for
// whoever has not followed the queue. Errors: those of a message out of place as
// for [VerifiedHead.VerifyMessages]; ErrIndex, ErrBranch.
func (v *VerifiedHead) VerifyMessage(m *Message, branch []Hash) (*VerifiedMessage, error) {
	if m.Index >= v.head.End {
		return nil, fmt.Errorf("message %d: queue ends at %d: %w", m.Index, v.head.End, ErrIndex)
	}
	if err := v.checkPlace(m, m.Index); err != nil {
		return nil, err
	}
	if err := merkle.VerifyInclusion(m.ID(), m.Index, v.head.End, branch, v.head.Root); err != nil {
		return nil, fmt.Errorf("message %d of %s: %w: %w", m.Index, v.source.Short(), ErrBranch, err)
	}
	return &VerifiedMessage{message: *m, head: v}, nil
}

// LogKey is the key of a log's summary. The value is begin(8) ‖ end(8) ‖ the nodes
// of the compact range [0, end), 32 bytes each; a log without entries has none.
func LogKey(name string) []byte { return concat("log/", []byte(name)) }

// LogSummary is what a state says of one of its logs.
type LogSummary struct {
	Begin uint64       // entries below are consumed
	Range merkle.Range // of [0, end)
}

// Root returns the root of the log.
func (s *LogSummary) Root() (Hash, error) { return s.Range.Root() }

// Log reads an entry whose value is a log's summary; absence is the empty log.
// Errors: ErrMalformed.
func (v *VerifiedEntry) Log() (LogSummary, error) {
	if !v.present {
		return LogSummary{}, nil
	}
	b := v.value
	if len(b) < 16 || len(b)%32 != 16 || len(b) > 16+64*32 {
		return LogSummary{}, fmt.Errorf("summary under %q: got %d bytes, want 16 and 32 for each node: %w", v.key, len(b), ErrMalformed)
	}
	s := LogSummary{Begin: binary.BigEndian.Uint64(b)}
	end := binary.BigEndian.Uint64(b[8:])
	if s.Begin > end || end == 0 {
		return LogSummary{}, fmt.Errorf("summary under %q: begin %d, end %d: %w", v.key, s.Begin, end, ErrMalformed)
	}
	nodes := make([]Hash, len(b)/32)
	for i := range nodes {
		nodes[i] = Hash(b[16+32*i:])
	}
	r, err := merkle.ParseRange(0, end, nodes)
	if err != nil {
		return LogSummary{}, fmt.Errorf("summary under %q: %w: %w", v.key, ErrMalformed, err)
	}
	s.Range = r
	return s, nil
}

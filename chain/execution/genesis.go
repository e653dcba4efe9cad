package execution

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// Allocation gives an account some of the native asset in the zero-state.
type Allocation struct {
	Account proofs.AccountID
	Amount  proofs.Amount
}

// Genesis returns the entries of a zero-state, sorted by key: the balances, their
// sum as the supply, and the validator set. ErrGenesis for an account that is
// zero, listed twice or given nothing, and for a sum beyond 128 bits.
func Genesis(accounts []Allocation, set *proofs.ValidatorSet) ([]merkle.KV, error) {
	entries := []merkle.KV{{Key: slices.Clone(validatorsKey), Value: encodeSet(set)}}
	var sum proofs.Amount
	given := make(map[proofs.AccountID]bool, len(accounts))
	for i, a := range accounts {
		if a.Account == (proofs.AccountID{}) || given[a.Account] || a.Amount.IsZero() {
			return nil, fmt.Errorf("allocation %d: account %s gets %s; want each account once, and something: %w", i, a.Account, a.Amount, ErrGenesis)
		}
		given[a.Account] = true
		var ok bool
		if sum, ok = sum.Add(a.Amount); !ok {
			return nil, fmt.Errorf("allocation %d: the sum exceeds 128 bits: %w", i, ErrGenesis)
		}
		entries = append(entries, merkle.KV{Key: proofs.BalanceKey(a.Account, proofs.NativeAsset), Value: slices.Clone(a.Amount[:])})
	}
	if !sum.IsZero() {
		entries = append(entries, merkle.KV{Key: proofs.SupplyKey(proofs.NativeAsset), Value: slices.Clone(sum[:])})
	}
	slices.SortFunc(entries, func(a, b merkle.KV) int { return bytes.Compare(a.Key, b.Key) })
	return entries, nil
}

// encodeSet lists the members: node key (32), BLS key (96), weight (8) and
// possession (48) for each, after their number (4).
func encodeSet(s *proofs.ValidatorSet) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(s.Len()))
	for i := range s.Len() {
		m := s.At(i)
		b = append(append(b, m.Node[:]...), m.Key[:]...)
		b = append(binary.BigEndian.AppendUint64(b, m.Weight), m.Possession[:]...)
	}
	return b
}

// memberSize is the length of one member in the layout of a set.
const memberSize = 32 + 96 + 8 + 48

// decodeSet reads what encodeSet writes, and nothing else.
func decodeSet(b []byte) (*proofs.ValidatorSet, error) {
	if len(b) < 4 {
		return nil, fmt.Errorf("validator set: got %d bytes: %w", len(b), ErrCorrupt)
	}
	n := binary.BigEndian.Uint32(b)
	if b = b[4:]; n > proofs.MaxValidators || len(b) != int(n)*memberSize {
		return nil, fmt.Errorf("validator set: got %d bytes for %d members: %w", len(b), n, ErrCorrupt)
	}
	members := make([]proofs.Validator, n)
	for i := range members {
		m, f := &members[i], b[i*memberSize:]
		m.Node, m.Weight = proofs.NodeKey(f), binary.BigEndian.Uint64(f[128:])
		copy(m.Key[:], f[32:128])
		copy(m.Possession[:], f[136:memberSize])
	}
	set, err := proofs.NewValidatorSet(members)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return set, nil
}

// Validators returns the set that a state names for the next epoch.
func Validators(rd Reader) (*proofs.ValidatorSet, error) {
	v, ok, err := rd.Get(validatorsKey)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("validators: no entry: %w", ErrCorrupt)
	}
	return decodeSet(v)
}

// nextSet is Validators, which proves each member anew, only when the entry
// changed.
func (e *Engine) nextSet(rd Reader, present *proofs.ValidatorSet) (*proofs.ValidatorSet, error) {
	v, ok, err := rd.Get(validatorsKey)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("validators: no entry: %w", ErrCorrupt)
	}
	if e.set == nil {
		e.set, e.setLayout = present, encodeSet(present)
	}
	if !bytes.Equal(v, e.setLayout) {
		set, err := decodeSet(v)
		if err != nil {
			return nil, err
		}
		e.set, e.setLayout = set, bytes.Clone(v)
	}
	return e.set, nil
}

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

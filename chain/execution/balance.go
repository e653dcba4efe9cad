package execution

import (
	"fmt"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// Error is a constant error kind of this package.
type Error string

func (e Error) Error() string { return string(e) }

const (
	// ErrCorrupt says that a value or a sum of the state is not one that this
	// package writes: a bug or a damaged store, fatal to the block.
	ErrCorrupt Error = "execution: state corrupt"
	// ErrGenesis says that a zero-state cannot be made of what was given.
	ErrGenesis Error = "execution: bad zero-state"
)

// Holding is an account's balance of one asset.
type Holding struct {
	Asset  proofs.AssetID
	Amount proofs.Amount
}

// Balance returns an account's balance of an asset, under its name here.
func Balance(rd Reader, account proofs.AccountID, asset proofs.AssetID) (proofs.Amount, error) {
	return readAmount(rd, proofs.BalanceKey(account, asset))
}

// Supply returns the sum of all balances of an asset here, with the value of
// waiting local messages and, of the native asset, the fees.
func Supply(rd Reader, asset proofs.AssetID) (proofs.Amount, error) {
	return readAmount(rd, proofs.SupplyKey(asset))
}

// Fees returns the fees that were collected.
func Fees(rd Reader) (proofs.Amount, error) { return readAmount(rd, proofs.FeesKey()) }

// Balances lists at most limit of an account's balances, in order of assets, from
// asset from on.
func Balances(rd Reader, account proofs.AccountID, from proofs.AssetID, limit int) ([]Holding, error) {
	if limit <= 0 {
		return nil, nil
	}
	prefix := append([]byte(balancePrefix), account[:]...)
	var hs []Holding
	err := rd.Iterate(prefix, proofs.BalanceKey(account, from), func(key, value []byte) (bool, error) {
		a, err := toAmount(key, value)
		if err == nil && len(key) != len(prefix)+len(proofs.AssetID{}) {
			err = fmt.Errorf("key %x: %w", key, ErrCorrupt)
		}
		if err != nil {
			return false, err
		}
		hs = append(hs, Holding{Asset: proofs.AssetID(key[len(prefix):]), Amount: a})
		return len(hs) < limit, nil
	})
	return hs, err
}

func readAmount(rd Reader, key []byte) (proofs.Amount, error) {
	v, ok, err := rd.Get(key)
	if err != nil || !ok {
		return proofs.Amount{}, err
	}
	return toAmount(key, v)
}

func toAmount(key, v []byte) (proofs.Amount, error) {
	if len(v) != len(proofs.Amount{}) {
		return proofs.Amount{}, fmt.Errorf("amount under %x: got %d bytes: %w", key, len(v), ErrCorrupt)
	}
	return proofs.Amount(v), nil
}

// writeAmount writes an amount; nothing has no entry.
func writeAmount(st types.State, key []byte, a proofs.Amount) {
	if a.IsZero() {
		st.Delete(key)
		return
	}
	st.Set(key, a[:])
}

// credit adds to a balance; false if it would exceed 128 bits.
func credit(st types.State, account proofs.AccountID, asset proofs.AssetID, amount proofs.Amount) (bool, error) {
	key := proofs.BalanceKey(account, asset)
	have, err := readAmount(st, key)
	if err != nil {
		return false, err
	}
	sum, ok := have.Add(amount)
	if ok {
		writeAmount(st, key, sum)
	}
	return ok, nil
}

// debit takes from a balance; false if it has less.
func debit(st types.State, account proofs.AccountID, asset proofs.AssetID, amount proofs.Amount) (bool, error) {
	key := proofs.BalanceKey(account, asset)
	have, err := readAmount(st, key)
	if err != nil {
		return false, err
	}
	rest, ok := have.Sub(amount)
	if ok && !amount.IsZero() {
		writeAmount(st, key, rest)
	}
	return ok, nil
}

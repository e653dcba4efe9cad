package bootstrap

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/bls"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// MaxZeroStateBytes bounds a zero-state document.
const MaxZeroStateBytes = 64 << 20

// ZeroState is the genesis document of a network, for people. Validators and
// allocations may be listed in any order; the network's id does not depend on it.
type ZeroState struct {
	Version     uint32            `json:"version"`
	Time        uint64            `json:"time_ms"` // milliseconds since the Unix epoch
	Parameters  proofs.Parameters `json:"parameters"`
	Validators  []Validator       `json:"validators"`
	Allocations []Allocation      `json:"allocations"`
}

// Validator is a member of the first set.
type Validator struct {
	Node       proofs.NodeKey `json:"node"`
	BLSKey     BLSKey         `json:"bls_key"`
	Weight     uint64         `json:"weight"`
	Possession Possession     `json:"possession"`
}

// Allocation is a balance of the network's own asset at its beginning, in its
// smallest unit.
type Allocation struct {
	Account proofs.AccountID `json:"account"`
	Amount  proofs.Amount    `json:"amount"`
}

// BLSKey is a compressed public key, in hexadecimal when written.
type BLSKey [bls.PublicKeySize]byte

// MarshalText writes lower-case hexadecimal.
func (k BLSKey) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, k[:]), nil }

// UnmarshalText reads exactly as many digits as the key has.
func (k *BLSKey) UnmarshalText(b []byte) error { return readHex("BLS key", k[:], b) }

// Possession is a proof that a node holds its BLS key.
type Possession [bls.SignatureSize]byte

// MarshalText writes lower-case hexadecimal.
func (p Possession) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, p[:]), nil }

// UnmarshalText reads exactly as many digits as the proof has.
func (p *Possession) UnmarshalText(b []byte) error { return readHex("possession", p[:], b) }

// readHex fills dst with the bytes that the digits in src spell. The digits are
// not quoted in errors: they may be a secret.
func readHex(what string, dst, src []byte) error {
	if len(src) != 2*len(dst) {
		return fmt.Errorf("%s: got %d digits, want %d: %w", what, len(src), 2*len(dst), ErrDocument)
	}
	if _, err := hex.Decode(dst, src); err != nil {
		return fmt.Errorf("%s: not hexadecimal: %w", what, ErrDocument)
	}
	return nil
}

// LoadZeroState reads a document and checks its form: its size, unknown fields,
// anything after its end. Build checks what it says.
func LoadZeroState(path string) (*ZeroState, error) {
	var z ZeroState
	if err := readJSON(path, MaxZeroStateBytes, &z); err != nil {
		return nil, fmt.Errorf("zero-state: %w", err)
	}
	return &z, nil
}

// Save writes the document, sorted, to a file that must not exist.
func (z *ZeroState) Save(path string) error {
	sorted := *z
	sorted.Validators, sorted.Allocations = z.sorted()
	if err := createJSON(path, 0o644, &sorted); err != nil {
		return fmt.Errorf("zero-state: %w", err)
	}
	return nil
}

func (z *ZeroState) sorted() ([]Validator, []Allocation) {
	vs, as := slices.Clone(z.Validators), slices.Clone(z.Allocations)
	slices.SortFunc(vs, func(a, b Validator) int { return bytes.Compare(a.Node[:], b.Node[:]) })
	slices.SortFunc(as, func(a, b Allocation) int { return bytes.Compare(a.Account[:], b.Account[:]) })
	return vs, as
}

// Build checks everything the document says (every BLS key and its possession,
// weights, parameters, allocations) and computes the zero-header with its id, and
// the state entries under its state root.
//
// Errors: ErrDocument for repeated or empty allocations; those of
// [proofs.NewValidatorSet] and [proofs.ZeroHeader.Check].
func (z *ZeroState) Build() (*proofs.Zero, []merkle.KV, error) {
	validators, allocations := z.sorted()
	if err := checkAllocations(allocations); err != nil {
		return nil, nil, err
	}
	members := make([]proofs.Validator, len(validators))
	for i, v := range validators {
		m := &members[i]
		m.Node, m.Key, m.Weight, m.Possession = v.Node, v.BLSKey, v.Weight, v.Possession
	}
	set, err := proofs.NewValidatorSet(members)
	if err != nil {
		return nil, nil, fmt.Errorf("zero-state: %w", err)
	}
	entries, err := genesis(allocations, set)
	if err != nil {
		return nil, nil, fmt.Errorf("zero-state: %w", err)
	}
	root, err := merkle.TrieRoot(entries)
	if err != nil {
		return nil, nil, fmt.Errorf("zero-state: %w", err)
	}
	header := proofs.ZeroHeader{Version: z.Version, Time: z.Time, Parameters: z.Parameters, Validators: members, StateRoot: root}
	zero, err := header.Check()
	if err != nil {
		return nil, nil, fmt.Errorf("zero-state: %w", err)
	}
	return zero, entries, nil
}

// checkAllocations refuses what would be ambiguous or void: sorted allocations
// must name each account once, with something, and not exceed 128 bits together.
func checkAllocations(sorted []Allocation) error {
	var sum proofs.Amount
	for i := range sorted {
		a := &sorted[i]
		if i > 0 && sorted[i-1].Account == a.Account {
			return fmt.Errorf("zero-state: account %s is allocated twice: %w", a.Account, ErrDocument)
		}
		if a.Amount.IsZero() {
			return fmt.Errorf("zero-state: account %s: got an allocation of 0: %w", a.Account, ErrDocument)
		}
		var ok bool
		if sum, ok = sum.Add(a.Amount); !ok {
			return fmt.Errorf("zero-state: allocations exceed 128 bits at account %s: %w", a.Account, ErrDocument)
		}
	}
	return nil
}

package proofs

//go:generate go tool -modfile=../tools/go.mod canoto --import=github.com/isthmus-network/isthmus/internal/canoto $GOFILE

import (
	"bytes"
	"fmt"
	"math/bits"
	"slices"

	"github.com/isthmus-network/isthmus/proofs/bls"
)

// MaxValidators bounds a set, and with it every bitmap and every decoder.
const MaxValidators = 1024

// MaxTotalWeight bounds the sum of a set's weights, so that three times the sum
// fits in 64 bits.
const MaxTotalWeight = 1 << 61

// Validator is one member of a set: who runs it, what it signs with, and how
// much it counts. Possession proves that the node holds the BLS key; it signs
// the key and the node key together (docs/spec/bls.md).
type Validator struct {
	Node       NodeKey                 `canoto:"fixed bytes,1" json:"node"`
	Key        [bls.PublicKeySize]byte `canoto:"fixed bytes,2" json:"-"`
	Weight     uint64                  `canoto:"uint,3" json:"weight"`
	Possession [bls.SignatureSize]byte `canoto:"fixed bytes,4" json:"-"`

	canotoData canotoData_Validator
}

// ValidatorSet is a checked set: sorted by node key, without repeated keys, every
// BLS key parsed and its possession proved, weights positive and summed without
// overflow. Only [NewValidatorSet] and [ValidatorSet.Apply] make one.
type ValidatorSet struct {
	members []Validator
	keys    []*bls.PublicKey
	total   uint64
	hash    Hash
}

// NewValidatorSet checks members and makes a set of them. They must be sorted by
// node key, strictly. Errors: ErrNotCanon, ErrWeight, ErrPossession, ErrTooLarge,
// and ErrMalformed with those of bls.ParsePublicKey.
func NewValidatorSet(members []Validator) (*ValidatorSet, error) {
	return newValidatorSet(members, nil, atOnce)
}

// newValidatorSet takes the keys that old has proved already from there, and asks
// signed about the proofs of the others.
func newValidatorSet(members []Validator, old *ValidatorSet, signed verifier) (*ValidatorSet, error) {
	if len(members) == 0 || len(members) > MaxValidators {
		return nil, fmt.Errorf("validator set: got %d members, want 1 to %d: %w", len(members), MaxValidators, ErrTooLarge)
	}
	s := &ValidatorSet{members: slices.Clone(members)}
	seen := make(map[[bls.PublicKeySize]byte]bool, len(members))
	for i := range s.members {
		m := &s.members[i]
		if i > 0 && bytes.Compare(s.members[i-1].Node[:], m.Node[:]) >= 0 {
			return nil, fmt.Errorf("validator set: member %d: node keys do not rise: %w", i, ErrNotCanon)
		}
		if seen[m.Key] {
			return nil, fmt.Errorf("validator set: member %d: BLS key repeated: %w", i, ErrNotCanon)
		}
		seen[m.Key] = true
		if err := s.addWeight(i, m.Weight); err != nil {
			return nil, err
		}
	}
	for i := range s.members {
		key, err := s.members[i].prove(old, signed)
		if err != nil {
			return nil, fmt.Errorf("validator set: member %d: %w", i, err)
		}
		s.keys = append(s.keys, key)
	}
	if err := bls.CheckKeySet(s.keys); err != nil {
		return nil, fmt.Errorf("validator set: %w: %w", ErrPossession, err)
	}
	s.hash = s.layout().Sum()
	return s, nil
}

func (s *ValidatorSet) addWeight(i int, w uint64) error {
	sum, carry := bits.Add64(s.total, w, 0)
	if w == 0 || carry != 0 || sum > MaxTotalWeight {
		return fmt.Errorf("validator set: member %d: got weight %d after a sum of %d, want positive and a sum of at most %d: %w",
			i, w, s.total, uint64(MaxTotalWeight), ErrWeight)
	}
	s.total = sum
	return nil
}

// prove parses the member's key and checks its possession, unless old holds the
// same key with the same proof for the same node.
func (v *Validator) prove(old *ValidatorSet, signed verifier) (*bls.PublicKey, error) {
	if i, ok := old.IndexOf(v.Node); ok && old.members[i].Key == v.Key && old.members[i].Possession == v.Possession {
		return old.keys[i], nil
	}
	key, err := bls.ParsePublicKey(v.Key[:])
	if err != nil {
		return nil, fmt.Errorf("node %s: BLS key: %w: %w", v.Node, ErrMalformed, err)
	}
	if err := signed(bls.PossessionCertificate(key, v.Node, v.Possession)); err != nil {
		return nil, fmt.Errorf("node %s: %w: %w", v.Node, ErrPossession, err)
	}
	return key, nil
}

// layout lists, for each member, node key (32), BLS key (96), weight (8) and
// possession (48). The set belongs to no network: the same members give the same
// hash in a zero-header and after it.
func (s *ValidatorSet) layout() *Layout {
	l := NewLayout(HomeNetwork, TypeValidatorSet).U32(uint32(len(s.members)))
	for i := range s.members {
		m := &s.members[i]
		l.Hash(m.Node).Fixed(m.Key[:]).U64(m.Weight).Fixed(m.Possession[:])
	}
	return l
}

// Hash identifies the set.
func (s *ValidatorSet) Hash() Hash { return s.hash }

// Len returns the number of members.
func (s *ValidatorSet) Len() int { return len(s.members) }

// Total returns the sum of the weights.
func (s *ValidatorSet) Total() uint64 { return s.total }

// At returns member i.
func (s *ValidatorSet) At(i int) Validator { return s.members[i] }

// Key returns the BLS key of member i.
func (s *ValidatorSet) Key(i int) *bls.PublicKey { return s.keys[i] }

// Members returns a copy of the members, in order.
func (s *ValidatorSet) Members() []Validator { return slices.Clone(s.members) }

// IndexOf finds a member by its node key. A nil set has no members.
func (s *ValidatorSet) IndexOf(node NodeKey) (int, bool) {
	if s == nil {
		return 0, false
	}
	return slices.BinarySearchFunc(s.members, node, func(m Validator, n NodeKey) int {
		return bytes.Compare(m.Node[:], n[:])
	})
}

// IsQuorum reports whether weight is strictly more than two thirds of the total.
func (s *ValidatorSet) IsQuorum(weight uint64) bool { return exceeds(weight, s.total, 2, 3) }

// IsOneHonest reports whether weight is strictly more than one third of the
// total, so that at least one honest member is in it ("f+1").
func (s *ValidatorSet) IsOneHonest(weight uint64) bool { return exceeds(weight, s.total, 1, 3) }

// Exceeds reports whether weight is strictly more than num/den of the total.
func (s *ValidatorSet) Exceeds(weight uint64, num, den uint32) bool {
	return exceeds(weight, s.total, uint64(num), uint64(den))
}

// exceeds reports weight/total > num/den without overflow.
func exceeds(weight, total, num, den uint64) bool {
	lh, ll := bits.Mul64(weight, den)
	rh, rl := bits.Mul64(total, num)
	return lh > rh || lh == rh && ll > rl
}

// SetDelta turns one set into the next: members that leave or change are named
// in Removed and Upserted, both sorted by node key.
type SetDelta struct {
	Removed  []NodeKey   `canoto:"repeated fixed bytes,1"`
	Upserted []Validator `canoto:"repeated value,2"`

	canotoData canotoData_SetDelta
}

// Delta returns what turns s into next.
func (s *ValidatorSet) Delta(next *ValidatorSet) SetDelta {
	var d SetDelta
	for i := range s.members {
		if _, ok := next.IndexOf(s.members[i].Node); !ok {
			d.Removed = append(d.Removed, s.members[i].Node)
		}
	}
	for i := range next.members {
		m := next.members[i]
		if j, ok := s.IndexOf(m.Node); !ok || !s.members[j].same(&m) {
			d.Upserted = append(d.Upserted, m)
		}
	}
	return d
}

func (v *Validator) same(o *Validator) bool {
	return v.Node == o.Node && v.Key == o.Key && v.Weight == o.Weight && v.Possession == o.Possession
}

// Apply returns the set that d makes of s; the empty delta leaves s as it is. A
// delta that removes who is not there, names a node twice, lists a member that
// does not change, or is not sorted, is not canonical. Errors: ErrNotCanon,
// ErrTooLarge and those of [NewValidatorSet].
func (s *ValidatorSet) Apply(d *SetDelta) (*ValidatorSet, error) { return s.apply(d, atOnce) }

func (s *ValidatorSet) apply(d *SetDelta, signed verifier) (*ValidatorSet, error) {
	if len(d.Removed) == 0 && len(d.Upserted) == 0 {
		return s, nil
	}
	if len(d.Removed) > MaxValidators || len(d.Upserted) > MaxValidators {
		return nil, fmt.Errorf("set delta: got %d removals and %d members, want at most %d of each: %w",
			len(d.Removed), len(d.Upserted), MaxValidators, ErrTooLarge)
	}
	members := slices.Clone(s.members)
	for i, node := range d.Removed {
		if i > 0 && bytes.Compare(d.Removed[i-1][:], node[:]) >= 0 {
			return nil, fmt.Errorf("set delta: removal %d: node keys do not rise: %w", i, ErrNotCanon)
		}
		j := slices.IndexFunc(members, func(m Validator) bool { return m.Node == node })
		if j < 0 {
			return nil, fmt.Errorf("set delta: removal %d: %s is no member: %w", i, node, ErrNotCanon)
		}
		members = slices.Delete(members, j, j+1)
	}
	for i := range d.Upserted {
		var err error
		if members, err = d.upsert(i, members); err != nil {
			return nil, err
		}
	}
	return newValidatorSet(members, s, signed)
}

func (d *SetDelta) upsert(i int, members []Validator) ([]Validator, error) {
	m := d.Upserted[i]
	if i > 0 && bytes.Compare(d.Upserted[i-1].Node[:], m.Node[:]) >= 0 {
		return nil, fmt.Errorf("set delta: member %d: node keys do not rise: %w", i, ErrNotCanon)
	}
	if _, removed := slices.BinarySearchFunc(d.Removed, m.Node, func(a, b NodeKey) int { return bytes.Compare(a[:], b[:]) }); removed {
		return nil, fmt.Errorf("set delta: member %d: %s is removed as well: %w", i, m.Node, ErrNotCanon)
	}
	j, found := slices.BinarySearchFunc(members, m.Node, func(m Validator, n NodeKey) int {
		return bytes.Compare(m.Node[:], n[:])
	})
	switch {
	case !found:
		return slices.Insert(members, j, m), nil
	case members[j].same(&m):
		return nil, fmt.Errorf("set delta: member %d: %s does not change: %w", i, m.Node, ErrNotCanon)
	}
	members[j] = m
	return members, nil
}

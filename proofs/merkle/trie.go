package merkle

import (
	"bytes"
	"fmt"
	"math/bits"
	"slices"
)

// MaxTrieSteps is the largest number of inner nodes above a leaf: one for each bit of a key hash.
const MaxTrieSteps = 256

// TrieStep is one inner node on a path of the trie: the bit it branches on, and the child that the path does not take.
type TrieStep struct {
	Bit     uint8 // counted from the most significant bit of the key hash
	Sibling Hash
}

// TrieLeafData is the content of a leaf.
type TrieLeafData struct {
	KeyHash   Hash
	ValueHash Hash
}

// TrieProof shows what a trie holds for one key. Steps go from the root downwards; their bits rise strictly. The directions
// are not in it: they come from the key that is asked for.
//
// Leaf is nil in a proof of presence: the verifier makes the leaf from key and value. In a proof of absence it is the leaf
// that sits where the key would; nil, without steps, says that the trie is empty.
type TrieProof struct {
	Steps []TrieStep
	Leaf  *TrieLeafData
}

// KeyBit returns the bit of h with this index, counted from the most significant: 0 or 1.
func KeyBit(h Hash, bit uint8) uint8 { return h[bit>>3] >> (7 - bit&7) & 1 }

// DiffBit returns the index of the first bit in which a and b differ; false when they are equal.
func DiffBit(a, b Hash) (bit uint8, ok bool) {
	for i := range a {
		if x := a[i] ^ b[i]; x != 0 {
			return uint8(i*8 + bits.LeadingZeros8(x)), true
		}
	}
	return 0, false
}

// VerifyPresence checks that the trie with this trusted root holds value under key. The leaf is made from key and value, and
// commits to the key's hash, so nothing in the proof chooses what is shown. Errors: ErrTrieShape, ErrRootMismatch.
func VerifyPresence(root Hash, key, value []byte, p TrieProof) error {
	if p.Leaf != nil {
		return fmt.Errorf("%w: got a leaf in a proof of presence, want none", ErrTrieShape)
	}
	if err := checkSteps(p.Steps); err != nil {
		return err
	}
	kh := KeyHash(key)
	return matchRoot(climb(kh, TrieLeaf(kh, ValueHash(value)), p.Steps), root)
}

// VerifyAbsence checks that the trie with this trusted root holds nothing under key.
//
// Why it proves absence: the root commits, through each inner node, to that node's bit and to both of its children. So from
// the root there is one way to follow the key's own bits downwards, and the proof shows all of it, to a leaf. In a
// well-formed trie every key below an inner node lies on the side that its bit says; if the key were there, that one way
// would end at its leaf. It ends at another one. A well-formed trie is what execution builds and validators certify; it is
// the precondition. One thing about it is visible and checked: the leaf found must itself lie on the path, so it
// agrees with the key in every bit that the path branches on, and the first bit in which the two differ is none of these.
//
// Errors: ErrTrieShape, ErrKeyPresent, ErrNeighbour, ErrRootMismatch.
func VerifyAbsence(root Hash, key []byte, p TrieProof) error {
	if p.Leaf == nil {
		if len(p.Steps) != 0 {
			return fmt.Errorf("%w: got %d steps to no leaf in a proof of absence, want none", ErrTrieShape, len(p.Steps))
		}
		return matchRoot(TrieEmpty(), root)
	}
	if err := checkSteps(p.Steps); err != nil {
		return err
	}
	kh := KeyHash(key)
	if p.Leaf.KeyHash == kh {
		return fmt.Errorf("%w: the proof of absence ends at the key itself, %x", ErrKeyPresent, kh)
	}
	for _, s := range p.Steps {
		if got, want := KeyBit(p.Leaf.KeyHash, s.Bit), KeyBit(kh, s.Bit); got != want {
			return fmt.Errorf("%w: bit %d: got %d, want %d", ErrNeighbour, s.Bit, got, want)
		}
	}
	return matchRoot(climb(kh, TrieLeaf(p.Leaf.KeyHash, p.Leaf.ValueHash), p.Steps), root)
}

// checkSteps refuses a path that no trie has.
func checkSteps(steps []TrieStep) error {
	if len(steps) > MaxTrieSteps {
		return fmt.Errorf("%w: got %d steps, want at most %d", ErrTrieShape, len(steps), MaxTrieSteps)
	}
	for i := 1; i < len(steps); i++ {
		if steps[i].Bit <= steps[i-1].Bit {
			return fmt.Errorf("%w: step %d: got bit %d, want above %d", ErrTrieShape, i, steps[i].Bit, steps[i-1].Bit)
		}
	}
	return nil
}

// climb returns the root above the hash h, which lies at the end of the steps in the directions of keyHash.
func climb(keyHash, h Hash, steps []TrieStep) Hash {
	for i := len(steps) - 1; i >= 0; i-- {
		s := &steps[i]
		if KeyBit(keyHash, s.Bit) == 0 {
			h = TrieNode(s.Bit, h, s.Sibling)
		} else {
			h = TrieNode(s.Bit, s.Sibling, h)
		}
	}
	return h
}

// KV is a raw key and its value.
type KV struct {
	Key, Value []byte
}

// TrieRoot returns the root of the trie that holds these pairs, in any order: the reference for stores, and what a zero-state
// is made with. It holds all leaves in memory. ErrDuplicateKey when a key occurs twice.
func TrieRoot(pairs []KV) (Hash, error) {
	t, err := NewTrie(pairs)
	if err != nil {
		return Hash{}, err
	}
	return t.Root(), nil
}

// sortedLeaves returns the leaves of pairs in order of their key hashes. ErrDuplicateKey.
func sortedLeaves(pairs []KV) ([]TrieLeafData, error) {
	leaves := make([]TrieLeafData, len(pairs))
	for i, p := range pairs {
		leaves[i] = TrieLeafData{KeyHash(p.Key), ValueHash(p.Value)}
	}
	slices.SortFunc(leaves, func(a, b TrieLeafData) int { return bytes.Compare(a.KeyHash[:], b.KeyHash[:]) })
	for i := 1; i < len(leaves); i++ {
		if leaves[i].KeyHash == leaves[i-1].KeyHash {
			return nil, fmt.Errorf("%w: key hash %x", ErrDuplicateKey, leaves[i].KeyHash)
		}
	}
	return leaves, nil
}

// subtrie returns the root above leaves, which are sorted, distinct and at least one: the first and the last one part
// where all of them do.
func subtrie(leaves []TrieLeafData) Hash {
	if len(leaves) == 1 {
		return TrieLeaf(leaves[0].KeyHash, leaves[0].ValueHash)
	}
	bit, left, right := split(leaves)
	return TrieNode(bit, subtrie(left), subtrie(right))
}

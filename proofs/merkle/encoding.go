package merkle

import (
	"encoding/binary"
	"fmt"
)

const (
	stepSize     = 1 + 32
	leafDataSize = 32 + 32

	// MaxTrieProofSize is the size in bytes of the largest trie proof.
	MaxTrieProofSize = 2 + MaxTrieSteps*stepSize + 1 + leafDataSize
)

// AppendBinary appends the canonical form of p to b:
//
//	steps   u16, big-endian, at most MaxTrieSteps
//	  bit     u8   ┐ for each step, from the root downwards;
//	  sibling [32] ┘ bits rise strictly
//	leaf    u8: 0 or 1
//	  key hash   [32] ┐ if leaf is 1
//	  value hash [32] ┘
//
// ErrTrieShape when the steps are none that a trie has; b is then returned as it was. It implements
// encoding.BinaryAppender.
func (p TrieProof) AppendBinary(b []byte) ([]byte, error) {
	if err := checkSteps(p.Steps); err != nil {
		return b, err
	}
	b = binary.BigEndian.AppendUint16(b, uint16(len(p.Steps)))
	for i := range p.Steps {
		b = append(b, p.Steps[i].Bit)
		b = append(b, p.Steps[i].Sibling[:]...)
	}
	if p.Leaf == nil {
		return append(b, 0), nil
	}
	b = append(b, 1)
	b = append(b, p.Leaf.KeyHash[:]...)
	return append(b, p.Leaf.ValueHash[:]...), nil
}

// ParseTrieProof reads the form that AppendBinary writes, and nothing else: whatever it accepts, AppendBinary gives back
// byte for byte. It allocates only after the length has been checked, at most about MaxTrieProofSize bytes, and keeps no
// reference to b. Errors: ErrEncoding, ErrTrieShape.
func ParseTrieProof(b []byte) (TrieProof, error) {
	if len(b) < 3 {
		return TrieProof{}, fmt.Errorf("%w: got %d bytes, want at least 3", ErrEncoding, len(b))
	}
	n := int(binary.BigEndian.Uint16(b))
	if n > MaxTrieSteps {
		return TrieProof{}, fmt.Errorf("%w: got %d steps, want at most %d", ErrEncoding, n, MaxTrieSteps)
	}
	flag := 2 + n*stepSize
	if len(b) <= flag {
		return TrieProof{}, fmt.Errorf("%w: %d steps: got %d bytes, want at least %d", ErrEncoding, n, len(b), flag+1)
	}
	if b[flag] > 1 {
		return TrieProof{}, fmt.Errorf("%w: leaf flag: got %d, want 0 or 1", ErrEncoding, b[flag])
	}
	if want := flag + 1 + int(b[flag])*leafDataSize; len(b) != want {
		return TrieProof{}, fmt.Errorf("%w: %d steps, leaf flag %d: got %d bytes, want %d", ErrEncoding, n, b[flag], len(b), want)
	}
	return readTrieProof(b, n)
}

// readTrieProof reads n steps and what follows from b, whose length is exact.
func readTrieProof(b []byte, n int) (TrieProof, error) {
	var p TrieProof
	if n > 0 {
		p.Steps = make([]TrieStep, n)
	}
	b = b[2:]
	for i := range p.Steps {
		p.Steps[i] = TrieStep{Bit: b[0], Sibling: Hash(b[1:stepSize])}
		b = b[stepSize:]
	}
	if err := checkSteps(p.Steps); err != nil {
		return TrieProof{}, err
	}
	if b[0] == 1 {
		p.Leaf = &TrieLeafData{KeyHash: Hash(b[1:33]), ValueHash: Hash(b[33:65])}
	}
	return p, nil
}

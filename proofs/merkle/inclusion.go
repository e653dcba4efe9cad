package merkle

import (
	"fmt"
	"math/bits"
)

// inclusionShape returns how an inclusion proof is made up: inner siblings, of which the directions are the low bits of
// index, then left siblings only. index < size.
func inclusionShape(index, size uint64) (inner, left int) {
	inner = bits.Len64(index ^ (size - 1))
	return inner, bits.OnesCount64(index >> inner)
}

// InclusionNodes returns the perfect nodes that an inclusion proof of leaf index in the log of the first size leaves is
// made of. In the order of the proof, from the leaf up: each node of below is one hash; then the nodes of border, from left
// to right, fold into one hash, NodeHash(b0, NodeHash(b1, …)), unless there are none; then each node of above is one hash.
// ErrIndex unless index < size.
func InclusionNodes(index, size uint64) (below, border, above []NodeID, err error) {
	if index >= size {
		return nil, nil, nil, fmt.Errorf("%w: got %d, want below %d", ErrIndex, index, size)
	}
	inner, left := inclusionShape(index, size)
	if inner > 0 {
		below = make([]NodeID, 0, inner-1)
		for level := range inner - 1 {
			below = append(below, NodeID{uint8(level), index>>level ^ 1})
		}
		// At level inner-1 the paths to index and to the last leaf part: that sibling ends at size.
		top := inner - 1
		border = RangeNodes((index>>top^1)<<top, size)
	}
	above = make([]NodeID, 0, left)
	for rest := index >> inner << inner; rest != 0; rest &= rest - 1 {
		level := bits.TrailingZeros64(rest)
		above = append(above, NodeID{uint8(level), index>>level - 1})
	}
	return below, border, above, nil
}

// InclusionProof builds the proof that leaf index is in the log of the first size leaves, from a source of perfect nodes.
// node is called once for each node of InclusionNodes, in that order; its first error ends the call and is returned as it
// is. ErrIndex unless index < size. The proof has at most 64 hashes.
func InclusionProof(index, size uint64, node func(NodeID) (Hash, error)) ([]Hash, error) {
	below, border, above, err := InclusionNodes(index, size)
	if err != nil {
		return nil, err
	}
	proof := make([]Hash, 0, len(below)+len(border)+len(above))
	if proof, err = appendNodes(proof, below, node); err != nil {
		return nil, err
	}
	if len(border) > 0 {
		if proof, err = appendNodes(proof, border, node); err != nil {
			return nil, err
		}
		proof[len(below)] = fold(proof[len(below):])
		proof = proof[:len(below)+1]
	}
	if proof, err = appendNodes(proof, above, node); err != nil {
		return nil, err
	}
	return proof, nil
}

func appendNodes(dst []Hash, ids []NodeID, node func(NodeID) (Hash, error)) ([]Hash, error) {
	for _, id := range ids {
		h, err := node(id)
		if err != nil {
			return nil, err
		}
		dst = append(dst, h)
	}
	return dst, nil
}

// Inclusion builds the proof that leaf index is in the log with these leaf hashes. ErrIndex unless index < len(leaves).
func Inclusion(leaves []Hash, index uint64) ([]Hash, error) {
	return InclusionProof(index, uint64(len(leaves)), func(id NodeID) (Hash, error) {
		begin := id.Index << id.Level
		return Root(leaves[begin : begin+1<<id.Level]), nil
	})
}

// RootFromInclusion returns the root that an inclusion proof leads to, for structures that hang below others. The caller
// must compare it with a trusted one. The preconditions and errors are those of VerifyInclusion, without ErrRootMismatch.
func RootFromInclusion(leaf Hash, index, size uint64, proof []Hash) (Hash, error) {
	if index >= size {
		return Hash{}, fmt.Errorf("%w: got %d, want below %d", ErrIndex, index, size)
	}
	inner, left := inclusionShape(index, size)
	if len(proof) != inner+left {
		return Hash{}, fmt.Errorf("%w: leaf %d of %d: got %d hashes, want %d", ErrProofLength, index, size, len(proof), inner+left)
	}
	h := leaf
	for level, sibling := range proof {
		if level < inner && index>>level&1 == 0 {
			h = NodeHash(h, sibling)
		} else {
			h = NodeHash(sibling, h)
		}
	}
	return h, nil
}

// VerifyInclusion checks that the log with size leaves and this root has this leaf hash at index. The caller has computed
// leaf from the leaf's data, and has size and root from one certified source (see the package comment): a prover who may
// choose the size or the leaf hash can lie about the index, or show an inner node. proof must have the exact length.
// Errors: ErrIndex, ErrProofLength, ErrRootMismatch. Source: RFC 9162 section 2.1.3.2.
func VerifyInclusion(leaf Hash, index, size uint64, proof []Hash, root Hash) error {
	got, err := RootFromInclusion(leaf, index, size, proof)
	if err != nil {
		return err
	}
	return matchRoot(got, root)
}

package merkle

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
)

// NodeID names a perfect node of a log: the root of the complete subtree over the leaves
// [Index<<Level, (Index+1)<<Level). Level 0 is the leaves. A node's hash never changes once its leaves exist.
type NodeID struct {
	Level uint8
	Index uint64
}

// Range is the compact range of the leaves [Begin, End) of a log: the roots of the fewest perfect subtrees that cover
// exactly these leaves, from left to right; at most 64 of them when Begin is 0, at most 126 otherwise. The zero value is
// the empty range at 0.
//
// A plain copy shares memory with its original: use Clone before changing either. Not safe for concurrent change.
// Source: transparency-dev/merkle, docs/compact_ranges.md.
type Range struct {
	begin, end uint64
	nodes      []Hash
}

// NewRange returns the empty range at begin.
func NewRange(begin uint64) Range { return Range{begin: begin, end: begin} }

// ParseRange returns the range [begin, end) made of nodes, which it copies. It checks the bounds and the exact number of
// nodes, not their values: those are proved only by the root that they lead to. Errors: ErrRange, ErrNodeCount.
func ParseRange(begin, end uint64, nodes []Hash) (Range, error) {
	if begin > end {
		return Range{}, fmt.Errorf("%w: begin %d after end %d", ErrRange, begin, end)
	}
	left, right := decompose(begin, end)
	if want := bits.OnesCount64(left) + bits.OnesCount64(right); len(nodes) != want {
		return Range{}, fmt.Errorf("%w: range [%d, %d): got %d nodes, want %d", ErrNodeCount, begin, end, len(nodes), want)
	}
	return Range{begin: begin, end: end, nodes: slices.Clone(nodes)}, nil
}

// RangeNodes returns the ids of the nodes of the compact range [begin, end), from left to right; none unless begin < end.
func RangeNodes(begin, end uint64) []NodeID {
	if begin >= end {
		return nil
	}
	left, right := decompose(begin, end)
	ids := make([]NodeID, 0, bits.OnesCount64(left)+bits.OnesCount64(right))
	pos := begin
	for ; left != 0; left &= left - 1 { // rising levels
		level := uint8(bits.TrailingZeros64(left))
		ids = append(ids, NodeID{level, pos >> level})
		pos += 1 << level
	}
	for right != 0 { // falling levels
		level := uint8(bits.Len64(right) - 1)
		ids = append(ids, NodeID{level, pos >> level})
		pos += 1 << level
		right &^= 1 << level
	}
	return ids
}

// decompose splits end-begin into two sums of distinct powers of two: the sizes of the perfect subtrees that cover
// [begin, end), first those of left from the smallest up, then those of right from the largest down. begin <= end.
func decompose(begin, end uint64) (left, right uint64) {
	if begin == 0 {
		return 0, end
	}
	// The paths to the leaves begin-1 and end part at level d; the subtrees wanted hang between them, below d.
	before := begin - 1
	d := bits.Len64(before^end) - 1
	mask := uint64(1)<<d - 1
	return ^before & mask, end & mask
}

// Begin returns the index of the first leaf.
func (r Range) Begin() uint64 { return r.begin }

// End returns the index after the last leaf.
func (r Range) End() uint64 { return r.end }

// Nodes returns a copy of the nodes, from left to right; their ids are RangeNodes(r.Begin(), r.End()).
func (r Range) Nodes() []Hash { return slices.Clone(r.nodes) }

// Clone returns a range that shares no memory with r.
func (r Range) Clone() Range {
	r.nodes = slices.Clone(r.nodes)
	return r
}

// Append adds one leaf hash at r.End. visit, unless nil, is told each new perfect node, the leaf first, then upwards.
// ErrRange when the range is full (End is 2^64-1); then nothing has changed.
func (r *Range) Append(leaf Hash, visit func(NodeID, Hash)) error {
	if r.end == math.MaxUint64 {
		return fmt.Errorf("%w: append at %d, the last index is %d", ErrRange, r.end, uint64(math.MaxUint64-1))
	}
	id := NodeID{Level: 0, Index: r.end}
	if visit != nil {
		visit(id, leaf)
	}
	r.push(id, leaf, visit)
	r.end++
	return nil
}

// Join appends the range right, which must begin where r ends. visit, unless nil, is told each new perfect node that
// Join hashes, and none that right holds already. right is not changed. ErrRange when the two do not meet; then nothing
// has changed.
func (r *Range) Join(right Range, visit func(NodeID, Hash)) error {
	if right.begin != r.end {
		return fmt.Errorf("%w: join at %d, the right range begins at %d", ErrRange, r.end, right.begin)
	}
	for i, id := range RangeNodes(right.begin, right.end) {
		r.push(id, right.nodes[i], visit)
	}
	r.end = right.end
	return nil
}

// push adds the perfect node id, which begins where the last node ends, and merges it with its left siblings. A sibling
// that lies in the range is its last node: the sibling's parent reaches past the end, so no larger node covers it.
func (r *Range) push(id NodeID, h Hash, visit func(NodeID, Hash)) {
	for id.Index&1 == 1 && (id.Index-1)<<id.Level >= r.begin {
		last := len(r.nodes) - 1
		h = NodeHash(r.nodes[last], h)
		r.nodes = r.nodes[:last]
		id = NodeID{id.Level + 1, id.Index >> 1}
		if visit != nil {
			visit(id, h)
		}
	}
	r.nodes = append(r.nodes, h)
}

// Root returns the root of the log that the range covers; EmptyRoot when it covers no leaf. ErrRange unless Begin is 0.
// The root does not bind the size: certify it together with End.
func (r Range) Root() (Hash, error) {
	if r.begin != 0 {
		return Hash{}, fmt.Errorf("%w: root of a range that begins at %d, want 0", ErrRange, r.begin)
	}
	if len(r.nodes) == 0 {
		return EmptyRoot(), nil
	}
	return fold(r.nodes), nil
}

// fold hashes the nodes of a range, falling in level, from right to left to the root above them. At least one node.
func fold(nodes []Hash) Hash {
	h := nodes[len(nodes)-1]
	for i := len(nodes) - 2; i >= 0; i-- {
		h = NodeHash(nodes[i], h)
	}
	return h
}

// Root returns the root of the log with these leaf hashes.
func Root(leaves []Hash) Hash {
	if len(leaves) == 0 {
		return EmptyRoot()
	}
	var r Range
	for i, leaf := range leaves {
		r.push(NodeID{Index: uint64(i)}, leaf, nil)
	}
	return fold(r.nodes)
}

package merkle

import (
	"bytes"
	"fmt"
	"slices"
	"sort"
)

// TrieNodeInfo is what a store tells of one node of its trie.
type TrieNodeInfo struct {
	Hash Hash
	Leaf *TrieLeafData // of a leaf; nil for an inner node
	Bit  uint8         // of an inner node
	Key  Hash          // of an inner node: agrees with all key hashes below in the bits before Bit
}

// TrieReader is a trie of nodes N, such as a store's. Its methods are called from one goroutine.
type TrieReader[N any] interface {
	// Node describes n.
	Node(n N) (TrieNodeInfo, error)
	// Sides returns what lies below an inner node.
	Sides(n N) (left, right N, err error)
}

// ProveRange builds the proof of the key hashes [from, to] of the trie below root. It shows at most limit leaves in the range,
// at least one: if there are more, covered is the key hash of the last one shown, and the proof is that of [from, covered];
// otherwise covered is to. An empty trie has the proof of one node RangeEmpty, which its store makes itself. Errors: ErrRange
// if from is after to; those of the reader, as they are.
func ProveRange[N any](t TrieReader[N], root N, from, to Hash, limit int) (p RangeProof, covered Hash, err error) {
	if bytes.Compare(from[:], to[:]) > 0 {
		return p, covered, fmt.Errorf("%w: from %x after to %x", ErrRange, from, to)
	}
	b := rangeBuilder[N]{t: t, from: from, to: to, limit: max(limit, 1)}
	if err := b.subtree(root, place{}); err != nil {
		return p, covered, err
	}
	if !b.cut {
		return RangeProof{Nodes: b.nodes}, to, nil
	}
	b = rangeBuilder[N]{t: t, from: from, to: b.last, limit: b.limit}
	err = b.subtree(root, place{})
	return RangeProof{Nodes: b.nodes}, b.to, err
}

type rangeBuilder[N any] struct {
	t        TrieReader[N]
	from, to Hash
	limit    int

	nodes []RangeNode
	last  Hash // of the leaves in the range
	count int
	cut   bool // there are more than limit
}

func (b *rangeBuilder[N]) subtree(n N, p place) error {
	if b.cut {
		return nil
	}
	info, err := b.t.Node(n)
	if err != nil {
		return err
	}
	switch {
	case p.outside(b.from, b.to):
		b.nodes = append(b.nodes, RangeNode{Kind: RangeStub, Hash: info.Hash})
		return nil
	case info.Leaf != nil:
		b.leaf(info.Leaf)
		return nil
	}
	b.nodes = append(b.nodes, RangeNode{Kind: RangeInner, Bit: info.Bit})
	left, right, err := b.t.Sides(n)
	if err != nil {
		return err
	}
	if (place{info.Key, int(info.Bit)}).outside(b.from, b.to) {
		return b.witness(left, right)
	}
	if err := b.subtree(left, side(info.Key, info.Bit, 0)); err != nil {
		return err
	}
	return b.subtree(right, side(info.Key, info.Bit, 1))
}

func (b *rangeBuilder[N]) leaf(l *TrieLeafData) {
	if bytes.Compare(l.KeyHash[:], b.from[:]) >= 0 && bytes.Compare(l.KeyHash[:], b.to[:]) <= 0 {
		if b.count == b.limit {
			b.cut = true
			return
		}
		b.count++
		b.last = l.KeyHash
	}
	b.nodes = append(b.nodes, RangeNode{Kind: RangeLeaf, Leaf: *l})
}

// witness opens the way to the leftmost leaf of a subtree whose root is in nodes already.
func (b *rangeBuilder[N]) witness(left, right N) error {
	var stubs []RangeNode
	for {
		r, err := b.t.Node(right)
		if err != nil {
			return err
		}
		stubs = append(stubs, RangeNode{Kind: RangeStub, Hash: r.Hash})
		l, err := b.t.Node(left)
		if err != nil {
			return err
		}
		if l.Leaf != nil {
			b.nodes = append(b.nodes, RangeNode{Kind: RangeLeaf, Leaf: *l.Leaf})
			slices.Reverse(stubs)
			b.nodes = append(b.nodes, stubs...)
			return nil
		}
		b.nodes = append(b.nodes, RangeNode{Kind: RangeInner, Bit: l.Bit})
		if left, right, err = b.t.Sides(left); err != nil {
			return err
		}
	}
}

// Trie is a trie in memory: the reference for stores, and for small states. The zero value is the empty trie.
type Trie struct{ leaves []TrieLeafData }

// NewTrie returns the trie that holds these pairs, in any order. ErrDuplicateKey when a key occurs twice.
func NewTrie(pairs []KV) (*Trie, error) {
	leaves, err := sortedLeaves(pairs)
	return &Trie{leaves}, err
}

// Root returns the root.
func (t *Trie) Root() Hash {
	if len(t.leaves) == 0 {
		return TrieEmpty()
	}
	return subtrie(t.leaves)
}

// Prove returns the proof of what the trie holds under key, of presence or of absence.
func (t *Trie) Prove(key []byte) (p TrieProof, present bool) {
	kh, leaves := KeyHash(key), t.leaves
	if len(leaves) == 0 {
		return p, false
	}
	for len(leaves) > 1 {
		bit, left, right := split(leaves)
		if KeyBit(kh, bit) == 1 {
			left, right = right, left
		}
		p.Steps = append(p.Steps, TrieStep{Bit: bit, Sibling: subtrie(right)})
		leaves = left
	}
	if leaves[0].KeyHash == kh {
		return p, true
	}
	p.Leaf = &TrieLeafData{KeyHash: leaves[0].KeyHash, ValueHash: leaves[0].ValueHash}
	return p, false
}

// ProveRange is ProveRange of this trie.
func (t *Trie) ProveRange(from, to Hash, limit int) (p RangeProof, covered Hash, err error) {
	if len(t.leaves) == 0 && bytes.Compare(from[:], to[:]) <= 0 {
		return RangeProof{Nodes: []RangeNode{{Kind: RangeEmpty}}}, to, nil
	}
	return ProveRange(leafReader{}, t.leaves, from, to, limit)
}

// leafReader takes the sorted leaves below a node for the node.
type leafReader struct{}

func (leafReader) Node(leaves []TrieLeafData) (TrieNodeInfo, error) {
	if len(leaves) == 1 {
		return TrieNodeInfo{Hash: subtrie(leaves), Leaf: &leaves[0]}, nil
	}
	bit, _, _ := split(leaves)
	return TrieNodeInfo{Hash: subtrie(leaves), Bit: bit, Key: leaves[0].KeyHash}, nil
}

func (leafReader) Sides(leaves []TrieLeafData) (left, right []TrieLeafData, err error) {
	_, left, right = split(leaves)
	return left, right, nil
}

// split parts leaves, which are sorted, distinct and more than one, at the bit of the node above them.
func split(leaves []TrieLeafData) (bit uint8, left, right []TrieLeafData) {
	bit, _ = DiffBit(leaves[0].KeyHash, leaves[len(leaves)-1].KeyHash)
	n := sort.Search(len(leaves), func(i int) bool { return KeyBit(leaves[i].KeyHash, bit) == 1 })
	return bit, leaves[:n], leaves[n:]
}

// InclusionFromRanges returns the inclusion proof of leaf index in the log of size leaves, made of the compact ranges left,
// [0, index), and right, [index+1, size): what a run of a log is shown with. It checks nothing but the numbers of nodes.
// Errors: ErrIndex, ErrNodeCount.
func InclusionFromRanges(index, size uint64, left, right []Hash) ([]Hash, error) {
	if index >= size {
		return nil, fmt.Errorf("%w: got %d, want below %d", ErrIndex, index, size)
	}
	known := make(map[NodeID]Hash, len(left)+len(right))
	for _, side := range [...]struct {
		begin, end uint64
		nodes      []Hash
	}{{0, index, left}, {index + 1, size, right}} {
		ids := RangeNodes(side.begin, side.end)
		if len(ids) != len(side.nodes) {
			return nil, fmt.Errorf("%w: range [%d, %d): got %d nodes, want %d", ErrNodeCount, side.begin, side.end, len(side.nodes), len(ids))
		}
		for i, id := range ids {
			known[id] = side.nodes[i]
		}
	}
	return InclusionProof(index, size, func(id NodeID) (Hash, error) {
		h, ok := known[id]
		if !ok {
			return h, fmt.Errorf("%w: node %d of level %d is in neither range", ErrNodeCount, id.Index, id.Level)
		}
		return h, nil
	})
}

package merkle

import (
	"bytes"
	"fmt"
)

// Bounds of a range proof.
const (
	// MaxRangeNodes is the largest number of nodes of one range proof, of all kinds.
	MaxRangeNodes = 1 << 17
	// MaxRangeProofSize is the largest number of bytes of one range proof.
	MaxRangeProofSize = MaxRangeNodes * (1 + leafDataSize)
)

// RangeKind says how much of a subtree a range proof shows.
type RangeKind uint8

// The kinds of nodes, as they are encoded.
const (
	RangeEmpty RangeKind = 0 // the trie without leaves; the only node of its proof
	RangeLeaf  RangeKind = 1 // a leaf: KeyHash and ValueHash
	RangeInner RangeKind = 2 // an inner node: Bit; its left side follows, then its right side
	RangeStub  RangeKind = 3 // a subtree of which only the hash is shown
)

// RangeNode is one node of a range proof.
type RangeNode struct {
	Kind RangeKind
	Bit  uint8        // of an inner node
	Leaf TrieLeafData // of a leaf
	Hash Hash         // of a stub
}

// RangeProof shows all that a trie holds at the key hashes [from, to], both included: the trie without the subtrees that lie
// outside. Its nodes are in preorder: a node, its left side, its right side. A trie and a range have exactly one proof:
//
//   - a subtree is shown as a stub where the place in which it hangs (the bits above it) already lies outside the range;
//   - otherwise it is opened. If what its leaves share lies outside, its leftmost leaf shows that: the way there is opened,
//     and every right side along it is a stub;
//   - otherwise both of its sides are shown by the same rules.
type RangeProof struct{ Nodes []RangeNode }

// VerifyRange checks p against a trusted root, and returns the leaves with key hashes in [from, to], in order. There are no
// others: nothing is omitted. The caller compares what it was given with them ([VerifyRangeEntries]).
//
// Why nothing is omitted: as for [VerifyAbsence] the trie is taken to be well-formed, which is what its certified root says.
// The root commits to every opened node. An inner node's hash binds its bit and not the bits that its leaves share; but an
// opened leaf below it binds them: all leaves below an inner node with bit b agree with that leaf in the bits before b, and
// have b as the side says. Every opened inner node has an opened leaf below it, so the place of every stub is known, and a
// stub is accepted only if its place lies wholly outside [from, to]. A key in the range would be on one way down from the root:
// that way ends at an opened leaf, which is returned, or at a stub, which then would have the key's bits in its place.
//
// Errors: ErrRange if from is after to; ErrTrieShape for a proof that is not the one that trie and range have;
// ErrNeighbour for a leaf that lies off its way; ErrRootMismatch.
func VerifyRange(root, from, to Hash, p RangeProof) ([]TrieLeafData, error) {
	if bytes.Compare(from[:], to[:]) > 0 {
		return nil, fmt.Errorf("%w: from %x after to %x", ErrRange, from, to)
	}
	if len(p.Nodes) == 1 && p.Nodes[0].Kind == RangeEmpty {
		return nil, matchRoot(TrieEmpty(), root)
	}
	t, err := newPruned(p.Nodes)
	if err != nil {
		return nil, err
	}
	v := rangeCheck{pruned: t, from: from, to: to}
	if err := v.subtree(0, place{}); err != nil {
		return nil, err
	}
	if err := matchRoot(t.at[0].hash, root); err != nil {
		return nil, err
	}
	return v.leaves, nil
}

// VerifyRangeEntries checks that the trie with this trusted root holds exactly these pairs at the key hashes [from, to]. The
// pairs are in order of their keys' hashes. Errors: those of VerifyRange; ErrRangeEntries if pairs and proof differ.
func VerifyRangeEntries(root, from, to Hash, pairs []KV, p RangeProof) error {
	leaves, err := VerifyRange(root, from, to, p)
	if err != nil {
		return err
	}
	if len(pairs) != len(leaves) {
		return fmt.Errorf("%w: got %d pairs, want %d", ErrRangeEntries, len(pairs), len(leaves))
	}
	for i := range pairs {
		if got := (TrieLeafData{KeyHash(pairs[i].Key), ValueHash(pairs[i].Value)}); got != leaves[i] {
			return fmt.Errorf("%w: pair %d: got key hash %x, value hash %x, want %x, %x",
				ErrRangeEntries, i, got.KeyHash, got.ValueHash, leaves[i].KeyHash, leaves[i].ValueHash)
		}
	}
	return nil
}

// pruned is a range proof with what follows from its nodes alone.
type pruned struct {
	nodes []RangeNode
	at    []prunedNode // for each node
}

type prunedNode struct {
	hash  Hash
	right int  // the right side of an inner node; the left side is the next node
	key   Hash // of an opened leaf at or below
	open  bool // there is one
}

// newPruned parses the preorder and computes hashes. Bits rise on every way down, so it nests 257 deep at most.
func newPruned(nodes []RangeNode) (*pruned, error) {
	if len(nodes) == 0 || len(nodes) > MaxRangeNodes {
		return nil, fmt.Errorf("%w: got %d nodes, want 1 to %d", ErrTrieShape, len(nodes), MaxRangeNodes)
	}
	t := &pruned{nodes: nodes, at: make([]prunedNode, len(nodes))}
	end, err := t.parse(0, -1)
	if err != nil {
		return nil, err
	}
	if end != len(nodes) {
		return nil, fmt.Errorf("%w: got %d nodes, want %d", ErrTrieShape, len(nodes), end)
	}
	return t, nil
}

// parse reads the subtree that begins at node i, below an inner node with bit above, and returns where it ends.
func (t *pruned) parse(i, above int) (end int, err error) {
	if i >= len(t.nodes) {
		return 0, fmt.Errorf("%w: nodes end at %d within a subtree", ErrTrieShape, i)
	}
	n, a := &t.nodes[i], &t.at[i]
	switch n.Kind {
	case RangeLeaf:
		a.hash, a.key, a.open = TrieLeaf(n.Leaf.KeyHash, n.Leaf.ValueHash), n.Leaf.KeyHash, true
		return i + 1, nil
	case RangeStub:
		a.hash = n.Hash
		return i + 1, nil
	case RangeInner:
	default:
		return 0, fmt.Errorf("%w: node %d: got kind %d", ErrTrieShape, i, n.Kind)
	}
	if int(n.Bit) <= above {
		return 0, fmt.Errorf("%w: node %d: got bit %d, want above %d", ErrTrieShape, i, n.Bit, above)
	}
	if a.right, err = t.parse(i+1, int(n.Bit)); err != nil {
		return 0, err
	}
	if end, err = t.parse(a.right, int(n.Bit)); err != nil {
		return 0, err
	}
	l, r := &t.at[i+1], &t.at[a.right]
	a.hash = TrieNode(n.Bit, l.hash, r.hash)
	a.key, a.open = l.key, l.open
	if !l.open {
		a.key, a.open = r.key, r.open
	}
	return end, nil
}

// place is where a subtree lies: its leaves agree with key in the first bits bits.
type place struct {
	key  Hash
	bits int
}

// side returns the place of one side of an inner node with this bit whose leaves agree with key before it.
func side(key Hash, bit, which uint8) place {
	key[bit>>3] &^= 0x80 >> (bit & 7)
	key[bit>>3] |= which << (7 - bit&7)
	return place{key, int(bit) + 1}
}

// bounds returns the first and the last key hash of the place.
func (p place) bounds() (first, last Hash) {
	first, last = p.key, p.key
	for bit := p.bits; bit < 256; bit++ {
		if bit&7 == 0 {
			first[bit>>3], last[bit>>3] = 0, 0xff
			bit += 7
			continue
		}
		first[bit>>3] &^= 0x80 >> (bit & 7)
		last[bit>>3] |= 0x80 >> (bit & 7)
	}
	return first, last
}

func (p place) outside(from, to Hash) bool {
	first, last := p.bounds()
	return bytes.Compare(last[:], from[:]) < 0 || bytes.Compare(first[:], to[:]) > 0
}

// holds reports whether key lies in the place.
func (p place) holds(key Hash) bool {
	bit, differs := DiffBit(p.key, key)
	return !differs || int(bit) >= p.bits
}

// rangeCheck holds a pruned trie against a range.
type rangeCheck struct {
	*pruned
	from, to Hash
	leaves   []TrieLeafData
}

// subtree checks that node i is what is shown of a subtree in place p, and collects the leaves in the range.
func (v *rangeCheck) subtree(i int, p place) error {
	n, a := &v.nodes[i], &v.at[i]
	if outside := p.outside(v.from, v.to); outside || n.Kind == RangeStub {
		if outside != (n.Kind == RangeStub) {
			return fmt.Errorf("%w: node %d: a stub is %t, its place lies outside is %t", ErrTrieShape, i, n.Kind == RangeStub, outside)
		}
		return nil
	}
	if !a.open {
		return fmt.Errorf("%w: node %d: no leaf is shown below", ErrTrieShape, i)
	}
	if !p.holds(a.key) {
		return fmt.Errorf("%w: leaf %x is not below bits %d of %x", ErrNeighbour, a.key, p.bits, p.key)
	}
	if n.Kind == RangeLeaf {
		if bytes.Compare(a.key[:], v.from[:]) >= 0 && bytes.Compare(a.key[:], v.to[:]) <= 0 {
			v.leaves = append(v.leaves, n.Leaf)
		}
		return nil
	}
	if (place{a.key, int(n.Bit)}).outside(v.from, v.to) {
		return v.witness(i)
	}
	if err := v.subtree(i+1, side(a.key, n.Bit, 0)); err != nil {
		return err
	}
	return v.subtree(a.right, side(a.key, n.Bit, 1))
}

// witness checks that of a subtree outside the range the leftmost leaf is shown and no more.
func (v *rangeCheck) witness(i int) error {
	key := v.at[i].key
	for ; v.nodes[i].Kind == RangeInner; i++ {
		if KeyBit(key, v.nodes[i].Bit) != 0 {
			return fmt.Errorf("%w: leaf %x: got bit %d set, want it on the left", ErrNeighbour, key, v.nodes[i].Bit)
		}
		if v.nodes[v.at[i].right].Kind != RangeStub {
			return fmt.Errorf("%w: node %d: got it opened, want a stub", ErrTrieShape, v.at[i].right)
		}
	}
	if v.nodes[i].Kind != RangeLeaf {
		return fmt.Errorf("%w: node %d: got a stub, want a leaf", ErrTrieShape, i)
	}
	return nil
}

// AppendBinary appends the canonical form of p to b: for each node its kind, u8, and
//
//	empty  nothing
//	leaf   key hash [32], value hash [32]
//	inner  bit u8; its left side, then its right side follow
//	stub   hash [32]
//
// ErrTrieShape unless the nodes are one trie in preorder. It implements encoding.BinaryAppender.
func (p RangeProof) AppendBinary(b []byte) ([]byte, error) {
	if len(p.Nodes) == 1 && p.Nodes[0].Kind == RangeEmpty {
		return append(b, byte(RangeEmpty)), nil
	}
	if _, err := newPruned(p.Nodes); err != nil {
		return b, err
	}
	for i := range p.Nodes {
		n := &p.Nodes[i]
		b = append(b, byte(n.Kind))
		switch n.Kind {
		case RangeLeaf:
			b = append(append(b, n.Leaf.KeyHash[:]...), n.Leaf.ValueHash[:]...)
		case RangeInner:
			b = append(b, n.Bit)
		case RangeStub:
			b = append(b, n.Hash[:]...)
		}
	}
	return b, nil
}

// ParseRangeProof reads the form that AppendBinary writes, and nothing else. It allocates at most about 52 times the
// length of b, and keeps no reference to b. Errors: ErrEncoding, ErrTrieShape.
func ParseRangeProof(b []byte) (RangeProof, error) {
	var p RangeProof
	if len(b) > MaxRangeProofSize {
		return p, fmt.Errorf("%w: got %d bytes, want at most %d", ErrEncoding, len(b), MaxRangeProofSize)
	}
	if bytes.Equal(b, []byte{byte(RangeEmpty)}) {
		p.Nodes = []RangeNode{{Kind: RangeEmpty}}
		return p, nil
	}
	open := 1 // subtrees that are still to come
	for ; open > 0; open-- {
		n, size, err := parseRangeNode(b)
		if err != nil {
			return RangeProof{}, fmt.Errorf("node %d: %w", len(p.Nodes), err)
		}
		if n.Kind == RangeInner {
			open += 2
		}
		if len(p.Nodes) == MaxRangeNodes {
			return RangeProof{}, fmt.Errorf("%w: got more than %d nodes", ErrEncoding, MaxRangeNodes)
		}
		p.Nodes, b = append(p.Nodes, n), b[size:]
	}
	if len(b) != 0 {
		return RangeProof{}, fmt.Errorf("%w: got %d bytes after the proof, want none", ErrEncoding, len(b))
	}
	if _, err := newPruned(p.Nodes); err != nil {
		return RangeProof{}, err
	}
	return p, nil
}

var rangeNodeSizes = [...]int{RangeLeaf: 1 + leafDataSize, RangeInner: 2, RangeStub: 1 + 32}

func parseRangeNode(b []byte) (n RangeNode, size int, err error) {
	if len(b) == 0 {
		return n, 0, fmt.Errorf("%w: got no bytes, want a node", ErrEncoding)
	}
	n.Kind = RangeKind(b[0])
	if n.Kind == RangeEmpty || n.Kind > RangeStub {
		return n, 0, fmt.Errorf("%w: got kind %d", ErrEncoding, b[0])
	}
	if size = rangeNodeSizes[n.Kind]; len(b) < size {
		return n, 0, fmt.Errorf("%w: kind %d: got %d bytes, want %d", ErrEncoding, b[0], len(b), size)
	}
	switch n.Kind {
	case RangeLeaf:
		n.Leaf = TrieLeafData{KeyHash: Hash(b[1:33]), ValueHash: Hash(b[33:65])}
	case RangeInner:
		n.Bit = b[1]
	case RangeStub:
		n.Hash = Hash(b[1:33])
	}
	return n, size, nil
}

// Size returns the number of bytes of the binary form of p.
func (p RangeProof) Size() int {
	size := 0
	for i := range p.Nodes {
		if p.Nodes[i].Kind == RangeEmpty {
			return 1
		}
		size += rangeNodeSizes[p.Nodes[i].Kind]
	}
	return size
}

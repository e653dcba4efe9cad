package merkle

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/isthmus-network/isthmus/proofs/merkle/internal/naive"
)

// clustered draws a trie whose key hashes share long prefixes here and there, which hashing keys never gives.
func clustered(t *rapid.T, most int) *Trie {
	n := rapid.IntRange(0, most).Draw(t, "leaves")
	seen := map[Hash]bool{}
	trie := &Trie{}
	for range n {
		k := clusteredKey(t, trie)
		if seen[k] {
			continue
		}
		seen[k] = true
		trie.leaves = append(trie.leaves, TrieLeafData{KeyHash: k, ValueHash: Hash{byte(len(seen))}})
	}
	slices.SortFunc(trie.leaves, func(a, b TrieLeafData) int { return bytes.Compare(a.KeyHash[:], b.KeyHash[:]) })
	return trie
}

// clusteredKey draws a hash, most often one that agrees with a leaf in many bits.
func clusteredKey(t *rapid.T, trie *Trie) Hash {
	var k Hash
	copy(k[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "key"))
	if len(trie.leaves) == 0 || rapid.IntRange(0, 4).Draw(t, "fresh") == 0 {
		return k
	}
	near := rapid.SampledFrom(trie.leaves).Draw(t, "near").KeyHash
	bits := rapid.IntRange(0, 256).Draw(t, "shared")
	for bit := range bits {
		if KeyBit(near, uint8(bit)) != KeyBit(k, uint8(bit)) {
			k[bit>>3] ^= 0x80 >> (bit & 7)
		}
	}
	return k
}

func drawRange(t *rapid.T, trie *Trie) (from, to Hash) {
	from, to = clusteredKey(t, trie), clusteredKey(t, trie)
	switch rapid.IntRange(0, 9).Draw(t, "bounds") {
	case 0:
		from = Hash{}
	case 1:
		to = allOnes()
	case 2:
		to = from
	}
	if bytes.Compare(from[:], to[:]) > 0 {
		from, to = to, from
	}
	return from, to
}

func allOnes() (h Hash) {
	for i := range h {
		h[i] = 0xff
	}
	return h
}

func (t *Trie) within(from, to Hash) (in []TrieLeafData) {
	for _, l := range t.leaves {
		if bytes.Compare(l.KeyHash[:], from[:]) >= 0 && bytes.Compare(l.KeyHash[:], to[:]) <= 0 {
			in = append(in, l)
		}
	}
	return in
}

func (t *Trie) naive() []naive.Entry {
	out := make([]naive.Entry, len(t.leaves))
	for i, l := range t.leaves {
		out[i] = naive.Entry{KeyHash: l.KeyHash, ValueHash: l.ValueHash}
	}
	return out
}

// TestRangeAgainstOracle: the proof is the oracle's, byte for byte, and shows exactly the leaves in the range.
func TestRangeAgainstOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		trie := clustered(t, 40)
		from, to := drawRange(t, trie)
		p, covered, err := trie.ProveRange(from, to, 1<<20)
		if err != nil || covered != to {
			t.Fatalf("prove: got %v, covered %x, want %x", err, covered, to)
		}
		b, err := p.AppendBinary(nil)
		if err != nil || len(b) != p.Size() {
			t.Fatalf("encode: got %v and %d bytes, want %d", err, len(b), p.Size())
		}
		if want := naive.ProveRange(trie.naive(), from, to); !bytes.Equal(b, want) {
			t.Fatalf("proof: got %x, want %x", b, want)
		}
		again, err := ParseRangeProof(b)
		if err != nil || !slices.Equal(again.Nodes, p.Nodes) {
			t.Fatalf("parse: got %v, %v", again, err)
		}
		leaves, err := VerifyRange(naive.TrieRoot(trie.naive()), from, to, again)
		if err != nil || !slices.Equal(leaves, trie.within(from, to)) {
			t.Fatalf("verify: got %v, %v, want %v", leaves, err, trie.within(from, to))
		}
	})
}

// TestRangeHidesNothing: whatever subtree is left out, or shown beyond need, the proof is refused although its root is right.
func TestRangeHidesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		trie := clustered(t, 20)
		from, to := drawRange(t, trie)
		p, _, err := trie.ProveRange(from, to, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if len(trie.leaves) == 0 {
			return
		}
		tree, err := newPruned(p.Nodes)
		if err != nil {
			t.Fatal(err)
		}
		for i, n := range p.Nodes {
			changed := slices.Clone(p.Nodes[:i])
			if n.Kind == RangeStub {
				changed = append(changed, trie.open(n.Hash)...)
				changed = append(changed, p.Nodes[i+1:]...)
			} else {
				changed = append(changed, RangeNode{Kind: RangeStub, Hash: tree.at[i].hash})
				changed = append(changed, p.Nodes[subtreeEnd(p.Nodes, i):]...)
			}
			if _, err := VerifyRange(trie.Root(), from, to, RangeProof{changed}); !errors.Is(err, ErrTrieShape) && !errors.Is(err, ErrNeighbour) {
				t.Fatalf("node %d of kind %d left out or opened: got %v", i, n.Kind, err)
			}
		}
		// One leaf less is another trie.
		if in := trie.within(from, to); len(in) > 0 {
			hidden := &Trie{leaves: slices.DeleteFunc(slices.Clone(trie.leaves), func(l TrieLeafData) bool { return l == in[0] })}
			q, _, err := hidden.ProveRange(from, to, 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := VerifyRange(trie.Root(), from, to, q); !errors.Is(err, ErrRootMismatch) {
				t.Fatalf("leaf omitted: got %v", err)
			}
		}
	})
}

// open returns all of the subtree with this hash.
func (t *Trie) open(hash Hash) []RangeNode {
	var find func(leaves []TrieLeafData) []RangeNode
	var all func(leaves []TrieLeafData) []RangeNode
	all = func(leaves []TrieLeafData) []RangeNode {
		if len(leaves) == 1 {
			return []RangeNode{{Kind: RangeLeaf, Leaf: leaves[0]}}
		}
		bit, l, r := split(leaves)
		return append(append([]RangeNode{{Kind: RangeInner, Bit: bit}}, all(l)...), all(r)...)
	}
	find = func(leaves []TrieLeafData) []RangeNode {
		if subtrie(leaves) == hash {
			return all(leaves)
		}
		if len(leaves) == 1 {
			return nil
		}
		_, l, r := split(leaves)
		return append(find(l), find(r)...)
	}
	return find(t.leaves)
}

func subtreeEnd(nodes []RangeNode, i int) int {
	for open := 1; open > 0; i++ {
		open--
		if nodes[i].Kind == RangeInner {
			open += 2
		}
	}
	return i
}

// TestRangeForAnotherRange: a proof is good for the bounds that it was made for, or for others with the very same proof.
func TestRangeForAnotherRange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		trie := clustered(t, 30)
		from, to := drawRange(t, trie)
		p, _, err := trie.ProveRange(from, to, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		from2, to2 := drawRange(t, trie)
		leaves, err := VerifyRange(trie.Root(), from2, to2, p)
		if err == nil && !slices.Equal(leaves, trie.within(from2, to2)) {
			t.Fatalf("got %v, want %v", leaves, trie.within(from2, to2))
		}
	})
}

// TestRangeInParts: limited proofs cover the range without a gap.
func TestRangeInParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		trie := clustered(t, 30)
		limit := rapid.IntRange(0, 7).Draw(t, "limit")
		from, end := Hash{}, allOnes()
		var got []TrieLeafData
		for {
			p, covered, err := trie.ProveRange(from, end, limit)
			if err != nil {
				t.Fatal(err)
			}
			leaves, err := VerifyRange(trie.Root(), from, covered, p)
			if err != nil || len(leaves) > max(limit, 1) {
				t.Fatalf("got %d leaves, %v, want at most %d", len(leaves), err, max(limit, 1))
			}
			got = append(got, leaves...)
			if covered == end {
				break
			}
			for i := 31; ; i-- {
				if covered[i]++; covered[i] != 0 {
					break
				}
			}
			from = covered
		}
		if !slices.Equal(got, trie.leaves) {
			t.Fatalf("got %d leaves, want %d", len(got), len(trie.leaves))
		}
	})
}

// TestRangeRefusals: what else is no proof.
func TestRangeRefusals(t *testing.T) {
	var pairs []KV
	for i := range byte(12) {
		pairs = append(pairs, KV{Key: []byte{'k', i}, Value: []byte{i}})
	}
	trie, err := NewTrie(pairs)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(pairs, func(a, b KV) int {
		x, y := KeyHash(a.Key), KeyHash(b.Key)
		return bytes.Compare(x[:], y[:])
	})
	from, to := trie.leaves[3].KeyHash, trie.leaves[8].KeyHash
	honest, _, err := trie.ProveRange(from, to, 100)
	if err != nil {
		t.Fatal(err)
	}
	check := func(name string, want error, root, from, to Hash, pairs []KV, change func(p *RangeProof)) {
		t.Helper()
		p := RangeProof{slices.Clone(honest.Nodes)}
		change(&p)
		if err := VerifyRangeEntries(root, from, to, pairs, p); !errors.Is(err, want) {
			t.Fatalf("%s: got %v, want %v", name, err, want)
		}
	}
	in, same, root := pairs[3:9], func(*RangeProof) {}, trie.Root()
	if err := VerifyRangeEntries(root, from, to, in, honest); err != nil {
		t.Fatal(err)
	}
	check("false emptiness", ErrRootMismatch, root, from, to, nil, func(p *RangeProof) { p.Nodes = []RangeNode{{Kind: RangeEmpty}} })
	check("a stub for the root", ErrTrieShape, root, from, to, nil, func(p *RangeProof) { p.Nodes = []RangeNode{{Kind: RangeStub, Hash: root}} })
	check("no nodes", ErrTrieShape, root, from, to, nil, func(p *RangeProof) { p.Nodes = nil })
	check("truncated", ErrTrieShape, root, from, to, in, func(p *RangeProof) { p.Nodes = p.Nodes[:len(p.Nodes)-1] })
	check("a node more", ErrTrieShape, root, from, to, in, func(p *RangeProof) { p.Nodes = append(p.Nodes, RangeNode{Kind: RangeStub}) })
	check("emptiness inside", ErrTrieShape, root, from, to, in, func(p *RangeProof) { p.Nodes[1] = RangeNode{Kind: RangeEmpty} })
	check("another root", ErrRootMismatch, Hash{1}, from, to, in, same)
	check("reversed bounds", ErrRange, root, to, from, in, same)
	check("pair left out", ErrRangeEntries, root, from, to, in[1:], same)
	check("pair exchanged", ErrRangeEntries, root, from, to, append([]KV{in[1]}, in[1:]...), same)
	value := slices.Clone(in)
	value[2].Value = []byte("other")
	check("value changed", ErrRangeEntries, root, from, to, value, same)
}

// TestRangeWithoutWitness: a subtree outside the range whose place does not show it may not be a stub, although it holds
// nothing of the range.
func TestRangeWithoutWitness(t *testing.T) {
	trie := &Trie{leaves: []TrieLeafData{{KeyHash: Hash{0x00}}, {KeyHash: Hash{0x80, 1}}, {KeyHash: Hash{0x80, 2}}}}
	from, to := Hash{0xc0}, Hash{0xc1} // in the place 1…, where both leaves begin with 1000 0000
	p, _, err := trie.ProveRange(from, to, 10)
	if err != nil {
		t.Fatal(err)
	}
	if leaves, err := VerifyRange(trie.Root(), from, to, p); err != nil || len(leaves) != 0 {
		t.Fatalf("got %v, %v, want no leaves", leaves, err)
	}
	_, _, right := split(trie.leaves)
	q := RangeProof{[]RangeNode{{Kind: RangeInner, Bit: 0}, {Kind: RangeLeaf, Leaf: trie.leaves[0]}, {Kind: RangeStub, Hash: subtrie(right)}}}
	if _, err := VerifyRange(trie.Root(), from, to, q); !errors.Is(err, ErrTrieShape) {
		t.Fatalf("without a witness: got %v", err)
	}
	// A witness that lies elsewhere would move the stubs' places.
	q = RangeProof{slices.Clone(p.Nodes)}
	for i := range q.Nodes {
		if q.Nodes[i].Kind == RangeLeaf {
			q.Nodes[i].Leaf.KeyHash[0] ^= 0x40
		}
	}
	if _, err := VerifyRange(trie.Root(), from, to, q); err == nil {
		t.Fatal("a moved witness was accepted")
	}
}

// TestInclusionFromRanges: a run's compact ranges give the inclusion proof.
func TestInclusionFromRanges(t *testing.T) {
	leaves := make([]Hash, 70)
	for i := range leaves {
		leaves[i] = LeafHash([]byte{byte(i)})
	}
	for size := 1; size <= len(leaves); size++ {
		for i := range size {
			left, right := NewRange(0), NewRange(uint64(i+1))
			for _, l := range leaves[:i] {
				_ = left.Append(l, nil)
			}
			for _, l := range leaves[i+1 : size] {
				_ = right.Append(l, nil)
			}
			got, err := InclusionFromRanges(uint64(i), uint64(size), left.Nodes(), right.Nodes())
			if err != nil {
				t.Fatalf("leaf %d of %d: %v", i, size, err)
			}
			if err := VerifyInclusion(leaves[i], uint64(i), uint64(size), got, Root(leaves[:size])); err != nil {
				t.Fatalf("leaf %d of %d: %v", i, size, err)
			}
			if _, err := InclusionFromRanges(uint64(i), uint64(size), append(left.Nodes(), Hash{}), right.Nodes()); !errors.Is(err, ErrNodeCount) {
				t.Fatalf("leaf %d of %d: a node more: got %v", i, size, err)
			}
		}
	}
	if _, err := InclusionFromRanges(3, 3, nil, nil); !errors.Is(err, ErrIndex) {
		t.Fatalf("got %v, want %v", err, ErrIndex)
	}
}

// TestTrieProve: the reference's proofs of single keys verify.
func TestTrieProve(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfDistinct(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }).Draw(t, "keys")
		var pairs []KV
		for i, k := range keys {
			pairs = append(pairs, KV{Key: k, Value: []byte{byte(i)}})
		}
		trie, err := NewTrie(pairs)
		if err != nil {
			t.Fatal(err)
		}
		for _, kv := range pairs {
			if p, ok := trie.Prove(kv.Key); !ok || VerifyPresence(trie.Root(), kv.Key, kv.Value, p) != nil {
				t.Fatalf("key %x: not proved", kv.Key)
			}
		}
		absent := rapid.SliceOfN(rapid.Byte(), 3, 9).Filter(func(b []byte) bool {
			return !slices.ContainsFunc(keys, func(k []byte) bool { return bytes.Equal(k, b) })
		}).Draw(t, "absent")
		if p, ok := trie.Prove(absent); ok || VerifyAbsence(trie.Root(), absent, p) != nil {
			t.Fatalf("key %x: absence not proved", absent)
		}
	})
}

func FuzzParseRangeProof(f *testing.F) {
	f.Add([]byte{0})
	trie := &Trie{leaves: []TrieLeafData{{KeyHash: Hash{0x00}}, {KeyHash: Hash{0x80, 1}}, {KeyHash: Hash{0x80, 2}}}}
	for _, from := range []Hash{{}, {0x80}, {0xc0}} {
		p, _, _ := trie.ProveRange(from, allOnes(), 10)
		b, _ := p.AppendBinary(nil)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		p, err := ParseRangeProof(in)
		if err != nil {
			return
		}
		out, err := p.AppendBinary(nil)
		if err != nil || !bytes.Equal(in, out) {
			t.Fatalf("%x encodes to %x, %v", in, out, err)
		}
		from := Hash{0x40}
		leaves, err := VerifyRange(trie.Root(), from, allOnes(), p)
		if err == nil && !slices.Equal(leaves, trie.within(from, allOnes())) {
			t.Fatalf("got %v", leaves)
		}
	})
}

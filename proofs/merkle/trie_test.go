package merkle_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/isthmus-network/isthmus/proofs/merkle"
	"github.com/isthmus-network/isthmus/proofs/merkle/internal/naive"
)

// world is a trie of raw pairs, with the oracle's view of it.
type world struct {
	kvs     []merkle.KV
	entries []naive.Entry
	root    merkle.Hash
}

func newWorld(n int) world {
	var kvs []merkle.KV
	for i := range n {
		kvs = append(kvs, merkle.KV{Key: fmt.Appendf(nil, "k%d", i), Value: fmt.Appendf(nil, "v%d", i)})
	}
	return worldOf(kvs)
}

func worldOf(kvs []merkle.KV) world {
	var pairs []naive.Pair
	for _, kv := range kvs {
		pairs = append(pairs, naive.Pair(kv))
	}
	entries := naive.Entries(pairs)
	return world{kvs, entries, naive.TrieRoot(entries)}
}

// prove returns the steps for key, and the leaf at their end: for absence as it is, for presence without the leaf.
func (w world) prove(key []byte) merkle.TrieProof {
	steps, leaf := naive.Prove(w.entries, merkle.KeyHash(key))
	var p merkle.TrieProof
	for _, s := range steps {
		p.Steps = append(p.Steps, merkle.TrieStep(s))
	}
	if leaf != nil {
		p.Leaf = &merkle.TrieLeafData{KeyHash: leaf.KeyHash, ValueHash: leaf.ValueHash}
	}
	return p
}

func (w world) presence(key []byte) merkle.TrieProof {
	p := w.prove(key)
	p.Leaf = nil
	return p
}

var pairGen = rapid.Custom(func(t *rapid.T) merkle.KV {
	return merkle.KV{
		Key:   rapid.SliceOfN(rapid.Byte(), 0, 3).Draw(t, "key"),
		Value: rapid.SliceOfN(rapid.Byte(), 0, 5).Draw(t, "value"),
	}
})

func TestTrieEqualsOracle(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := worldOf(rapid.SliceOfNDistinct(pairGen, 0, 60, func(kv merkle.KV) string { return string(kv.Key) }).Draw(rt, "pairs"))
		got, err := merkle.TrieRoot(w.kvs)
		if err != nil || got != w.root {
			rt.Fatalf("root: got %x (%v), want %x", got, err, w.root)
		}
		if got, err := merkle.TrieRoot(rapid.Permutation(w.kvs).Draw(rt, "order")); err != nil || got != w.root {
			rt.Fatalf("root in another order: got %x (%v), want %x", got, err, w.root)
		}
		held := map[string]bool{}
		for _, kv := range w.kvs {
			held[string(kv.Key)] = true
			if err := merkle.VerifyPresence(w.root, kv.Key, kv.Value, w.presence(kv.Key)); err != nil {
				rt.Fatalf("presence of %x: %v", kv.Key, err)
			}
			if err := merkle.VerifyAbsence(w.root, kv.Key, w.prove(kv.Key)); !errors.Is(err, merkle.ErrKeyPresent) {
				rt.Fatalf("absence of a key that is there, %x: got %v", kv.Key, err)
			}
		}
		key := pairGen.Draw(rt, "other").Key
		if held[string(key)] {
			return
		}
		if err := merkle.VerifyAbsence(w.root, key, w.prove(key)); err != nil {
			rt.Fatalf("absence of %x: %v", key, err)
		}
	})
}

func TestTrieRootRefusesDuplicates(t *testing.T) {
	kvs := newWorld(5).kvs
	if _, err := merkle.TrieRoot(kvs); err != nil {
		t.Fatal(err)
	}
	_, err := merkle.TrieRoot(append(kvs, merkle.KV{Key: []byte("k2"), Value: []byte("other")}))
	wantKind(t, err, string(merkle.ErrDuplicateKey))
}

// TestAnyMutatedTrieByteFails is BNB 2022, where an inner node with both children set hid a forged one: every byte of a
// trie proof counts.
func TestAnyMutatedTrieByteFails(t *testing.T) {
	w := newWorld(30)
	check := func(honest merkle.TrieProof, verify func(merkle.TrieProof) error) {
		t.Helper()
		wantKind(t, verify(honest), "")
		enc, err := honest.AppendBinary(nil)
		wantKind(t, err, "")
		for i := range enc {
			for _, mask := range []byte{1, 0x80, 0xff} {
				bad := bytes.Clone(enc)
				bad[i] ^= mask
				if p, err := merkle.ParseTrieProof(bad); err == nil && verify(p) == nil {
					t.Fatalf("byte %d of %x changed by %#x: accepted", i, enc, mask)
				}
			}
		}
	}
	for _, kv := range w.kvs {
		check(w.presence(kv.Key), func(p merkle.TrieProof) error { return merkle.VerifyPresence(w.root, kv.Key, kv.Value, p) })
	}
	for i := range 30 {
		key := fmt.Appendf(nil, "absent %d", i)
		check(w.prove(key), func(p merkle.TrieProof) error { return merkle.VerifyAbsence(w.root, key, p) })
	}
}

// TestMalformedAbsenceFails: a malformed proof must not read as absence.
func TestMalformedAbsenceFails(t *testing.T) {
	w := newWorld(30)
	absent, present := []byte("absent"), w.kvs[4].Key
	honest := w.prove(absent)
	wantKind(t, merkle.VerifyAbsence(w.root, absent, honest), "")

	wantKind(t, merkle.VerifyAbsence(w.root, absent, merkle.TrieProof{}), string(merkle.ErrRootMismatch))
	wantKind(t, merkle.VerifyAbsence(w.root, absent, merkle.TrieProof{Steps: honest.Steps}), string(merkle.ErrTrieShape))
	for k := range honest.Steps {
		for _, steps := range [][]merkle.TrieStep{honest.Steps[:k], honest.Steps[k+1:], slices.Delete(slices.Clone(honest.Steps), k, k+1)} {
			err := merkle.VerifyAbsence(w.root, absent, merkle.TrieProof{Steps: steps, Leaf: honest.Leaf})
			wantKind(t, err, string(merkle.ErrRootMismatch))
		}
	}
	// No honest proof of any other leaf, nor of any other key's absence, shows a present key absent.
	for i := range w.kvs {
		for _, p := range []merkle.TrieProof{w.prove(w.kvs[i].Key), w.prove(fmt.Appendf(nil, "absent %d", i))} {
			if merkle.VerifyAbsence(w.root, present, p) == nil {
				t.Fatalf("proof %d shows a present key absent", i)
			}
		}
	}
	// The empty trie's proof is for the empty trie's root only, and that trie has no other.
	wantKind(t, merkle.VerifyAbsence(merkle.TrieEmpty(), absent, merkle.TrieProof{}), "")
	wantKind(t, merkle.VerifyAbsence(merkle.TrieEmpty(), absent, honest), string(merkle.ErrRootMismatch))
	wantKind(t, merkle.VerifyAbsence(merkle.EmptyRoot(), absent, merkle.TrieProof{}), string(merkle.ErrRootMismatch))
}

// TestNeighbourOffThePath: in a trie that is not well-formed, a leaf on the wrong side of a node is refused.
func TestNeighbourOffThePath(t *testing.T) {
	w := newWorld(2)
	key := []byte("absent")
	honest := w.prove(key)
	wantKind(t, merkle.VerifyAbsence(w.root, key, honest), "")
	bit := honest.Steps[0].Bit
	wrong := *honest.Leaf
	wrong.KeyHash[bit/8] ^= 0x80 >> (bit % 8)
	leaf, left, right := merkle.TrieLeaf(wrong.KeyHash, wrong.ValueHash), honest.Steps[0].Sibling, honest.Steps[0].Sibling
	if merkle.KeyBit(merkle.KeyHash(key), bit) == 0 {
		left = leaf
	} else {
		right = leaf
	}
	crooked := merkle.TrieNode(bit, left, right)
	err := merkle.VerifyAbsence(crooked, key, merkle.TrieProof{Steps: honest.Steps, Leaf: &wrong})
	wantKind(t, err, string(merkle.ErrNeighbour))
}

// TestShapeIsTheVerifiers is Dragonberry 2022, where the prover chose the shape of a proof: here the directions come from
// the key, the leaf from key and value, and the bits can only rise.
func TestShapeIsTheVerifiers(t *testing.T) {
	w := newWorld(30)
	kv := w.kvs[7]
	honest := w.presence(kv.Key)
	wantKind(t, merkle.VerifyPresence(w.root, kv.Key, kv.Value, honest), "")

	for i := range w.kvs {
		other := w.kvs[i]
		if i == 7 {
			continue
		}
		wantKind(t, merkle.VerifyPresence(w.root, other.Key, other.Value, honest), string(merkle.ErrRootMismatch))
		wantKind(t, merkle.VerifyPresence(w.root, kv.Key, other.Value, honest), string(merkle.ErrRootMismatch))
	}
	withLeaf := merkle.TrieProof{Steps: honest.Steps, Leaf: w.prove(kv.Key).Leaf}
	wantKind(t, merkle.VerifyPresence(w.root, kv.Key, kv.Value, withLeaf), string(merkle.ErrTrieShape))
	reversed := slices.Clone(honest.Steps)
	slices.Reverse(reversed)
	wantKind(t, merkle.VerifyPresence(w.root, kv.Key, kv.Value, merkle.TrieProof{Steps: reversed}), string(merkle.ErrTrieShape))
	repeated := slices.Insert(slices.Clone(honest.Steps), 1, honest.Steps[0])
	wantKind(t, merkle.VerifyPresence(w.root, kv.Key, kv.Value, merkle.TrieProof{Steps: repeated}), string(merkle.ErrTrieShape))
	endless := make([]merkle.TrieStep, merkle.MaxTrieSteps+1)
	for i := range endless {
		endless[i].Bit = uint8(i)
	}
	wantKind(t, merkle.VerifyPresence(w.root, kv.Key, kv.Value, merkle.TrieProof{Steps: endless}), string(merkle.ErrTrieShape))
	wantKind(t, merkle.VerifyAbsence(w.root, kv.Key, merkle.TrieProof{Steps: endless, Leaf: withLeaf.Leaf}), string(merkle.ErrTrieShape))
}

// TestTrieNodesAndLeavesDiffer: no inner node passes for a leaf, in the trie or between trie and log.
func TestTrieNodesAndLeavesDiffer(t *testing.T) {
	a, b := merkle.Hash{1}, merkle.Hash{2}
	seen := map[merkle.Hash]string{}
	for name, h := range map[string]merkle.Hash{
		"trie leaf": merkle.TrieLeaf(a, b), "trie node": merkle.TrieNode(0, a, b), "other bit": merkle.TrieNode(1, a, b),
		"log node": merkle.NodeHash(a, b), "log leaf": merkle.LeafHash(slices.Concat(a[:], b[:])),
		"empty trie": merkle.TrieEmpty(), "empty log": merkle.EmptyRoot(), "empty leaf": merkle.LeafHash(nil),
	} {
		if other, ok := seen[h]; ok {
			t.Fatalf("%s hashes as %s", name, other)
		}
		seen[h] = name
	}
	w := newWorld(2)
	p := w.prove([]byte("absent"))
	wantKind(t, merkle.VerifyAbsence(w.root, []byte("absent"), p), "")
	// The root's two children, shown as the key and value hash of a single leaf.
	l := merkle.TrieLeaf(p.Leaf.KeyHash, p.Leaf.ValueHash)
	for _, forged := range []merkle.TrieLeafData{{KeyHash: l, ValueHash: p.Steps[0].Sibling}, {KeyHash: p.Steps[0].Sibling, ValueHash: l}} {
		err := merkle.VerifyAbsence(w.root, []byte("absent"), merkle.TrieProof{Leaf: &forged})
		wantKind(t, err, string(merkle.ErrRootMismatch))
	}
}

func TestKeyBits(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		a := merkle.Hash(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(rt, "a"))
		bit := rapid.Byte().Draw(rt, "bit")
		b := a
		b[bit/8] ^= 0x80 >> (bit % 8)
		if got, ok := merkle.DiffBit(a, b); !ok || got != bit || merkle.KeyBit(a, bit) == merkle.KeyBit(b, bit) {
			rt.Fatalf("got %d, want %d", got, bit)
		}
		if _, ok := merkle.DiffBit(a, a); ok {
			rt.Fatal("equal hashes differ")
		}
	})
}

package main

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/isthmus-network/isthmus/proofs/merkle/internal/naive"
)

type rangeProofCase struct {
	Desc    string     `json:"desc"`
	Pairs   []pairCase `json:"pairs"` // the whole trie, in order of key hashes
	Root    string     `json:"root"`
	From    string     `json:"from"`
	To      string     `json:"to"`
	Leaves  []string   `json:"leaves"` // key hash and value hash of what lies in the range, joined
	Proof   string     `json:"proof"`  // binary form
	WantErr string     `json:"wantErr"`
}

// rangeTrie returns n pairs in order of their key hashes.
func rangeTrie(n int) ([]naive.Pair, []naive.Entry) {
	ps := pairs(n)
	order := func(a, b naive.Entry) int { return bytes.Compare(a.KeyHash[:], b.KeyHash[:]) }
	slices.SortFunc(ps, func(a, b naive.Pair) int {
		return order(naive.Entries([]naive.Pair{a})[0], naive.Entries([]naive.Pair{b})[0])
	})
	return ps, naive.Entries(ps)
}

func rangeProofCases() (out []rangeProofCase) {
	add := func(desc, wantErr string, n int, from, to [32]byte, change func(c *rangeProofCase, proof []byte) []byte) {
		ps, es := rangeTrie(n)
		c := rangeProofCase{
			Desc: desc, Pairs: []pairCase{}, Root: hex32(naive.TrieRoot(es)), From: hex32(from), To: hex32(to), Leaves: []string{}, WantErr: wantErr,
		}
		for _, p := range ps {
			c.Pairs = append(c.Pairs, pairCase{hex.EncodeToString(p.Key), hex.EncodeToString(p.Value)})
		}
		for _, e := range es {
			if wantErr == "" && bytes.Compare(e.KeyHash[:], from[:]) >= 0 && bytes.Compare(e.KeyHash[:], to[:]) <= 0 {
				c.Leaves = append(c.Leaves, hex32(e.KeyHash)+hex32(e.ValueHash))
			}
		}
		proof := naive.ProveRange(es, from, to)
		if change != nil {
			proof = change(&c, proof)
		}
		c.Proof = hex.EncodeToString(proof)
		out = append(out, c)
	}
	var lowest, highest [32]byte
	for i := range highest {
		highest[i] = 0xff
	}
	_, es := rangeTrie(20)
	key := func(i int) [32]byte { return es[i].KeyHash }
	after := func(h [32]byte) [32]byte { h[31]++; return h }
	add("empty trie", "", 0, lowest, highest, nil)
	add("one leaf, inside", "", 1, lowest, highest, nil)
	add("one leaf, outside", "", 1, highest, highest, nil)
	add("everything", "", 20, lowest, highest, nil)
	add("from leaf 4 to leaf 9, both included", "", 20, key(4), key(9), nil)
	add("one key hash that is there", "", 20, key(4), key(4), nil)
	add("between two leaves: nothing", "", 20, after(key(4)), after(after(key(4))), nil)
	add("below the first leaf: nothing", "", 20, lowest, lowest, nil)
	add("above the last leaf: nothing", "", 20, highest, highest, nil)
	add("the upper half", "", 20, [32]byte{0x80}, highest, nil)
	for i := range 12 { // short ranges within the trie: many have a subtree that needs a witness
		add(fmt.Sprintf("short range %d", i), "", 20, [32]byte{byte(21*i + 3)}, [32]byte{byte(21*i + 4)}, nil)
	}
	addBadRanges(func(desc, wantErr string, change func(c *rangeProofCase, proof []byte) []byte) {
		add(desc, wantErr, 20, key(4), key(9), change)
	})
	return out
}

func addBadRanges(add func(desc, wantErr string, change func(c *rangeProofCase, proof []byte) []byte)) {
	const shape, encoding, root = "trie proof shape", "trie proof encoding", "root mismatch"
	stub := func(h [32]byte) []byte { return append([]byte{3}, h[:]...) }
	_, es := rangeTrie(20)
	add("leaf 6 shown as a stub", shape, func(_ *rangeProofCase, p []byte) []byte {
		h := naive.TrieRoot(es[6:7])
		return bytes.Replace(p, leafOf(es[6]), stub(h), 1)
	})
	add("leaf 6 left out of the trie", root, func(c *rangeProofCase, _ []byte) []byte {
		less := append(slices.Clone(es[:6]), es[7:]...)
		return naive.ProveRange(less, es[4].KeyHash, es[9].KeyHash)
	})
	add("a leaf's value changed", root, func(_ *rangeProofCase, p []byte) []byte {
		other := es[6]
		other.ValueHash[0] ^= 1
		return bytes.Replace(p, leafOf(es[6]), leafOf(other), 1)
	})
	add("the root as a stub", shape, func(_ *rangeProofCase, _ []byte) []byte { return stub(naive.TrieRoot(es)) })
	add("false emptiness", root, func(_ *rangeProofCase, _ []byte) []byte { return []byte{0} })
	add("proof of a narrower range", shape, func(_ *rangeProofCase, _ []byte) []byte {
		return naive.ProveRange(es, es[5].KeyHash, es[8].KeyHash)
	})
	add("proof of everything", shape, func(_ *rangeProofCase, _ []byte) []byte {
		var highest [32]byte
		for i := range highest {
			highest[i] = 0xff
		}
		return naive.ProveRange(es, [32]byte{}, highest)
	})
	add("another root", root, func(c *rangeProofCase, p []byte) []byte { c.Root = hex32(naive.TrieRoot(es[1:])); return p })
	add("bounds reversed", "range bounds", func(c *rangeProofCase, p []byte) []byte { c.From, c.To = c.To, c.From; return p })
	add("truncated", encoding, func(_ *rangeProofCase, p []byte) []byte { return p[:len(p)-1] })
	add("a byte more", encoding, func(_ *rangeProofCase, p []byte) []byte { return append(p, 0) })
	add("no bytes", encoding, func(_ *rangeProofCase, _ []byte) []byte { return nil })
	add("unknown kind", encoding, func(_ *rangeProofCase, p []byte) []byte { p[0] = 4; return p })
	add("bits do not rise", shape, func(_ *rangeProofCase, p []byte) []byte { p[1] = 255; return p })
}

func leafOf(e naive.Entry) []byte {
	return append(append([]byte{1}, e.KeyHash[:]...), e.ValueHash[:]...)
}

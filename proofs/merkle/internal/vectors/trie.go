package main

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"github.com/isthmus-network/isthmus/proofs/merkle/internal/naive"
)

type pairCase struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

type trieCase struct {
	Desc    string     `json:"desc"`
	Pairs   []pairCase `json:"pairs"` // the whole trie
	Root    string     `json:"root"`
	Kind    string     `json:"kind"` // presence or absence
	Key     string     `json:"key"`
	Value   string     `json:"value"` // presence only
	Proof   string     `json:"proof"` // binary form
	WantErr string     `json:"wantErr"`
}

// proof is a trie proof that can be changed before it is encoded.
type proof struct {
	steps []naive.Step
	leaf  *naive.Entry
}

func (p proof) encode() []byte {
	b := binary.BigEndian.AppendUint16(nil, uint16(len(p.steps)))
	for _, s := range p.steps {
		b = append(append(b, s.Bit), s.Sibling[:]...)
	}
	if p.leaf == nil {
		return append(b, 0)
	}
	b = append(append(b, 1), p.leaf.KeyHash[:]...)
	return append(b, p.leaf.ValueHash[:]...)
}

func pairs(n int) []naive.Pair {
	out := make([]naive.Pair, n)
	for i := range out {
		out[i] = naive.Pair{Key: fmt.Appendf(nil, "key %d", i), Value: fmt.Appendf(nil, "value %d", i)}
	}
	return out
}

// prove makes the honest case for key in the trie of n pairs, and the proof in it.
func prove(n int, key string) (trieCase, proof) {
	ps := pairs(n)
	es := naive.Entries(ps)
	kh := naive.Entries([]naive.Pair{{Key: []byte(key)}})[0].KeyHash
	c := trieCase{
		Desc: fmt.Sprintf("%q of %d keys", key, n), Pairs: []pairCase{}, Root: hex32(naive.TrieRoot(es)),
		Kind: "absence", Key: hex.EncodeToString([]byte(key)),
	}
	for _, p := range ps {
		c.Pairs = append(c.Pairs, pairCase{hex.EncodeToString(p.Key), hex.EncodeToString(p.Value)})
		if string(p.Key) == key {
			c.Kind, c.Value = "presence", hex.EncodeToString(p.Value)
		}
	}
	steps, leaf := naive.Prove(es, kh)
	if c.Kind == "presence" {
		leaf = nil
	}
	return c, proof{steps, leaf}
}

func trieCases() []trieCase {
	var out []trieCase
	add := func(n int, key, desc, wantErr string, change func(*trieCase, *proof)) {
		c, p := prove(n, key)
		if change != nil {
			c.Desc += ": " + desc
			change(&c, &p)
		}
		c.WantErr, c.Proof = wantErr, hex.EncodeToString(p.encode())
		out = append(out, c)
	}
	for _, n := range []int{0, 1, 2, 3, 8, 40} {
		if n > 0 {
			add(n, "key 0", "", "", nil)
			add(n, fmt.Sprintf("key %d", n-1), "", "", nil)
		}
		add(n, "nowhere", "", "", nil)
	}
	addBadPresence(add)
	addBadAbsence(add)
	return out
}

type addCase func(n int, key, desc, wantErr string, change func(*trieCase, *proof))

func addBadPresence(add addCase) {
	add(8, "key 3", "other value", "root mismatch", func(c *trieCase, _ *proof) { c.Value = hex.EncodeToString([]byte("value 4")) })
	add(8, "key 3", "proof of another key", "root mismatch", func(c *trieCase, p *proof) { _, *p = prove(8, "key 4") })
	add(8, "key 3", "sibling changed", "root mismatch", func(_ *trieCase, p *proof) { p.steps[0].Sibling[31] ^= 1 })
	add(8, "key 3", "first step missing", "root mismatch", func(_ *trieCase, p *proof) { p.steps = p.steps[1:] })
	add(8, "key 3", "last step missing", "root mismatch", func(_ *trieCase, p *proof) { p.steps = p.steps[:len(p.steps)-1] })
	add(8, "key 3", "bit raised", "root mismatch", func(_ *trieCase, p *proof) { p.steps[len(p.steps)-1].Bit++ })
	add(8, "key 3", "step doubled", "trie proof shape", func(_ *trieCase, p *proof) { p.steps = append(p.steps, p.steps[len(p.steps)-1]) })
	add(8, "key 3", "with a leaf", "trie proof shape", func(_ *trieCase, p *proof) { p.leaf = &naive.Entry{} })
	add(8, "key 3", "root of the empty trie", "root mismatch", func(c *trieCase, p *proof) {
		c.Root, p.steps = hex32(naive.TrieRoot(nil)), nil
	})
	add(8, "key 3", "absence claimed, without a leaf", "trie proof shape", func(c *trieCase, _ *proof) { c.Kind, c.Value = "absence", "" })
	add(8, "key 3", "absence claimed, of an empty trie", "root mismatch", func(c *trieCase, p *proof) {
		c.Kind, c.Value, p.steps = "absence", "", nil
	})
	add(8, "key 3", "absence claimed, with its own leaf", "key present", func(c *trieCase, p *proof) {
		c.Kind, c.Value = "absence", ""
		p.leaf = &naive.Entries(pairs(8))[3]
	})
}

func addBadAbsence(add addCase) {
	add(8, "nowhere", "leaf missing", "trie proof shape", func(_ *trieCase, p *proof) { p.leaf = nil })
	add(8, "nowhere", "empty proof", "root mismatch", func(_ *trieCase, p *proof) { *p = proof{} })
	add(8, "nowhere", "steps missing", "root mismatch", func(_ *trieCase, p *proof) { p.steps = nil })
	add(8, "nowhere", "last step missing", "root mismatch", func(_ *trieCase, p *proof) { p.steps = p.steps[:len(p.steps)-1] })
	add(8, "nowhere", "leaf's value changed", "root mismatch", func(_ *trieCase, p *proof) { p.leaf.ValueHash[0] ^= 1 })
	add(8, "nowhere", "leaf's last key bit changed", "root mismatch", func(_ *trieCase, p *proof) { p.leaf.KeyHash[31] ^= 1 })
	add(8, "nowhere", "steps reversed", "trie proof shape", func(_ *trieCase, p *proof) {
		p.steps[0], p.steps[1] = p.steps[1], p.steps[0]
	})
	add(8, "key 3", "absence claimed, with the honest proof of the leaf across the root", "neighbour off the path", func(c *trieCase, p *proof) {
		c.Kind, c.Value = "absence", ""
		far := naive.Entries(pairs(8))[3].KeyHash
		far[0] ^= 0x80 // the root of this trie branches on bit 0
		p.steps, p.leaf = naive.Prove(naive.Entries(pairs(8)), far)
	})
}

type encodingCase struct {
	Desc    string `json:"desc"`
	Hex     string `json:"hex"`
	WantErr string `json:"wantErr"`
}

func encodingCases() []encodingCase {
	_, present := prove(8, "key 3")
	_, absent := prove(8, "nowhere")
	_, empty := prove(0, "nowhere")
	deep := proof{leaf: &naive.Entry{}}
	for bit := range 256 {
		deep.steps = append(deep.steps, naive.Step{Bit: uint8(bit)})
	}
	var out []encodingCase
	add := func(desc string, b []byte, wantErr string) {
		out = append(out, encodingCase{desc, hex.EncodeToString(b), wantErr})
	}
	add("presence", present.encode(), "")
	add("absence", absent.encode(), "")
	add("empty", empty.encode(), "")
	add("256 steps and a leaf", deep.encode(), "")
	const e = "trie proof encoding"
	p, a := present.encode(), absent.encode()
	add("nothing", nil, e)
	add("no flag", []byte{0, 0}, e)
	add("trailing byte", append(present.encode(), 0), e)
	add("trailing byte after the leaf", append(absent.encode(), 0), e)
	add("flag missing", p[:len(p)-1], e)
	add("leaf cut", a[:len(a)-1], e)
	add("flag 2", append(p[:len(p)-1:len(p)-1], 2), e)
	add("flag 2, two leaves", append(append(p[:len(p)-1:len(p)-1], 2), make([]byte, 2*64)...), e)
	add("flag 1 without a leaf", append(p[:len(p)-1:len(p)-1], 1), e)
	add("257 steps", append([]byte{1, 1}, make([]byte, 257*33+1)...), e)
	add("65535 steps, no bytes", []byte{0xff, 0xff, 0}, e)
	add("little-endian count", append([]byte{p[1], p[0]}, p[2:]...), e)
	equal := proof{steps: []naive.Step{{Bit: 7}, {Bit: 7}}}
	fall := proof{steps: []naive.Step{{Bit: 7}, {Bit: 6}}}
	add("equal bits", equal.encode(), "trie proof shape")
	add("falling bits", fall.encode(), "trie proof shape")
	return out
}

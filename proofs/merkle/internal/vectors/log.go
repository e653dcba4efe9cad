package main

import (
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/isthmus-network/isthmus/proofs/merkle/internal/naive"
)

// entries are the well-known leaves of the Certificate Transparency tests, then numbered ones.
func entries(n int) [][]byte {
	known := []string{"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"}
	out := make([][]byte, n)
	for i := range out {
		if i < len(known) {
			out[i], _ = hex.DecodeString(known[i])
		} else {
			out[i] = fmt.Appendf(nil, "leaf %d", i)
		}
	}
	return out
}

type rootCase struct {
	Desc   string   `json:"desc"`
	Leaves []string `json:"leaves"`
	Root   string   `json:"root"`
}

func rootCases() []rootCase {
	var out []rootCase
	for n := range 18 {
		d := entries(n)
		out = append(out, rootCase{fmt.Sprintf("%d leaves", n), hexes(d), hex32(naive.Root(d))})
	}
	long := [][]byte{slices.Repeat([]byte{0xab}, 511), slices.Repeat([]byte{0xcd}, 512), slices.Repeat([]byte{0xef}, 5000)}
	return append(out, rootCase{"long leaves", hexes(long), hex32(naive.Root(long))})
}

type rangeCase struct {
	Desc   string   `json:"desc"`
	Begin  uint64   `json:"begin,string"`
	End    uint64   `json:"end,string"`
	Leaves []string `json:"leaves"`
	IDs    [][2]int `json:"ids"`
	Nodes  []string `json:"nodes"`
}

func rangeCases() []rangeCase {
	d := entries(32)
	var out []rangeCase
	for _, b := range [][2]int{{0, 0}, {5, 5}, {0, 1}, {0, 8}, {0, 13}, {1, 2}, {1, 3}, {1, 8}, {2, 4}, {3, 5}, {5, 29}, {6, 14}, {8, 24}, {16, 32}} {
		c := rangeCase{
			Desc: fmt.Sprintf("leaves [%d, %d)", b[0], b[1]), Begin: uint64(b[0]), End: uint64(b[1]),
			Leaves: hexes(d[b[0]:b[1]]), IDs: [][2]int{}, Nodes: []string{},
		}
		for _, n := range naive.Cover(d, b[0], b[1]) {
			c.IDs = append(c.IDs, [2]int{n.Level, n.Index})
			c.Nodes = append(c.Nodes, hex32(n.Hash))
		}
		out = append(out, c)
	}
	return out
}

type inclusionCase struct {
	Desc    string   `json:"desc"`
	Leaf    string   `json:"leaf"`
	Index   uint64   `json:"index,string"`
	Size    uint64   `json:"size,string"`
	Proof   []string `json:"proof"`
	Root    string   `json:"root"`
	WantErr string   `json:"wantErr"`
}

func inclusion(m, n int) inclusionCase {
	d := entries(n)
	return inclusionCase{
		Desc: fmt.Sprintf("leaf %d of %d", m, n), Leaf: hex32(naive.Leaf(d[m])), Index: uint64(m), Size: uint64(n),
		Proof: hexes(naive.Path(m, d)), Root: hex32(naive.Root(d)),
	}
}

func inclusionCases() []inclusionCase {
	var out []inclusionCase
	for n := 1; n <= 9; n++ {
		for m := range n {
			out = append(out, inclusion(m, n))
		}
	}
	out = append(out, inclusion(100, 200), inclusion(199, 200))
	bad := func(m, n int, desc, wantErr string, change func(*inclusionCase)) {
		c := inclusion(m, n)
		c.Desc, c.WantErr = c.Desc+": "+desc, wantErr
		change(&c)
		out = append(out, c)
	}
	bad(0, 1, "index = size", "index out of range", func(c *inclusionCase) { c.Index = 1 })
	bad(2, 7, "index = size", "index out of range", func(c *inclusionCase) { c.Index = 7 })
	bad(2, 7, "index past size", "index out of range", func(c *inclusionCase) { c.Index = 1<<64 - 1 })
	bad(0, 1, "size 0", "index out of range", func(c *inclusionCase) { c.Size = 0 })
	bad(2, 7, "no proof", "proof length", func(c *inclusionCase) { c.Proof = []string{} })
	bad(2, 7, "last hash missing", "proof length", func(c *inclusionCase) { c.Proof = c.Proof[:2] })
	bad(2, 7, "first hash missing", "proof length", func(c *inclusionCase) { c.Proof = c.Proof[1:] })
	bad(2, 7, "one hash left over", "proof length", func(c *inclusionCase) { c.Proof = append(c.Proof, c.Root) })
	bad(2, 7, "wrong index", "root mismatch", func(c *inclusionCase) { c.Index = 3 })
	bad(2, 7, "hashes swapped", "root mismatch", func(c *inclusionCase) { c.Proof[0], c.Proof[1] = c.Proof[1], c.Proof[0] })
	bad(2, 7, "foreign leaf", "root mismatch", func(c *inclusionCase) { c.Leaf = hex32(naive.Leaf([]byte("foreign"))) })
	bad(2, 7, "foreign root", "root mismatch", func(c *inclusionCase) { c.Root = hex32(naive.Root(entries(8))) })
	bad(0, 2, "an inner node's children as a leaf", "root mismatch", func(c *inclusionCase) {
		d := entries(4)
		l, r := naive.Leaf(d[0]), naive.Leaf(d[1])
		c.Leaf = hex32(naive.Leaf(append(l[:], r[:]...)))
		c.Proof, c.Root = []string{hex32(naive.Root(d[2:]))}, hex32(naive.Root(d))
	})
	bad(2, 3, "the last leaf doubled", "root mismatch", func(c *inclusionCase) {
		c.Index, c.Size = 3, 4
		c.Proof = []string{c.Leaf, hex32(naive.Root(entries(2)))}
	})
	return out
}

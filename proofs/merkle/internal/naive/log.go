// Package naive is the oracle of package merkle: the same structures written as their definitions read, with no
// thought of speed, and sharing no code with it.
//
// Who may import it: the tests of proofs/merkle and the generator of its vectors. It must not import package merkle.
package naive

import "crypto/sha256"

// Hash is a SHA-256 digest.
type Hash = [32]byte

func sum(parts ...[]byte) Hash {
	var b []byte
	for _, p := range parts {
		b = append(b, p...)
	}
	return sha256.Sum256(b)
}

// Leaf is RFC 6962 section 2.1: the hash of a list with one entry.
func Leaf(d []byte) Hash { return sum([]byte{0}, d) }

// Root is RFC 6962 section 2.1: MTH(D[n]).
func Root(d [][]byte) Hash {
	switch len(d) {
	case 0:
		return sum()
	case 1:
		return Leaf(d[0])
	}
	k := split(len(d))
	l, r := Root(d[:k]), Root(d[k:])
	return sum([]byte{1}, l[:], r[:])
}

// Path is RFC 6962 section 2.1.1: PATH(m, D[n]); 0 <= m < n.
func Path(m int, d [][]byte) []Hash {
	if len(d) == 1 {
		return nil
	}
	k := split(len(d))
	if m < k {
		return append(Path(m, d[:k]), Root(d[k:]))
	}
	return append(Path(m-k, d[k:]), Root(d[:k]))
}

// split returns the largest power of two smaller than n; n > 1.
func split(n int) int {
	k := 1
	for k*2 < n {
		k *= 2
	}
	return k
}

// Node is a perfect subtree: its level, its index in that level, and its root.
type Node struct {
	Level int
	Index int
	Hash  Hash
}

// Cover returns the fewest perfect subtrees that cover the leaves [begin, end) of d, from left to right: at each place the
// largest aligned one that fits.
func Cover(d [][]byte, begin, end int) []Node {
	var out []Node
	for begin < end {
		level := 0
		for begin%(2<<level) == 0 && begin+(2<<level) <= end {
			level++
		}
		width := 1 << level
		out = append(out, Node{level, begin / width, Root(d[begin : begin+width])})
		begin += width
	}
	return out
}

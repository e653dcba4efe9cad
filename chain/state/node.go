package state

import (
	"bytes"

	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// maxSlots is the largest number of leaves and links in a page.
const maxSlots = 16

type kind uint8

const (
	kindLeaf  kind = iota
	kindInner      // of this page
	kindLink       // the root of another page
)

// leafBit is the bit of a leaf: past all bits on which inner nodes branch.
const leafBit = 256

// node is a node of the trie. Nodes of cached pages are shared and never change.
type node struct {
	hash        merkle.Hash
	key         merkle.Hash // of a leaf; else its first bit bits are what all keys below share
	value       merkle.Hash // of a leaf: the value's hash
	left, right *node       // of an inner node
	page        uint64      // of a link
	target      *node       // of a link to a page that is not written yet: that page's root
	bit         uint16      // on which an inner node (a link: its target) branches
	slots       uint8       // of the page whose root this node is or would be
	kind        kind
}

func newLeaf(key, value merkle.Hash) *node {
	n := &node{key: key, value: value, bit: leafBit, slots: 1, kind: kindLeaf}
	n.hash = merkle.TrieLeaf(key, value)
	return n
}

// weight is the number of slots that n takes in the page above.
func (n *node) weight() uint8 {
	if n.kind == kindInner {
		return n.slots
	}
	return 1
}

// setInner makes n the inner node above left and right.
func (n *node) setInner(bit uint16, left, right *node) {
	n.kind, n.bit, n.key = kindInner, bit, left.key
	n.left, n.right = left, right
	n.slots = left.weight() + right.weight()
	n.hash = merkle.TrieNode(uint8(bit), left.hash, right.hash)
}

// child returns the side of an inner node on which key lies, and the other.
func (n *node) child(key merkle.Hash) (next, sibling *node) {
	if merkle.KeyBit(key, uint8(n.bit)) == 0 {
		return n.left, n.right
	}
	return n.right, n.left
}

// change is one update of the trie.
type change struct {
	key    merkle.Hash
	value  merkle.Hash
	remove bool
}

func compareChanges(a, b change) int { return bytes.Compare(a.key[:], b.key[:]) }

// diffBit returns the first bit in which a and b differ, at most limit.
func diffBit(a, b merkle.Hash, limit uint16) uint16 {
	if bit, ok := merkle.DiffBit(a, b); ok && uint16(bit) < limit {
		return uint16(bit)
	}
	return limit
}

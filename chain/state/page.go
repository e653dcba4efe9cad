package state

import (
	"encoding/binary"
	"fmt"

	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// A stored page is its slots in the order of keys; the inner nodes follow from them:
//
//	leaf: 0(1) ‖ key hash(32) ‖ value hash(32)
//	link: 1(1) ‖ bit(1) ‖ slots(1) ‖ page(8) ‖ hash(32) ‖ prefix: the first bit bits, zero-padded
const (
	slotLeaf = 0
	slotLink = 1

	leafSize = 65
	linkSize = 43 // without the prefix
)

// encodePage appends the page whose root is n.
func encodePage(buf []byte, n *node) []byte {
	switch n.kind {
	case kindInner:
		return encodePage(encodePage(buf, n.left), n.right)
	case kindLeaf:
		buf = append(buf, slotLeaf)
		buf = append(buf, n.key[:]...)
		return append(buf, n.value[:]...)
	default:
		buf = append(buf, slotLink, uint8(n.bit), n.slots)
		buf = binary.BigEndian.AppendUint64(buf, n.page)
		buf = append(buf, n.hash[:]...)
		return appendPrefix(buf, n.key, n.bit)
	}
}

func prefixLen(bit uint16) int { return int(bit+7) / 8 }

func appendPrefix(buf []byte, key merkle.Hash, bit uint16) []byte {
	size := prefixLen(bit)
	buf = append(buf, key[:size]...)
	if bit%8 != 0 {
		buf[len(buf)-1] &= 0xff << (8 - bit%8)
	}
	return buf
}

// decodePage returns the root of a stored page, with all hashes. One allocation.
func decodePage(data []byte) (*node, error) {
	nodes := make([]node, 0, 2*maxSlots-1)
	for len(data) > 0 {
		if len(nodes) == maxSlots {
			return nil, fmt.Errorf("%w: page with more than %d slots", ErrCorrupt, maxSlots)
		}
		nodes = nodes[:len(nodes)+1]
		size, ok := decodeSlot(&nodes[len(nodes)-1], data)
		if !ok {
			return nil, fmt.Errorf("%w: page slot %d", ErrCorrupt, len(nodes)-1)
		}
		data = data[size:]
	}
	slots := nodes
	if len(slots) == 0 {
		return nil, fmt.Errorf("%w: empty page", ErrCorrupt)
	}
	root := assemble(slots, &nodes)
	if root == nil {
		return nil, fmt.Errorf("%w: page slots out of order", ErrCorrupt)
	}
	return root, nil
}

func decodeSlot(n *node, data []byte) (size int, ok bool) {
	switch {
	case data[0] == slotLeaf && len(data) >= leafSize:
		n.kind, n.bit, n.slots = kindLeaf, leafBit, 1
		copy(n.key[:], data[1:])
		copy(n.value[:], data[33:])
		n.hash = merkle.TrieLeaf(n.key, n.value)
		return leafSize, true
	case data[0] == slotLink && len(data) >= linkSize+prefixLen(uint16(data[1])):
		n.kind, n.bit, n.slots = kindLink, uint16(data[1]), data[2]
		n.page = binary.BigEndian.Uint64(data[3:])
		copy(n.hash[:], data[11:])
		size = linkSize + prefixLen(n.bit)
		copy(n.key[:], data[linkSize:size])
		return size, n.slots <= maxSlots
	default:
		return 0, false
	}
}

// assemble builds the inner nodes above slots at the end of nodes, whose capacity
// suffices; nil if the slots are not in order.
func assemble(slots []node, nodes *[]node) *node {
	if len(slots) == 1 {
		return &slots[0]
	}
	first, last := &slots[0], &slots[len(slots)-1]
	bit := diffBit(first.key, last.key, min(first.bit, last.bit))
	if bit == min(first.bit, last.bit) {
		return nil
	}
	split := 1
	for split < len(slots) && merkle.KeyBit(slots[split].key, uint8(bit)) == 0 {
		split++
	}
	if split == len(slots) || merkle.KeyBit(first.key, uint8(bit)) == 1 {
		return nil
	}
	left, right := assemble(slots[:split], nodes), assemble(slots[split:], nodes)
	if left == nil || right == nil {
		return nil
	}
	*nodes = (*nodes)[:len(*nodes)+1]
	n := &(*nodes)[len(*nodes)-1]
	n.setInner(bit, left, right)
	return n
}

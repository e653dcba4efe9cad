package state

import (
	"errors"
	"fmt"
	"sort"

	"github.com/isthmus-network/isthmus/chain/store"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// reader is the store, or a snapshot of it.
type reader interface {
	Get(key []byte) ([]byte, error)
	Iterator(r store.Range) *store.Iterator
}

// pages loads pages through the cache. Safe for concurrent use.
type pages struct {
	cache *pageCache
	from  reader
}

// load returns the root of the page that link points to.
func (p pages) load(link *node) (*node, error) {
	if link.target != nil {
		return link.target, nil
	}
	if n := p.cache.get(link.page); n != nil {
		return n, nil
	}
	data, err := p.from.Get(numberKey(spacePage, link.page))
	if errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("%w: page %d is missing", ErrCorrupt, link.page)
	}
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	n, err := decodePage(data)
	if err != nil {
		return nil, fmt.Errorf("page %d: %w", link.page, err)
	}
	if n.hash != link.hash {
		return nil, fmt.Errorf("%w: page %d hashes to %x, want %x", ErrCorrupt, link.page, n.hash, link.hash)
	}
	p.cache.put(link.page, n)
	return n, nil
}

// parallelFrom is the number of changes from which both sides of a node are updated at once.
const parallelFrom = 256

// update applies changes to a trie without changing its nodes.
type update struct {
	pages
	stale []uint64 // pages that the new trie does not use
	forks int      // how often the work may still be split in two
}

// apply returns the trie n with changes, which are sorted and of distinct keys; n itself
// if they change nothing, nil if nothing is left.
func (u *update) apply(n *node, changes []change) (*node, error) {
	if len(changes) == 0 {
		return n, nil
	}
	if n == nil {
		return u.build(changes)
	}
	// Keys share the less with n.key the farther they are from it in order, so the first
	// and the last tell where the changes part from n.
	bit := min(diffBit(changes[0].key, n.key, n.bit), diffBit(changes[len(changes)-1].key, n.key, n.bit))
	if bit < n.bit {
		return u.branch(n, bit, changes)
	}
	switch n.kind {
	case kindLeaf:
		c := changes[0]
		if c.remove {
			return nil, nil
		}
		if c.value == n.value {
			return n, nil
		}
		return newLeaf(c.key, c.value), nil
	case kindLink:
		return u.applyLink(n, changes)
	default:
		left, right, err := u.applySides(n, changes)
		if err != nil || left == n.left && right == n.right {
			return n, err
		}
		return u.join(n.bit, left, right)
	}
}

// branch handles changes of which some part from n above it, at bit.
func (u *update) branch(n *node, bit uint16, changes []change) (*node, error) {
	zeros, ones := splitChanges(changes, bit)
	if merkle.KeyBit(n.key, uint8(bit)) == 1 {
		zeros, ones = ones, zeros
	}
	near, err := u.apply(n, zeros)
	if err != nil {
		return nil, err
	}
	far, err := u.build(ones)
	if err != nil {
		return nil, err
	}
	if merkle.KeyBit(n.key, uint8(bit)) == 1 {
		near, far = far, near
	}
	return u.join(bit, near, far)
}

func (u *update) applyLink(link *node, changes []change) (*node, error) {
	root, err := u.load(link)
	if err != nil {
		return nil, err
	}
	next, err := u.apply(root, changes)
	if err != nil {
		return nil, err
	}
	if next == root {
		return link, nil
	}
	u.stale = append(u.stale, link.page)
	return next, nil
}

func (u *update) applySides(n *node, changes []change) (left, right *node, err error) {
	zeros, ones := splitChanges(changes, n.bit)
	if u.forks == 0 || len(zeros) < parallelFrom || len(ones) < parallelFrom {
		if left, err = u.apply(n.left, zeros); err == nil {
			right, err = u.apply(n.right, ones)
		}
		return left, right, err
	}
	other := &update{pages: u.pages, forks: u.forks - 1}
	u.forks--
	done := make(chan error, 1)
	go func() {
		var err error
		right, err = other.apply(n.right, ones)
		done <- err
	}()
	left, err = u.apply(n.left, zeros)
	err = errors.Join(err, <-done)
	u.stale = append(u.stale, other.stale...)
	return left, right, err
}

// build returns a trie of the leaves that changes set.
func (u *update) build(changes []change) (*node, error) {
	kept := make([]change, 0, len(changes))
	for _, c := range changes {
		if !c.remove {
			kept = append(kept, c)
		}
	}
	if len(kept) == 0 {
		return nil, nil
	}
	return u.buildKept(kept)
}

func (u *update) buildKept(changes []change) (*node, error) {
	if len(changes) == 1 {
		return newLeaf(changes[0].key, changes[0].value), nil
	}
	bit := diffBit(changes[0].key, changes[len(changes)-1].key, leafBit)
	if bit == leafBit {
		return nil, fmt.Errorf("%w: two keys hash to %x", ErrCorrupt, changes[0].key)
	}
	zeros, ones := splitChanges(changes, bit)
	left, err := u.buildKept(zeros)
	if err != nil {
		return nil, err
	}
	right, err := u.buildKept(ones)
	if err != nil {
		return nil, err
	}
	return u.join(bit, left, right)
}

// splitChanges parts changes, which agree in the bits before bit, into those with 0 and
// those with 1 there.
func splitChanges(changes []change, bit uint16) (zeros, ones []change) {
	i := sort.Search(len(changes), func(i int) bool { return merkle.KeyBit(changes[i].key, uint8(bit)) == 1 })
	return changes[:i], changes[i:]
}

// join returns the node above left and right, of which one may be nil, and decides where
// pages are cut: sides that fit into one page together stay in one; otherwise the larger
// becomes a page of its own (the left if equal), and both do if that is not enough. This
// goes by the content below alone, fills pages (but the root's) with 9 to 16 slots, and
// makes as few as can be (Kundu and Misra, "A linear tree partitioning algorithm", 1977).
func (u *update) join(bit uint16, left, right *node) (*node, error) {
	if left == nil {
		return right, nil
	}
	if right == nil {
		return left, nil
	}
	cutLeft, cutRight := false, false
	if left.slots+right.slots > maxSlots {
		cutLeft = left.slots >= right.slots
		cutRight = !cutLeft || right.slots == maxSlots
	}
	left, err := u.place(left, cutLeft)
	if err != nil {
		return nil, err
	}
	if right, err = u.place(right, cutRight); err != nil {
		return nil, err
	}
	n := &node{}
	n.setInner(bit, left, right)
	return n, nil
}

// place makes n a link to a page of its own, or a part of the page above.
func (u *update) place(n *node, own bool) (*node, error) {
	switch {
	case own && n.kind != kindLink:
		return linkTo(n), nil
	case !own && n.kind == kindLink:
		root, err := u.load(n)
		if err != nil {
			return nil, err
		}
		if n.target == nil {
			u.stale = append(u.stale, n.page)
		}
		return root, nil
	default:
		return n, nil
	}
}

// linkTo returns a link to a page with root n, which is still to be written.
func linkTo(n *node) *node {
	return &node{kind: kindLink, hash: n.hash, key: n.key, bit: n.bit, slots: n.slots, target: n}
}

// writtenPage is a page of a new trie.
type writtenPage struct {
	page uint64
	root *node
}

// number gives numbers from next on to the unwritten pages at and below n, those below
// first, and lists them. Afterwards the links name their pages and hold them no longer.
func number(n *node, next *uint64, list []writtenPage) []writtenPage {
	switch {
	case n.kind == kindInner:
		return number(n.right, next, number(n.left, next, list))
	case n.kind == kindLink && n.target != nil:
		list = number(n.target, next, list)
		n.page = *next
		*next++
		list = append(list, writtenPage{page: n.page, root: n.target})
		n.target = nil
	}
	return list
}

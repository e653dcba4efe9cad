package state

import (
	"github.com/isthmus-network/isthmus/chain/store"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// ProveRange returns a proof of all that the version holds at the key hashes [from, to], both
// included, and of at most limit leaves there: covered is to, or the last leaf shown if there
// are more. See merkle.VerifyRange. Errors: merkle.ErrRange, ErrPruned.
func (v *View) ProveRange(from, to merkle.Hash, limit int) (p merkle.RangeProof, covered merkle.Hash, err error) {
	if v.rootPage == 0 {
		return (&merkle.Trie{}).ProveRange(from, to, limit)
	}
	err = v.read(func(snap *store.Snapshot) error {
		r := pageReader{v.s.pages(snap)}
		root, err := r.load(&node{kind: kindLink, page: v.rootPage, hash: v.root})
		if err != nil {
			return err
		}
		p, covered, err = merkle.ProveRange(r, root, from, to, limit)
		return err
	})
	return p, covered, err
}

// pageReader walks the trie for a range proof (merkle.TrieReader).
type pageReader struct{ pages }

// Node needs no page for a link: the page above holds what is to be told of it.
func (r pageReader) Node(n *node) (merkle.TrieNodeInfo, error) {
	if n.bit == leafBit {
		return merkle.TrieNodeInfo{Hash: n.hash, Leaf: &merkle.TrieLeafData{KeyHash: n.key, ValueHash: n.value}}, nil
	}
	return merkle.TrieNodeInfo{Hash: n.hash, Bit: uint8(n.bit), Key: n.key}, nil
}

func (r pageReader) Sides(n *node) (left, right *node, err error) {
	if n.kind == kindLink {
		if n, err = r.load(n); err != nil {
			return nil, nil, err
		}
	}
	return n.left, n.right, nil
}

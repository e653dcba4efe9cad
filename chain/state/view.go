package state

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/isthmus-network/isthmus/chain/store"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// View is the state as of one version. Safe for concurrent use, also with commits. It
// holds nothing open: once the version is pruned, its methods return ErrPruned.
type View struct {
	s        *State
	version  uint64
	rootPage uint64
	root     merkle.Hash
}

// At returns the state as of version; for a version that was skipped, as of the last one
// before. Errors: ErrFuture, ErrPruned.
func (s *State) At(version uint64) (*View, error) {
	if h := s.head.Load(); !h.exists || version > h.version {
		return nil, fmt.Errorf("%w: got %d, the last is %d", ErrFuture, version, h.version)
	}
	v := &View{s: s, version: version}
	err := v.read(func(snap *store.Snapshot) error {
		it := snap.Iterator(store.Range{Start: []byte(spaceRoot), Limit: append(numberKey(spaceRoot, version), 0)})
		defer it.Release()
		if !it.Last() {
			if err := it.Err(); err != nil {
				return err
			}
			return fmt.Errorf("%w: no root at version %d", ErrCorrupt, version)
		}
		var err error
		v.rootPage, v.root, err = parseRootRecord(it.Value())
		return err
	})
	if err != nil {
		return nil, err
	}
	return v, nil
}

// Version returns the version that was asked for.
func (v *View) Version() uint64 { return v.version }

// Root returns the trie's root at the version.
func (v *View) Root() merkle.Hash { return v.root }

// read runs fn on a snapshot of the store in which the version is still readable.
func (v *View) read(fn func(snap *store.Snapshot) error) error {
	snap, err := v.s.db.Snapshot()
	if err != nil {
		return fmt.Errorf("state: view: %w", err)
	}
	defer snap.Release()
	h, err := readHead(snap)
	if err != nil {
		return err
	}
	if v.version < h.floor {
		return fmt.Errorf("%w: version %d, the oldest is %d", ErrPruned, v.version, h.floor)
	}
	return fn(snap)
}

// Get returns the value under key at the version.
func (v *View) Get(key []byte) (value []byte, ok bool, err error) {
	err = v.read(func(snap *store.Snapshot) error {
		value, ok, err = v.get(snap, key)
		return err
	})
	return value, ok, err
}

// get takes the value that was first overwritten after the version, else the present one.
func (v *View) get(snap *store.Snapshot, key []byte) ([]byte, bool, error) {
	if v.version == ^uint64(0) {
		return getValue(snap, spaceFlat, key)
	}
	it := snap.Iterator(store.Prefix(historyKey(key, 0)[:len(historyKey(key, 0))-8]))
	defer it.Release()
	if it.Seek(historyKey(key, v.version+1)) {
		return parseOld(it.Value())
	}
	if err := it.Err(); err != nil {
		return nil, false, fmt.Errorf("state: view: %w", err)
	}
	return getValue(snap, spaceFlat, key)
}

func parseOld(b []byte) (value []byte, ok bool, err error) {
	if len(b) == 0 || b[0] > 1 || b[0] == 0 && len(b) > 1 {
		return nil, false, fmt.Errorf("%w: history record", ErrCorrupt)
	}
	return bytes.Clone(b[1:]), b[0] == 1, nil
}

// Prove returns the value under key and a proof of it for Root; without a value, ok is
// false and the proof shows the absence. See merkle.VerifyPresence and VerifyAbsence.
func (v *View) Prove(key []byte) (value []byte, ok bool, proof merkle.TrieProof, err error) {
	err = v.read(func(snap *store.Snapshot) error {
		kh := merkle.KeyHash(key)
		var leaf *node
		if proof, leaf, err = v.walk(snap, kh); err != nil {
			return err
		}
		if value, ok, err = v.get(snap, key); err != nil {
			return err
		}
		if inTrie := leaf != nil && leaf.key == kh; inTrie != ok || ok && merkle.ValueHash(value) != leaf.value {
			return fmt.Errorf("%w: flat store and trie differ at key %x, version %d", ErrCorrupt, key, v.version)
		}
		if !ok && leaf != nil {
			proof.Leaf = &merkle.TrieLeafData{KeyHash: leaf.key, ValueHash: leaf.value}
		}
		return nil
	})
	if err != nil {
		return nil, false, merkle.TrieProof{}, err
	}
	return value, ok, proof, nil
}

// walk follows the bits of kh from the root to a leaf; nil if the trie is empty.
func (v *View) walk(snap *store.Snapshot, kh merkle.Hash) (proof merkle.TrieProof, leaf *node, err error) {
	if v.rootPage == 0 {
		return proof, nil, nil
	}
	pages := v.s.pages(snap)
	n := &node{kind: kindLink, page: v.rootPage, hash: v.root}
	for {
		switch n.kind {
		case kindLeaf:
			return proof, n, nil
		case kindLink:
			if n, err = pages.load(n); err != nil {
				return proof, nil, err
			}
		default:
			next, sibling := n.child(kh)
			proof.Steps = append(proof.Steps, merkle.TrieStep{Bit: uint8(n.bit), Sibling: sibling.hash})
			n = next
		}
	}
}

// Iterate calls fn for the keys of the version that begin with prefix, at or after from,
// in their order, until it returns false or an error. Key and value are valid during the
// call only.
func (v *View) Iterate(prefix, from []byte, fn func(key, value []byte) (more bool, err error)) error {
	return v.read(func(snap *store.Snapshot) error {
		flat := snap.Iterator(scan(spaceFlat, prefix, from))
		defer flat.Release()
		old := snap.Iterator(store.Prefix(escapePart([]byte(spaceHistory), prefix)))
		defer old.Release()
		start := prefix
		if bytes.Compare(from, prefix) > 0 {
			start = from
		}
		m := &merged{version: v.version, flat: flat, old: old}
		return m.run(start, fn)
	})
}

// merged walks the present keys and the overwritten values together.
type merged struct {
	version   uint64
	flat, old *store.Iterator
	oldKey    []byte // of the next value overwritten after the version; nil if there is none
}

func (m *merged) run(start []byte, fn func(key, value []byte) (bool, error)) error {
	if err := m.seekOld(escapePart([]byte(spaceHistory), start)); err != nil {
		return err
	}
	more := m.flat.Next()
	for more || m.oldKey != nil {
		order := 1 // of the present key against the overwritten
		if more {
			order = -1
			if m.oldKey != nil {
				order = bytes.Compare(m.flat.Key()[len(spaceFlat):], m.oldKey)
			}
		}
		key, value, ok := m.oldKey, []byte(nil), true
		if order < 0 {
			key, value = m.flat.Key()[len(spaceFlat):], m.flat.Value()
		} else {
			var err error
			if value, ok, err = parseOld(m.old.Value()); err != nil {
				return err
			}
		}
		if ok {
			if again, err := fn(key, value); err != nil || !again {
				return err
			}
		}
		if order <= 0 {
			more = m.flat.Next()
		}
		if order >= 0 {
			// Past all versions of this key.
			if err := m.seekOld(append(historyKey(m.oldKey, ^uint64(0)), 0)); err != nil {
				return err
			}
		}
	}
	if err := m.flat.Err(); err != nil {
		return fmt.Errorf("state: view: %w", err)
	}
	return nil
}

// seekOld moves old to the first key at or after at with a value overwritten after the
// version, and there to the first such value.
func (m *merged) seekOld(at []byte) error {
	m.oldKey = nil
	for m.old.Seek(at) {
		key, rest, ok := unescape(m.old.Key()[len(spaceHistory):])
		if !ok || len(rest) != 8 {
			return fmt.Errorf("%w: history key %x", ErrCorrupt, m.old.Key())
		}
		if binary.BigEndian.Uint64(rest) > m.version {
			m.oldKey = key
			return nil
		}
		if m.version == ^uint64(0) {
			return nil
		}
		at = historyKey(key, m.version+1) // of this key, or the start of the next
	}
	if err := m.old.Err(); err != nil {
		return fmt.Errorf("state: view: %w", err)
	}
	return nil
}

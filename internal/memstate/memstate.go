// Package memstate is an authenticated state in memory: the reference for the
// stored one, and what the tests of pure packages run on. It keeps everything,
// and computes its root from all entries anew.
//
// Tests and simulations import it. It imports proofs/merkle and chain/types.
package memstate

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"sort"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// State implements types.State. The zero value is not usable; see [New].
type State struct {
	values map[string][]byte
	keys   []string // sorted
	logs   map[string]*log
	index  map[string][]byte
	undo   []func()
}

var _ types.State = (*State)(nil)

type log struct {
	begin   uint64
	sum     merkle.Range
	leaves  []merkle.Hash
	entries [][]byte
}

// New returns the state with these entries.
func New(entries []merkle.KV) *State {
	s := &State{values: make(map[string][]byte), logs: make(map[string]*log), index: make(map[string][]byte)}
	for _, e := range entries {
		s.put(string(e.Key), e.Value)
	}
	s.undo = nil
	return s
}

// Get returns the value of key.
func (s *State) Get(key []byte) ([]byte, bool, error) {
	v, ok := s.values[string(key)]
	return slices.Clone(v), ok, nil
}

// Set changes one entry.
func (s *State) Set(key, value []byte) { s.put(string(key), slices.Clone(value)) }

// Delete removes one entry.
func (s *State) Delete(key []byte) {
	k := string(key)
	old, ok := s.values[k]
	if !ok {
		return
	}
	s.remove(k)
	s.undo = append(s.undo, func() { s.insert(k, old) })
}

func (s *State) put(k string, value []byte) {
	old, ok := s.values[k]
	s.insert(k, value)
	s.undo = append(s.undo, func() {
		if ok {
			s.values[k] = old
		} else {
			s.remove(k)
		}
	})
}

func (s *State) insert(k string, value []byte) {
	if value == nil {
		value = []byte{}
	}
	if _, ok := s.values[k]; !ok {
		i := sort.SearchStrings(s.keys, k)
		s.keys = slices.Insert(s.keys, i, k)
	}
	s.values[k] = value
}

func (s *State) remove(k string) {
	i := sort.SearchStrings(s.keys, k)
	s.keys = slices.Delete(s.keys, i, i+1)
	delete(s.values, k)
}

// Iterate calls fn for the entries under prefix, in order. It panics if fn
// changes the state's entries, which other implementations need not survive.
func (s *State) Iterate(prefix, from []byte, fn func(key, value []byte) (bool, error)) error {
	start := string(prefix)
	if bytes.Compare(from, prefix) > 0 {
		start = string(from)
	}
	marks := len(s.undo)
	for i := sort.SearchStrings(s.keys, start); i < len(s.keys); i++ {
		k := s.keys[i]
		if !bytes.HasPrefix([]byte(k), prefix) {
			return nil
		}
		// Lent for the call only: what fn keeps of it is spoilt afterwards.
		key, value := []byte(k), slices.Clone(s.values[k])
		more, err := fn(key, value)
		spoil(key)
		spoil(value)
		if len(s.undo) != marks {
			panic("memstate: changed while it was iterated")
		}
		if err != nil || !more {
			return err
		}
	}
	return nil
}

func spoil(b []byte) {
	for i := range b {
		b[i] = 0xa5
	}
}

// LogInfo describes a log.
func (s *State) LogInfo(name string) (types.LogInfo, error) {
	l := s.logs[name]
	if l == nil {
		return types.LogInfo{}, nil
	}
	return types.LogInfo{Begin: l.begin, Range: l.sum.Clone()}, nil
}

// AppendLog adds an entry.
func (s *State) AppendLog(name string, leaf merkle.Hash, entry []byte) (uint64, error) {
	l := s.logs[name]
	if l == nil {
		l = new(log)
		s.logs[name] = l
		s.undo = append(s.undo, func() { delete(s.logs, name) })
	}
	old := l.sum.Clone()
	index := l.sum.End()
	if err := l.sum.Append(leaf, nil); err != nil {
		return 0, err
	}
	l.leaves, l.entries = append(l.leaves, leaf), append(l.entries, slices.Clone(entry))
	s.undo = append(s.undo, func() { l.sum, l.leaves, l.entries = old, l.leaves[:index], l.entries[:index] })
	return index, nil
}

// LogEntry reads an entry back, whether it was released or not.
func (s *State) LogEntry(name string, index uint64) ([]byte, error) {
	l := s.logs[name]
	if l == nil || index >= uint64(len(l.entries)) {
		return nil, fmt.Errorf("memstate: log %s: no entry %d", name, index)
	}
	return slices.Clone(l.entries[index]), nil
}

// SetLogBegin releases the entries below begin.
func (s *State) SetLogBegin(name string, begin uint64) error {
	l := s.logs[name]
	if l == nil || begin < l.begin || begin > l.sum.End() {
		return fmt.Errorf("memstate: log %s: cannot begin at %d", name, begin)
	}
	old := l.begin
	l.begin = begin
	s.undo = append(s.undo, func() { l.begin = old })
	return nil
}

// SetIndex adds an entry that is not authenticated.
func (s *State) SetIndex(key, value []byte) {
	k := string(key)
	old, ok := s.index[k]
	s.index[k] = slices.Clone(value)
	s.undo = append(s.undo, func() {
		if ok {
			s.index[k] = old
		} else {
			delete(s.index, k)
		}
	})
}

// Index reads an entry that SetIndex wrote.
func (s *State) Index(key []byte) ([]byte, bool) {
	v, ok := s.index[string(key)]
	return v, ok
}

// Snapshot marks the present state.
func (s *State) Snapshot() int { return len(s.undo) }

// Revert returns to a mark.
func (s *State) Revert(mark int) {
	for i := len(s.undo) - 1; i >= mark; i-- {
		s.undo[i]()
	}
	s.undo = s.undo[:mark]
}

// Commit forgets what Revert would need.
func (s *State) Commit() { s.undo = nil }

// Leaves returns the leaf hashes of a log.
func (s *State) Leaves(name string) []merkle.Hash {
	if l := s.logs[name]; l != nil {
		return slices.Clone(l.leaves)
	}
	return nil
}

// Entries returns all entries, sorted by key, with the summary of each log under
// "log/"+name: begin, end and the nodes of its compact range.
func (s *State) Entries() []merkle.KV {
	var kvs []merkle.KV
	for _, k := range s.keys {
		kvs = append(kvs, merkle.KV{Key: []byte(k), Value: slices.Clone(s.values[k])})
	}
	for name, l := range s.logs {
		if l.sum.End() == 0 {
			continue
		}
		v := binary.BigEndian.AppendUint64(nil, l.begin)
		v = binary.BigEndian.AppendUint64(v, l.sum.End())
		for _, n := range l.sum.Nodes() {
			v = append(v, n[:]...)
		}
		kvs = append(kvs, merkle.KV{Key: []byte("log/" + name), Value: v})
	}
	slices.SortFunc(kvs, func(a, b merkle.KV) int { return bytes.Compare(a.Key, b.Key) })
	return kvs
}

// Root returns the root of the trie over all entries.
func (s *State) Root() merkle.Hash {
	root, err := merkle.TrieRoot(s.Entries())
	if err != nil {
		panic(err) // keys of a map do not repeat
	}
	return root
}

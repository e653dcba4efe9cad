package state

import (
	"fmt"
	"slices"
	"strings"

	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// Tx is the transaction of one version: an overlay that reads its own writes. Used by one
// goroutine at a time. End it with Commit or Discard.
//
// Set, Delete and their index forms keep a first error, which Root and Commit return.
type Tx struct {
	s       *State
	version uint64
	base    *head
	flat    *overlay
	index   *overlay
	logs    map[string]*Log
	dirty   map[string]*Log // their summaries are not in flat yet
	undo    []undo
	epoch   int // rises with Snapshot and Revert; 0: nothing to revert to
	changes int // counts changes of state
	plan    *plan
	err     error
	done    bool
}

// undo restores one entry, or one log.
type undo struct {
	entry *entry
	state entryState
	value []byte
	log   *Log
	saved logState
}

// Mark is a savepoint of a Tx.
type Mark int

func newTx(s *State, version uint64, base *head) *Tx {
	return &Tx{
		s: s, version: version, base: base,
		flat: newOverlay(s.db, spaceFlat), index: newOverlay(s.db, spaceIndex),
		logs: make(map[string]*Log), dirty: make(map[string]*Log),
	}
}

// Version returns the version that Commit will make.
func (tx *Tx) Version() uint64 { return tx.version }

// Get returns the value under key. It must not be changed.
func (tx *Tx) Get(key []byte) (value []byte, ok bool, err error) {
	if err := tx.usable(); err != nil {
		return nil, false, err
	}
	if reserved(key) {
		tx.flushLogs()
	}
	return tx.flat.get(key)
}

// Set puts a copy of value under key.
func (tx *Tx) Set(key, value []byte) {
	if tx.admit(key, value) {
		tx.put(tx.flat, key, written, slices.Clone(value))
	}
}

// Delete removes key if it is there.
func (tx *Tx) Delete(key []byte) {
	if tx.admit(key, nil) {
		tx.put(tx.flat, key, deleted, nil)
	}
}

// Iterate calls fn for the keys that begin with prefix, at or after from, in their order,
// until it returns false or an error. Key and value are valid during the call only. fn
// may write: keys ahead are seen as they are when their turn comes.
func (tx *Tx) Iterate(prefix, from []byte, fn func(key, value []byte) (more bool, err error)) error {
	if err := tx.usable(); err != nil {
		return err
	}
	tx.flushLogs()
	return tx.flat.iterate(prefix, from, fn)
}

// Index returns the index entry under key. It must not be changed.
func (tx *Tx) Index(key []byte) (value []byte, ok bool, err error) {
	if err := tx.usable(); err != nil {
		return nil, false, err
	}
	return tx.index.get(key)
}

// SetIndex puts a copy of value under key among the index entries, which the root does
// not cover and which have no old versions.
func (tx *Tx) SetIndex(key, value []byte) {
	if tx.admitSize(key, value) {
		tx.put(tx.index, key, written, slices.Clone(value))
	}
}

// DeleteIndex removes an index entry if it is there.
func (tx *Tx) DeleteIndex(key []byte) {
	if tx.admitSize(key, nil) {
		tx.put(tx.index, key, deleted, nil)
	}
}

// Snapshot returns a savepoint: Revert to it undoes everything changed after it, logs
// included. Savepoints nest.
func (tx *Tx) Snapshot() Mark {
	tx.epoch++
	return Mark(len(tx.undo))
}

// Revert undoes all changes since mark, newest first. Marks taken after it are void; mark
// itself stays usable.
func (tx *Tx) Revert(mark Mark) {
	if tx.epoch == 0 || mark < 0 || int(mark) > len(tx.undo) {
		tx.refuse(fmt.Errorf("%w: %d of %d", ErrMark, mark, len(tx.undo)))
		return
	}
	tx.changes++
	tx.epoch++
	for i := len(tx.undo) - 1; i >= int(mark); i-- {
		u := &tx.undo[i]
		if u.log != nil {
			u.log.logState = u.saved
			tx.dirty[u.log.name] = u.log
		} else {
			u.entry.state, u.entry.value = u.state, u.value
			// A summary may have been written after mark for a change before it.
			if l := tx.logs[strings.TrimPrefix(u.entry.key, logPrefix)]; l != nil {
				tx.dirty[l.name] = l
			}
		}
		*u = undo{}
	}
	tx.undo = tx.undo[:mark]
}

// Root returns the root as if committed now. Errors include what Set refused.
func (tx *Tx) Root() (merkle.Hash, error) {
	p, err := tx.prepare()
	if err != nil {
		return merkle.Hash{}, err
	}
	return p.root, nil
}

// Discard ends the transaction without a trace. After Commit it does nothing.
func (tx *Tx) Discard() {
	if !tx.done {
		tx.done = true
		tx.s.release()
	}
}

func (tx *Tx) usable() error {
	if tx.done {
		return ErrTxDone
	}
	return nil
}

// refuse keeps the first error.
func (tx *Tx) refuse(err error) {
	if tx.err == nil {
		tx.err = err
	}
}

func (tx *Tx) admit(key, value []byte) bool {
	if reserved(key) {
		tx.refuse(fmt.Errorf("%w: %q", ErrReservedKey, key))
		return false
	}
	return tx.admitSize(key, value)
}

func (tx *Tx) admitSize(key, value []byte) bool {
	switch {
	case tx.done:
		return false
	case len(key) > MaxKey:
		tx.refuse(fmt.Errorf("%w: key of %d bytes, want at most %d", ErrTooLarge, len(key), MaxKey))
		return false
	case len(value) > MaxValue:
		tx.refuse(fmt.Errorf("%w: value of %d bytes, want at most %d", ErrTooLarge, len(value), MaxValue))
		return false
	}
	return true
}

// put changes an entry, and saves it for Revert if there is a savepoint. value is kept.
func (tx *Tx) put(o *overlay, key []byte, state entryState, value []byte) {
	e := o.entry(key)
	if tx.epoch > 0 {
		tx.undo = append(tx.undo, undo{entry: e, state: e.state, value: e.value})
	}
	o.set(e, state, value)
	tx.changes++
}

func reserved(key []byte) bool { return strings.HasPrefix(string(key), logPrefix) }

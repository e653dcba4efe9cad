package state

import (
	"bytes"
	"strings"

	"github.com/isthmus-network/isthmus/chain/store"
)

type entryState uint8

const (
	untouched entryState = iota // as in the base
	written
	deleted
)

// entry is a key that a transaction has read or written.
type entry struct {
	key    string
	value  []byte // if written
	state  entryState
	listed bool // in the overlay's sorted list

	base      []byte // the committed value
	baseOK    bool   // there is one
	baseKnown bool   // base and baseOK are filled in
}

// overlay is the uncommitted changes over one space of the store.
type overlay struct {
	db      *store.DB
	space   string
	entries map[string]*entry
	changed sorted // entries that were ever written or deleted
}

func newOverlay(db *store.DB, space string) *overlay {
	return &overlay{db: db, space: space, entries: make(map[string]*entry)}
}

func (o *overlay) entry(key []byte) *entry {
	e := o.entries[string(key)]
	if e == nil {
		e = &entry{key: string(key)}
		o.entries[e.key] = e
	}
	return e
}

// fill reads the committed value of e.
func (o *overlay) fill(e *entry) error {
	if e.baseKnown {
		return nil
	}
	v, ok, err := getValue(o.db, o.space, []byte(e.key))
	if err != nil {
		return err
	}
	e.base, e.baseOK, e.baseKnown = v, ok, true
	return nil
}

func (o *overlay) get(key []byte) ([]byte, bool, error) {
	e := o.entry(key)
	switch e.state {
	case written:
		return e.value, true, nil
	case deleted:
		return nil, false, nil
	default:
		err := o.fill(e)
		return e.base, e.baseOK, err
	}
}

// set puts e into a state; the caller has saved the old one if it may be reverted.
func (o *overlay) set(e *entry, state entryState, value []byte) {
	e.state, e.value = state, value
	if !e.listed {
		e.listed = true
		o.changed.insert(e)
	}
}

// iterate merges the committed keys with the overlay, in order. fn may change the overlay.
func (o *overlay) iterate(prefix, from []byte, fn func(key, value []byte) (bool, error)) error {
	it := o.db.Iterator(scan(o.space, prefix, from))
	defer it.Release()
	start := string(prefix)
	if bytes.Compare(from, prefix) > 0 {
		start = string(from)
	}
	more := it.Next()
	top := o.changed.seek(start, nil)
	for {
		for top != nil && top.entry.state == untouched {
			top = top.next[0]
		}
		inTop := top != nil && strings.HasPrefix(top.entry.key, string(prefix))
		if !more && !inTop {
			return it.Err()
		}
		order := -1 // of the committed key against the overlay's
		if more && inTop {
			order = strings.Compare(string(it.Key()[len(o.space):]), top.entry.key)
		} else if inTop {
			order = 1
		}
		if order < 0 {
			key := it.Key()[len(o.space):]
			if again, err := fn(key, it.Value()); err != nil || !again {
				return err
			}
			// fn may have inserted before the old position; what it writes is seen if
			// its key is still ahead.
			start = string(key) + "\x00"
			top = o.changed.seek(start, nil)
			more = it.Next()
			continue
		}
		e := top.entry
		if order == 0 {
			more = it.Next()
		}
		if e.state == written {
			if again, err := fn([]byte(e.key), e.value); err != nil || !again {
				return err
			}
		}
		top = o.changed.seek(e.key+"\x00", nil)
	}
}

package state

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/isthmus-network/isthmus/chain/store"
)

const (
	// notesPerChunk is how many store keys one note of stale keys lists.
	notesPerChunk = 256
	// pruneSpare is how many notes a commit works off beyond as many as it wrote itself,
	// so that a backlog shrinks.
	pruneSpare = 4
	// dropPerCommit is how many keys of dropped logs a commit deletes.
	dropPerCommit = 1024
)

// staleNotes lists the store keys that only versions before this one need. Without
// keeping, no such version is readable and the keys are deleted at once.
type staleNotes struct {
	b       *store.Batch
	version uint64
	keep    bool
	chunk   int // notes written
	count   int // keys in buf
	buf     []byte
}

func (n *staleNotes) add(key []byte) {
	if !n.keep {
		n.b.Delete(key)
		return
	}
	n.buf = binary.BigEndian.AppendUint16(n.buf, uint16(len(key)))
	n.buf = append(n.buf, key...)
	if n.count++; n.count == notesPerChunk {
		n.flush()
	}
}

func (n *staleNotes) flush() {
	if n.count == 0 {
		return
	}
	key := binary.BigEndian.AppendUint32(numberKey(spaceStale, n.version), uint32(n.chunk))
	n.b.Set(key, n.buf)
	n.buf, n.count = n.buf[:0], 0
	n.chunk++
}

// prune deletes what no version from next.floor on needs: bounded work per commit.
func (s *State) prune(b *store.Batch, next *head, written int) error {
	// What version w made stale is needed by versions below w only.
	r := store.Prefix([]byte(spaceStale))
	if next.staleAt != nil { // not again over the graves of the notes before
		r.Start = next.staleAt
	}
	if next.floor < ^uint64(0) {
		r.Limit = numberKey(spaceStale, next.floor+1)
	}
	budget := written + pruneSpare
	err := s.db.Iterate(r, func(key, note []byte) (bool, error) {
		b.Delete(key)
		next.staleAt = slices.Clone(key)
		for len(note) > 0 {
			if len(note) < 2 || len(note) < 2+int(binary.BigEndian.Uint16(note)) {
				return false, fmt.Errorf("%w: note of stale keys", ErrCorrupt)
			}
			size := int(binary.BigEndian.Uint16(note))
			b.Delete(note[2 : 2+size])
			note = note[2+size:]
		}
		budget--
		return budget > 0, nil
	})
	if err != nil {
		return fmt.Errorf("state: prune: %w", err)
	}
	return s.pruneDropped(b)
}

// pruneDropped goes on deleting the entries and tiles of dropped logs.
func (s *State) pruneDropped(b *store.Batch) error {
	budget := dropPerCommit
	err := s.db.Iterate(store.Prefix([]byte(spaceDropped)), func(key, cursor []byte) (bool, error) {
		if len(key) != len(spaceDropped)+8 {
			return false, fmt.Errorf("%w: note of a dropped log", ErrCorrupt)
		}
		id := binary.BigEndian.Uint64(key[len(spaceDropped):])
		for _, space := range []string{spaceEntry, spaceTile} {
			r := store.Prefix(numberKey(space, id))
			if string(cursor) >= string(r.Limit) {
				continue // done with this space
			}
			if string(cursor) > string(r.Start) {
				r.Start = append([]byte(nil), cursor...)
			}
			err := s.db.Iterate(r, func(k, _ []byte) (bool, error) {
				if budget == 0 {
					b.Set(key, k)
					return false, nil
				}
				budget--
				b.Delete(k)
				return true, nil
			})
			if err != nil || budget == 0 {
				return false, err
			}
		}
		b.Delete(key)
		return true, nil
	})
	if err != nil {
		return fmt.Errorf("state: dropped logs: %w", err)
	}
	return nil
}

package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"sync"
)

// Slot is a place that is signed once. Kind separates what is signed (the caller's
// numbering); Epoch is what pruning goes by.
//
// Acts that exclude one another share a slot and differ in the digest: finalize(v) and
// nullify(v) are recorded under one Kind, and whichever comes second conflicts. A lane's
// car or car vote uses Sub = lane index and View = height.
type Slot struct {
	Kind  uint8
	Epoch uint64
	View  uint64
	Sub   uint64
}

func (s Slot) String() string {
	return fmt.Sprintf("slot{kind %d, epoch %d, view %d, sub %d}", s.Kind, s.Epoch, s.View, s.Sub)
}

// Entry is one act to record: Digest is the hash of the bytes that will be signed.
type Entry struct {
	Slot   Slot
	Digest [32]byte
}

// SigningRecord remembers what was signed and refuses a second vote, whatever becomes of
// every other file. It is never rolled back and belongs in no snapshot or backup that may
// be restored. An exclusive lock on its directory keeps a second process off the same
// record. Safe for concurrent use.
type SigningRecord struct {
	fs   FS
	dir  string
	lock io.Closer

	mu     sync.Mutex
	file   File
	seq    uint64 // of the next frame
	floor  uint64 // slots of lower epochs are refused for ever
	votes  map[Slot][32]byte
	buf    []byte
	failed error
	closed bool
}

// OpenSigningRecord opens the record in dir, creating it, and takes the directory's lock:
// ErrLocked if another holder lives. A torn tail was never acknowledged and is cut off;
// damage elsewhere is a *CorruptError. What it then remembers is durable.
func OpenSigningRecord(fsys FS, dir string) (*SigningRecord, error) {
	if err := fsys.MkdirAll(dir); err != nil {
		return nil, fmt.Errorf("store: signing record: %w", err)
	}
	lock, err := fsys.Lock(path.Join(dir, "LOCK"))
	if err != nil {
		return nil, fmt.Errorf("store: signing record %s: %w", dir, err)
	}
	r := &SigningRecord{fs: fsys, dir: dir, lock: lock, votes: make(map[Slot][32]byte)}
	if err := r.recover(); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return r, nil
}

// Record makes it durable that digest is signed in slot; sign only after it returned nil.
// The same digest again is fine and writes nothing. Another digest is a *ConflictError,
// an epoch below the floor a *PrunedError.
func (r *SigningRecord) Record(slot Slot, digest [32]byte) error {
	return r.RecordAll([]Entry{{Slot: slot, Digest: digest}})
}

// RecordAll records all entries with one sync, or none of them if one is refused.
func (r *SigningRecord) RecordAll(entries []Entry) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.usable(); err != nil {
		return err
	}
	fresh, err := r.check(entries)
	if err != nil || len(fresh) == 0 {
		return err
	}
	var payload []byte
	for _, e := range fresh {
		payload = appendEntry(payload, e)
	}
	r.buf = appendFrame(r.buf[:0], r.seq, payload)
	if _, err := r.file.Write(r.buf); err != nil {
		return r.fail(err)
	}
	if err := r.file.Sync(); err != nil {
		return r.fail(err)
	}
	r.seq++
	for _, e := range fresh {
		r.votes[e.Slot] = e.Digest
	}
	return nil
}

// check returns the entries not recorded yet, or the first refusal.
func (r *SigningRecord) check(entries []Entry) ([]Entry, error) {
	if len(entries) > maxFrame/entrySize {
		return nil, fmt.Errorf("%w: %d entries", ErrTooLarge, len(entries))
	}
	fresh := make([]Entry, 0, len(entries))
	batch := make(map[Slot][32]byte, len(entries))
	for _, e := range entries {
		if e.Slot.Epoch < r.floor {
			return nil, &PrunedError{Slot: e.Slot, Floor: r.floor}
		}
		have, known := r.votes[e.Slot]
		if !known {
			have, known = batch[e.Slot]
		}
		if known && have != e.Digest {
			return nil, &ConflictError{Slot: e.Slot, Have: have, Want: e.Digest}
		}
		if !known {
			batch[e.Slot] = e.Digest
			fresh = append(fresh, e)
		}
	}
	return fresh, nil
}

// Lookup returns what is recorded in slot.
func (r *SigningRecord) Lookup(slot Slot) (digest [32]byte, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	digest, ok = r.votes[slot]
	return digest, ok
}

// Floor returns the lowest epoch that may still be signed.
func (r *SigningRecord) Floor() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.floor
}

// Prune raises the floor to epoch and forgets the slots below it, which are refused from
// then on. The floor never falls: a lower epoch does nothing. The file is replaced
// atomically: a crash leaves the old record or the new one.
func (r *SigningRecord) Prune(epoch uint64) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.usable(); err != nil {
		return err
	}
	if epoch <= r.floor {
		return nil
	}
	kept := make(map[Slot][32]byte)
	for slot, digest := range r.votes {
		if slot.Epoch >= epoch {
			kept[slot] = digest
		}
	}
	if err := r.replace(epoch, kept); err != nil {
		return r.fail(err)
	}
	r.floor, r.votes = epoch, kept
	return nil
}

// Close releases the file and the lock.
func (r *SigningRecord) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil
	}
	r.closed = true
	var err error
	if r.file != nil {
		err = r.file.Close()
	}
	return errors.Join(err, r.lock.Close())
}

func (r *SigningRecord) usable() error {
	if r.closed {
		return ErrClosed
	}
	return r.failed
}

func (r *SigningRecord) fail(err error) error {
	r.failed = fmt.Errorf("%w: signing record %s: %w", ErrFailed, r.dir, err)
	return r.failed
}

func (r *SigningRecord) path() string { return path.Join(r.dir, "signing.rec") }

// replace writes a new file with the floor and votes, and puts it in place of the old.
func (r *SigningRecord) replace(floor uint64, votes map[Slot][32]byte) error {
	data, seq := encodeRecord(floor, votes)
	temp := r.path() + ".tmp"
	f, err := r.fs.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|os.O_APPEND)
	if err != nil {
		return err
	}
	if _, err = f.Write(data); err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = r.fs.Rename(temp, r.path())
	}
	if err == nil {
		// Before anything is appended: otherwise a crash could bring the old file back.
		err = r.fs.SyncDir(r.dir)
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	old := r.file
	r.file, r.seq = f, seq
	if old != nil {
		return old.Close()
	}
	return nil
}

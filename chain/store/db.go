package store

import (
	"errors"
	"fmt"

	"github.com/syndtr/goleveldb/leveldb"
	"github.com/syndtr/goleveldb/leveldb/filter"
	"github.com/syndtr/goleveldb/leveldb/iterator"
	"github.com/syndtr/goleveldb/leveldb/opt"
	"github.com/syndtr/goleveldb/leveldb/storage"
	"github.com/syndtr/goleveldb/leveldb/util"
)

// DB is an ordered key-value store. Batches are atomic; after a crash the store holds a
// prefix of the written batches that includes every synced one. Safe for concurrent use.
type DB struct {
	ldb   *leveldb.DB
	owned storage.Storage // closed with the DB; nil if the caller's
}

const mib = 1 << 20

func options() *opt.Options {
	return &opt.Options{
		BlockCacheCapacity:           64 * mib,
		OpenFilesCacheCapacity:       512,
		WriteBuffer:                  32 * mib,
		CompactionTableSize:          8 * mib,
		CompactionTotalSize:          64 * mib,
		CompactionL0Trigger:          4,
		WriteL0SlowdownTrigger:       16,
		WriteL0PauseTrigger:          24,
		Filter:                       filter.NewBloomFilter(10),
		Compression:                  opt.NoCompression, // mostly hashes
		DisableLargeBatchTransaction: true,              // every batch goes through the journal
		DisableSeeksCompaction:       true,
		Strict:                       opt.StrictJournal | opt.StrictJournalChecksum | opt.StrictManifest | opt.StrictBlockChecksum | opt.StrictReader | opt.StrictCompaction,
	}
}

// Open opens the store in dir, creating it. A directory held by another process is
// ErrLocked, damage is ErrCorrupt.
func Open(dir string) (*DB, error) {
	stor, err := storage.OpenFile(dir, false)
	if err != nil {
		if isLockError(err) {
			return nil, fmt.Errorf("%w: %s: %w", ErrLocked, dir, err)
		}
		return nil, fmt.Errorf("store: open %s: %w", dir, err)
	}
	db, err := openLevel(&dirStorage{Storage: stor, dir: dir})
	if err != nil {
		return nil, errors.Join(err, stor.Close())
	}
	db.owned = stor
	return db, nil
}

// OpenStorage opens a store over stor, which stays the caller's to close. If stor has a
// method SyncDir() error, it is called where directory entries must be durable.
func OpenStorage(stor storage.Storage) (*DB, error) { return openLevel(stor) }

func openLevel(stor storage.Storage) (*DB, error) { return openLevelWith(stor, options()) }

func openLevelWith(stor storage.Storage, o *opt.Options) (*DB, error) {
	ldb, err := leveldb.Open(newOrderedStorage(stor), o)
	if err != nil {
		return nil, dbError(err)
	}
	return &DB{ldb: ldb}, nil
}

// Close waits for running compactions and closes the store.
func (db *DB) Close() error {
	err := dbError(db.ldb.Close())
	if db.owned != nil {
		err = errors.Join(err, db.owned.Close())
		db.owned = nil
	}
	return err
}

// Get returns a copy of the value under key, or ErrNotFound.
func (db *DB) Get(key []byte) ([]byte, error) {
	v, err := db.ldb.Get(key, nil)
	return v, dbError(err)
}

// Has says whether key holds a value.
func (db *DB) Has(key []byte) (bool, error) {
	ok, err := db.ldb.Has(key, nil)
	return ok, dbError(err)
}

// Iterate calls fn for the keys of r in order until it returns false or an error.
// Key and value are valid during the call only. It sees one state of the store.
func (db *DB) Iterate(r Range, fn func(key, value []byte) (more bool, err error)) error {
	return iterate(db.Iterator(r), fn)
}

// Iterator returns an iterator over r; it must be released.
func (db *DB) Iterator(r Range) *Iterator {
	return &Iterator{it: db.ldb.NewIterator(r.slice(), nil)}
}

// Snapshot returns an unchanging view of the store; it must be released.
func (db *DB) Snapshot() (*Snapshot, error) {
	s, err := db.ldb.GetSnapshot()
	if err != nil {
		return nil, dbError(err)
	}
	return &Snapshot{s: s}, nil
}

// Write applies b atomically. With sync it returns when b, and all written before, is
// durable; without, b may be lost in a crash, as a whole.
func (db *DB) Write(b *Batch, sync bool) error {
	return dbError(db.ldb.Write(&b.b, &opt.WriteOptions{Sync: sync}))
}

// Batch is a list of changes, applied in order and at once. The zero value is empty.
type Batch struct {
	b    leveldb.Batch
	size int
}

// Set puts value under key; both are copied.
func (b *Batch) Set(key, value []byte) {
	b.b.Put(key, value)
	b.size += len(key) + len(value)
}

// Delete removes key if it is there.
func (b *Batch) Delete(key []byte) {
	b.b.Delete(key)
	b.size += len(key)
}

// Len returns the number of changes.
func (b *Batch) Len() int { return b.b.Len() }

// Size returns the bytes of keys and values in it.
func (b *Batch) Size() int { return b.size }

// Reset empties the batch and keeps its memory.
func (b *Batch) Reset() {
	b.b.Reset()
	b.size = 0
}

// Range is the keys in [Start, Limit); a nil Limit has no end.
type Range struct{ Start, Limit []byte }

// Prefix is the range of all keys that begin with prefix.
func Prefix(prefix []byte) Range {
	r := util.BytesPrefix(prefix)
	return Range{Start: r.Start, Limit: r.Limit}
}

func (r Range) slice() *util.Range { return &util.Range{Start: r.Start, Limit: r.Limit} }

// Snapshot is an unchanging view. Safe for concurrent use until released.
type Snapshot struct{ s *leveldb.Snapshot }

// Get is DB.Get as of the snapshot.
func (s *Snapshot) Get(key []byte) ([]byte, error) {
	v, err := s.s.Get(key, nil)
	return v, dbError(err)
}

// Iterate is DB.Iterate as of the snapshot.
func (s *Snapshot) Iterate(r Range, fn func(key, value []byte) (more bool, err error)) error {
	return iterate(s.Iterator(r), fn)
}

// Iterator is DB.Iterator as of the snapshot.
func (s *Snapshot) Iterator(r Range) *Iterator {
	return &Iterator{it: s.s.NewIterator(r.slice(), nil)}
}

// Release frees the snapshot.
func (s *Snapshot) Release() { s.s.Release() }

// Iterator walks a range; it starts before the first key. Used by one goroutine.
type Iterator struct{ it iterator.Iterator }

// Next moves to the next key; false at the end or on an error (see Err).
func (i *Iterator) Next() bool { return i.it.Next() }

// Prev moves to the key before; false at the start or on an error.
func (i *Iterator) Prev() bool { return i.it.Prev() }

// Last moves to the last key.
func (i *Iterator) Last() bool { return i.it.Last() }

// Seek moves to the first key at or after key.
func (i *Iterator) Seek(key []byte) bool { return i.it.Seek(key) }

// Key returns the current key, valid until the next move.
func (i *Iterator) Key() []byte { return i.it.Key() }

// Value returns the current value, valid until the next move.
func (i *Iterator) Value() []byte { return i.it.Value() }

// Err returns what ended the walk early, if anything.
func (i *Iterator) Err() error { return dbError(i.it.Error()) }

// Release frees the iterator.
func (i *Iterator) Release() { i.it.Release() }

func iterate(it *Iterator, fn func(key, value []byte) (bool, error)) error {
	defer it.Release()
	for it.Next() {
		more, err := fn(it.Key(), it.Value())
		if err != nil || !more {
			return err
		}
	}
	return it.Err()
}

// dbError gives goleveldb's errors the classes of this package.
func dbError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, leveldb.ErrNotFound):
		return ErrNotFound
	case errors.Is(err, leveldb.ErrClosed), errors.Is(err, leveldb.ErrSnapshotReleased), errors.Is(err, leveldb.ErrIterReleased):
		return fmt.Errorf("%w: %w", ErrClosed, err)
	case isCorruption(err):
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	default:
		return fmt.Errorf("store: %w", err)
	}
}
